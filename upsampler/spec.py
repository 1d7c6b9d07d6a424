"""Frozen descriptions of an operation, all validation, all error texts.

Every function checks types before shapes before values and raises before any work is done.
A message names the argument, what was given and what is allowed.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import floor, isfinite
from numbers import Real
from typing import Any

import numpy as np

from . import layout as layouts
from .axis import AxisRule
from .layout import Layout
from .lazy import lazy

METHODS = {
    # mode: (method per axis, spatial axes it wants or None for any)
    "nearest": ("nearest", None),
    "nearest-exact": ("nearest-exact", None),
    "linear": ("linear", None),
    "bilinear": ("linear", 2),
    "trilinear": ("linear", 3),
    "bicubic": ("cubic", None),
    "area": ("area", None),
    "lanczos3": ("lanczos3", None),
    "lanczos": ("lanczos3", None),
}
MODES = tuple(METHODS)
COPY_MODES = ("nearest", "nearest-exact")
FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
NUMBERS = INTEGERS + FLOATS
_SHORT = ("uint8", "int8", "uint16", "int16", "float16", "bfloat16", "float32")
MOST_THREADS = 1 << 16  # larger numbers are allowed and mean no more than this
LONGEST = 2**62  # outputs of an axis that can be indexed
SHORT_FILTER = 6  # taps up to which 8/16-bit integers and short floats compute in float32


# --- pieces ----------------------------------------------------------------------------------


def bad_type(name: str, given: object, allowed: str) -> TypeError:
    return TypeError(f"{name}: got {given!r} of type {type(given).__name__}; allowed: {allowed}")


def bad_value(name: str, given: object, allowed: str) -> ValueError:
    return ValueError(f"{name}: got {given!r}; allowed: {allowed}")


def integer(name: str, value: object, allowed: str = "an integer") -> int:
    """`value` as a Python int; booleans and floats are no integers."""
    if isinstance(value, (bool, np.bool_)):
        raise bad_type(name, value, allowed)
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise bad_type(name, value, allowed) from None


def real(name: str, value: object, allowed: str) -> float:
    """`value` as a Python float; booleans are no numbers."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise bad_type(name, value, allowed)
    return float(value)


def flag(name: str, value: object, optional: bool = False) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if value is None and optional:
        return False
    raise bad_type(name, value, "True, False" + (" or None" if optional else ""))


def items(value: object) -> list[Any] | None:
    """The items of a sequence argument, or None where `value` is a scalar."""
    if isinstance(value, np.ndarray):
        return list(value) if value.ndim else None
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return list(value)
    return None


def integers(name: str, value: object, allowed: str) -> list[int] | int:
    many = items(value)
    if many is None:
        return integer(name, value, allowed)
    return [integer(name, v, allowed) for v in many]


def per_axis(name: str, value: Any, rank: int) -> tuple[Any, ...]:
    if not isinstance(value, list):
        return (value,) * rank
    if len(value) != rank:
        raise ValueError(
            f"{name}: got {len(value)} values {tuple(value)} for {rank} spatial "
            f"{'axis' if rank == 1 else 'axes'}; allowed: one value, or one for each axis"
        )
    return tuple(value)


def thread_count(value: object, name: str = "num_threads") -> int | None:
    if value is None:
        return None
    n = integer(name, value, "an integer of at least 1, or None")
    if n < 1:
        raise bad_value(name, n, "an integer of at least 1, or None")
    return min(n, MOST_THREADS)


def check_thread_type(value: object) -> None:
    if value is not None:
        integer("num_threads", value, "an integer of at least 1, or None")


@lru_cache(maxsize=256)  # NumPy puts names together anew, 2 us each time
def dtype_name(dtype: np.dtype) -> str:
    """The name of a dtype without its byte order."""
    return dtype.newbyteorder("=").name if dtype.kind in "biufc" else dtype.name


def accumulator(name: str, taps: int) -> str:
    """The dtype of the arithmetic: float32 for short filters of short types, else float64."""
    return "float32" if name in _SHORT and taps <= SHORT_FILTER else "float64"


def check_number(dtype: np.dtype, what: str, allowed: tuple[str, ...]) -> None:
    if dtype_name(dtype) not in allowed:
        raise TypeError(f"x: got dtype {dtype} for {what}; allowed: {', '.join(allowed)}")


# --- resampling ------------------------------------------------------------------------------


