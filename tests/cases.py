"""What the tests run over: dtypes, rules, layouts, and data that finds errors."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from . import exact

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
INTEGERS = [np.dtype(c) for c in "bBhHiIlL"]
FLOATS = [np.dtype(np.float16), BFLOAT16, np.dtype(np.float32), np.dtype(np.float64)]
NUMBERS = INTEGERS + FLOATS

# Every rule of every number of spatial axes, with its keywords.
ALIGN = {"align_corners": True}
SMOOTH = {"antialias": True}
RULES: list[tuple[str, dict[str, Any]]] = [
    ("nearest", {}),
    ("nearest", ALIGN),
    ("nearest-exact", {}),
    ("nearest-exact", ALIGN),
    ("linear", {}),
    ("linear", ALIGN),
    ("linear", SMOOTH),
    ("linear", SMOOTH | ALIGN),
    ("bicubic", {}),
    ("bicubic", ALIGN),
    ("bicubic", SMOOTH),
    ("bicubic", SMOOTH | ALIGN),
    ("area", {}),
    ("lanczos3", {}),
]
COMPUTED = [rule for rule in RULES if not rule[0].startswith("nearest")]
_METHOD = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic", "lanczos": "lanczos3"}

LAYOUTS = {
    1: ["W", "CW", "WC", "NW", "NCW", "NWC", "CNW", "WNC", "WCN", "CWN"],
    2: ["HW", "HWC", "CHW", "NHW", "HWN", "NCHW", "NHWC", "CHWN", "HWCN", "HWNC", "CNHW"],
    3: ["DHW", "DHWC", "CDHW", "NCDHW", "NDHWC", "CDHWN", "DHWCN"],
}


def name(rule: Any) -> str:
    """An id for pytest: ``linear-align_corners``."""
    return "-".join([rule[0], *rule[1]]) if isinstance(rule, tuple) else str(rule)


def tables(
    spatial: tuple[int, ...], size: tuple[int, ...], mode: str, **keywords: Any
) -> list[list[exact.Row]]:
    """Exact rows for each axis."""
    method = _METHOD.get(mode, mode)
    return [exact.weights(n, m, method, **keywords) for n, m in zip(spatial, size, strict=True)]


def matrices(
    spatial: tuple[int, ...], size: tuple[int, ...], mode: str, **keywords: Any
) -> list[np.ndarray]:
    """The correctly rounded float64 matrix of each axis."""
    rows = tables(spatial, size, mode, **keywords)
    return [exact.dense(r, n) for r, n in zip(rows, spatial, strict=True)]


def sample(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Random data over the whole range of a dtype; among integers many at the very ends."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = rng.integers(info.min, info.max, shape, dtype, endpoint=True)
        ends = rng.choice(np.array([info.min, info.max], dtype), shape)
        return np.where(rng.random(shape) < 0.3, ends, values)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind == "c":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def to_layout(x: np.ndarray, source: str, target: str) -> np.ndarray:
    """`x` with its axes moved from one layout to another with the same letters; a view."""
    return x.transpose([source.index(c) for c in target])
