"""Items moved untouched on a GPU: nearest neighbours and shuffles of pixels."""

from __future__ import annotations

from math import gcd, prod
from typing import Any

import numpy as np

from ..axis import AxisTable
from ..plan import Plan
from .gpu_launch import Launcher, aligned, chunk_of, index_of, integers
from .kernels import VECTOR, enlarge, gather

Offsets = tuple[np.ndarray, np.ndarray, np.ndarray]


def nearest(launcher: Launcher, plan: Plan, x: Any, out: Any) -> None:
    """Contiguous arrays (outer, outer, D, H, W, inner)."""
    factor = _factor(plan, x)
    if factor and _fits(factor, x, out):
        _, _, _, height, width, _ = x.shape
        planes = prod(x.shape[:3])
        vectors = width * factor * x.itemsize // VECTOR
        chunk = chunk_of(height, vectors * planes)
        index = index_of(prod(out.shape[3:]))
        number = integers(index)
        launcher.rows(
            enlarge(x.itemsize, factor, index), planes, vectors * -(-height // chunk),
            x, out, np.int64(planes), number(height), number(width), number(chunk),
        )  # fmt: skip
        return
    size = _unit(x.shape[5] * x.itemsize, x, out)
    key = f"nearest {x.shape} {size}"
    tables = launcher.kept(plan.compiled, key, lambda: _nearest_offsets(plan, x, size))
    gathered(launcher, x, out, size, *tables)


def shuffle(launcher: Launcher, letters: str, r: int, x: Any, out: Any, up: bool) -> None:
    """Pixel shuffle or its inverse; the axes are `letters`, `out` is contiguous."""
    size = _unit(x.itemsize, x, out)
    key = (letters, r, x.shape, x.strides, out.shape, up, size)
    tables = launcher.remembered(key, lambda: _shuffle_offsets(letters, r, x, out, up, size))
    gathered(launcher, x, out, size, *tables)


def _shuffle_offsets(letters: str, r: int, x: Any, out: Any, up: bool, size: int) -> Offsets:
    steps = dict(zip(letters, (s // size for s in x.strides), strict=True))
    at = {letter: np.arange(n) for letter, n in zip(letters, out.shape, strict=True)}
    c, h, w = (steps[letter] for letter in "CHW")
    if up:
        offset = {
            "C": at["C"] * (r * r * c),
            "H": at["H"] // r * h + at["H"] % r * (r * c),
            "W": at["W"] // r * w + at["W"] % r * c,
        }
    else:
        group, row, column = at["C"] // (r * r), at["C"] // r % r, at["C"] % r
        offset = {
            "C": group * c + row * h + column * w,
            "H": at["H"] * (r * h),
            "W": at["W"] * (r * w),
        }
    if "N" in steps:
        offset["N"] = at["N"] * steps["N"]
    before, after = letters.split("H")
    planes, columns = ([offset[letter] for letter in part] for part in (before, after))
    item = np.arange(x.itemsize // size)
    return offsets(outer_sum(*planes), offset["H"], outer_sum(*columns, item))


def gathered(
    launcher: Launcher, x: Any, out: Any, size: int, planes_at: Any, rows_at: Any, columns_at: Any
) -> None:
    """``out[plane][row][column]``, in units of `size` bytes, from the sum of three offsets."""
    planes, rows, pitch = planes_at.size, rows_at.size, columns_at.size
    index = "int" if columns_at.dtype == np.int32 else "i64"
    number = integers(index)
    vector = size < VECTOR and pitch * size % VECTOR == 0 and aligned(out, VECTOR)
    vectors = pitch * size // VECTOR if vector else pitch
    chunk = chunk_of(rows, vectors * planes)
    launcher.rows(
        gather(size, vector or size == VECTOR, index), planes, vectors * -(-rows // chunk),
        x, out, planes_at, rows_at, columns_at,
        np.int64(planes), number(rows), number(pitch), number(chunk),
    )  # fmt: skip


def offsets(planes: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Offsets:
    """Offsets of the three groups of axes in the types of the kernel."""
    reach = max(int(np.abs(columns).max(initial=0)), rows.size * columns.size)
    number = integers(index_of(reach))
    return planes.astype(np.int64), rows.astype(np.int64), columns.astype(number)


def outer_sum(*parts: np.ndarray) -> np.ndarray:
    """All sums of one offset by axis, the last axis fastest."""
    total = np.zeros(1, np.int64)
    for part in parts:
        total = (total[:, None] + np.asarray(part, np.int64)).ravel()
    return total


def _nearest_offsets(plan: Plan, x: Any, size: int) -> Offsets:
    d, h, w = _starts(plan)
    outer0, outer1, depth, height, width, inner = x.shape
    units = inner * x.itemsize // size
    plane = height * width * units
    return offsets(
        outer_sum(np.arange(outer0 * outer1) * (depth * plane), d * plane),
        h * (width * units),
        outer_sum(w * units, np.arange(units)),
    )


def _starts(plan: Plan) -> list[np.ndarray]:
    """Where outputs read along D, H and W; axes that keep their size are cropped already."""
    found = [np.arange(t.rows) if t.identity else t.start for t in plan.tables]
    return [np.zeros(1, np.int64)] * (3 - len(found)) + found


def _unit(nbytes: int, x: Any, out: Any) -> int:
    """Bytes that are moved at once, a divisor of so many that lie together.

    Complex numbers of 16 bytes may begin at any 8.
    """
    return gcd(nbytes, VECTOR, int(x.data.ptr), int(out.data.ptr))


def _factor(plan: Plan, x: Any) -> int:
    """2 or 4 where every item becomes a block of so many squared, else 0."""
    *outer, h, w = (None, None, *plan.tables)
    tables = [t for t in outer if t is not None]
    if x.shape[5] > 1 or h is None or not all(t.identity for t in tables):
        return 0
    f = w.period
    return f if f in (2, 4) and _repeats(h, f) and _repeats(w, f) else 0


def _repeats(table: AxisTable, factor: int) -> bool:
    """Whether the whole axis is there, each sample `factor` times."""
    whole = table.rows == table.n * factor
    return whole and np.array_equal(table.start, np.arange(table.rows) // factor)


def _fits(factor: int, x: Any, out: Any) -> bool:
    read = VECTOR // factor  # bytes
    if x.itemsize * factor > VECTOR or x.shape[4] * x.itemsize % read:
        return False
    return aligned(x, read) and aligned(out, VECTOR)