@dataclass(frozen=True)
class ResampleSpec:
    """One interpolation: what the backends, plans and windows are made from."""

    mode: str
    layout: Layout
    shape: tuple[int, ...]  # of the whole input
    dtype: str
    rules: tuple[AxisRule, ...]
    window: tuple[tuple[int, int], ...]

    def __hash__(self) -> int:
        return self._hash

    @lazy
    def _hash(self) -> int:
        # Specs are keys of the plan cache; hashing their fractions anew took longer than the
        # arithmetic of a small call.
        return hash((self.mode, self.layout, self.shape, self.dtype, self.rules, self.window))

    @property
    def full_shape(self) -> tuple[int, ...]:
        return self.layout.with_spatial(self.shape, tuple(r.m for r in self.rules))

    @lazy
    def out_shape(self) -> tuple[int, ...]:
        return self.layout.with_spatial(self.shape, tuple(b - a for a, b in self.window))

    @property
    def copies(self) -> bool:
        """Whether items are moved untouched (nearest), whatever their dtype."""
        return self.mode in COPY_MODES


def resample_spec(
    shape: tuple[int, ...],
    dtype: np.dtype,
    size: Any = None,
    scale_factor: Any = None,
    mode: Any = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: Any = False,
    layout: Any = None,
    window: Any = None,
    backward: bool = False,
) -> ResampleSpec:
    """Check every argument of `interpolate` and describe what is asked."""
    # Types.
    if size is not None:
        size = integers("size", size, "an integer, or one for each spatial axis")
    scale = _scale_types(scale_factor)
    if not isinstance(mode, str):
        raise bad_type("mode", mode, _modes_text())
    align = flag("align_corners", align_corners, optional=True)
    recompute = flag("recompute_scale_factor", recompute_scale_factor, optional=True)
    smooth = flag("antialias", antialias)
    pairs = window_pairs(window)
    layout = layouts.check_type(layout)
    _resample_dtype(dtype, mode, backward)
    # Shapes.
    where = layouts.parse(layout, len(shape))
    rank = where.rank
    if size is None and scale is None:
        raise ValueError("size, scale_factor: got neither; allowed: exactly one of them")
    if size is not None and scale is not None:
        raise ValueError(
            f"size, scale_factor: got both {size!r} and {scale_factor!r}; "
            "allowed: exactly one of them"
        )
    sizes = per_axis("size", size, rank) if size is not None else None
    scales = per_axis("scale_factor", scale, rank) if scale is not None else None
    # Values.
    check_not_negative("input_size", shape)
    method = _check_mode(mode, where, align, smooth)
    if recompute and sizes is not None:
        raise ValueError(
            "recompute_scale_factor: got True together with size; allowed: only with scale_factor"
        )
    spatial = shape[where.spatial]
    if 0 in spatial:
        raise ValueError(
            f"x: got shape {shape} with an empty spatial axis (layout {where.text!r}); "
            "allowed: spatial axes of at least 1"
        )
    if sizes is not None:
        outputs: list[tuple[int, Fraction | float]] = [
            _from_size(n, m) for n, m in zip(spatial, sizes, strict=True)
        ]
    else:
        outputs = [_from_scale(n, s, recompute) for n, s in zip(spatial, scales or (), strict=True)]
    rules = [
        AxisRule(n, m, method, step, align, smooth)
        for n, (m, step) in zip(spatial, outputs, strict=True)
    ]
    return ResampleSpec(
        mode=mode,
        layout=where,
        shape=shape,
        dtype=dtype_name(dtype),
        rules=tuple(rules),
        window=check_window(pairs, tuple(r.m for r in rules), where),
    )


def _modes_text() -> str:
    return "one of " + ", ".join(repr(m) for m in MODES)


def _scale_types(value: object) -> Any:
    if value is None:
        return None

    def one(v: object) -> Fraction | float:
        if isinstance(v, (bool, np.bool_)) or not isinstance(v, Real):
            raise bad_type("scale_factor", v, "a real number, or one for each spatial axis")
        return Fraction(v) if isinstance(v, (Fraction, int)) else float(v)

    many = items(value)
    return one(value) if many is None else [one(v) for v in many]


def window_pairs(window: object) -> list[tuple[int, ...]] | None:
    """The ranges of `window`, checked for their types."""
    if window is None:
        return None
    allowed = "None, or a (start, stop) pair of integers for each spatial axis"
    ranges = items(window)
    if ranges is None:
        raise bad_type("window", window, allowed)
    pairs = []
    for r in ranges:
        ends = items(r)
        if ends is None:
            raise bad_type("window", window, allowed)
        pairs.append(tuple(integer("window", end, allowed) for end in ends))
    return pairs


def check_window(
    pairs: list[tuple[int, ...]] | None, sizes: tuple[int, ...], where: Layout
) -> tuple[tuple[int, int], ...]:
    """The ranges within outputs of so many samples; without any, all of them."""
    if pairs is None:
        return tuple((0, m) for m in sizes)
    if len(pairs) != len(sizes):
        raise ValueError(
            f"window: got {len(pairs)} ranges for {len(sizes)} spatial axes of layout "
            f"{where.text!r}; allowed: one (start, stop) for each"
        )
    if any(len(pair) != 2 for pair in pairs):
        raise bad_value("window", pairs, "a (start, stop) pair of integers for each spatial axis")
    for (lo, hi), m in zip(pairs, sizes, strict=True):
        if not 0 <= lo <= hi <= min(m, LONGEST):
            raise bad_value(
                "window", (lo, hi), f"0 <= start <= stop <= {m}, the output size of that axis"
            )
    return tuple((lo, hi) for lo, hi in pairs)


def _resample_dtype(dtype: np.dtype, mode: str, backward: bool) -> None:
    if dtype.hasobject:
        raise TypeError(f"x: got dtype {dtype}; allowed: no Python objects, they cannot be moved")
    name = dtype_name(dtype)
    if backward:
        if name not in FLOATS:
            raise TypeError(f"grad: got dtype {dtype}; allowed: {', '.join(FLOATS)}")
    elif mode not in COPY_MODES and mode in METHODS and name not in NUMBERS:
        raise TypeError(
            f"x: got dtype {dtype} for mode {mode!r}; allowed: {', '.join(NUMBERS)} "
            "(bool, complex and other items: 'nearest' and 'nearest-exact' only)"
        )


def _check_mode(mode: str, where: Layout, align: bool, smooth: bool) -> str:
    if mode not in METHODS:
        raise bad_value("mode", mode, _modes_text())
    method, wants = METHODS[mode]
    if wants is not None and where.rank != wants:
        raise ValueError(
            f"mode: got {mode!r} for layout {where.text!r} with {where.rank} spatial axes; "
            f"allowed: {wants} spatial axes (mode 'linear' takes any number)"
        )
    if align and method in ("area", "lanczos3"):
        raise ValueError(
            f"align_corners: got True with mode {mode!r}; allowed: only with the nearest, "
            "linear and cubic modes"
        )
    if smooth and method not in ("linear", "cubic", "lanczos3"):
        raise ValueError(
            f"antialias: got True with mode {mode!r}; allowed: only with 'linear', 'bilinear', "
            "'trilinear', 'bicubic' and 'lanczos3'"
        )
    return method


def _from_size(n: int, m: int) -> tuple[int, Fraction | float]:
    if m < 1:
        raise bad_value("size", m, "at least 1")
    return m, Fraction(n, m)


def _from_scale(n: int, s: Fraction | float, recompute: bool) -> tuple[int, Fraction | float]:
    """Output length and step for a factor."""
    shown = s if isinstance(s, float) or s.denominator > 1 else int(s)
    if (isinstance(s, float) and not isfinite(s)) or s <= 0:
        raise bad_value("scale_factor", shown, "a finite number above 0")
    if isinstance(s, float) and not isfinite(n * s):
        raise bad_value("scale_factor", s, "a factor whose output length is finite")
    if isinstance(s, float) and s.is_integer():
        s = Fraction(int(s))  # integer factors are exact: 49 * (1 / 49) is below 1 in floats
    m = _floor_product(n, s)
    step: Fraction | float = 1 / s
    if m < 1:
        raise ValueError(
            f"scale_factor: got {shown}, which leaves nothing of an axis of length {n}; "
            "allowed: factors that give at least 1 output"
        )
    return m, Fraction(n, m) if recompute else step


def _floor_product(n: int, s: Fraction | float) -> int:
    product = n * s
    whole = round(product)
    return whole if abs(product - whole) <= 1e-6 else floor(product)


def check_full_shape(name: str, shape: object) -> tuple[int, ...]:
    """`input_size` of a backward function: the full shape of its input."""
    allowed = "the full shape of x, a sequence of integers"
    many = items(shape)
    if many is None:
        raise bad_type(name, shape, allowed)
    return tuple(integer(name, v, allowed) for v in many)


def check_not_negative(name: str, shape: tuple[int, ...]) -> None:
    if any(v < 0 for v in shape):
        raise bad_value(name, shape, "no negative sizes")
