"""Every method in rational arithmetic, written from the definitions and from nothing else.

The second rung of the oracle ladder: slow, without rounding, and without a line in common with
the package.  `weights` gives the rows of the matrix of one axis, `resize` applies them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction as F

import numpy as np

Row = dict[int, F]  # input index -> weight; terms of weight zero are left out
HALF = F(1, 2)


def weights(
    n: int,
    m: int,
    mode: str,
    align_corners: bool = False,
    antialias: bool = False,
    step: F | None = None,
) -> list[Row]:
    """The m rows of the method `mode` for an axis of n samples; `step` where it is not n / m."""
    return [row(i, n, m, mode, align_corners, antialias, step) for i in range(m)]


def row(
    i: int,
    n: int,
    m: int,
    mode: str,
    align_corners: bool = False,
    antialias: bool = False,
    step: F | None = None,
) -> Row:
    """Output `i` of `weights`."""
    step = F(n, m) if step is None else F(step)
    if align_corners:
        step = F(n - 1, m - 1) if m > 1 else F(0)
    if mode in ("nearest", "nearest-exact"):
        return {_nearest(i, n, mode, align_corners, step): F(1)}
    if mode == "area":
        return _area(i, n, m)
    if mode == "lanczos3":
        return _stretched(i, n, step, 3, _lanczos)
    if antialias:
        support, kernel = (1, _triangle) if mode == "linear" else (2, _keys_half)
        return _stretched(i, n, step, support, kernel)
    position = i * step if align_corners else (i + HALF) * step - HALF
    return {"linear": _linear, "cubic": _cubic}[mode](position, n)


def _nearest(i: int, n: int, mode: str, align_corners: bool, step: F) -> int:
    if align_corners:
        return math.ceil(i * step - HALF)  # to nearest, ties down
    return min(math.floor(i * step if mode == "nearest" else (i + HALF) * step), n - 1)


def _linear(position: F, n: int) -> Row:
    position = min(max(position, F(0)), F(n - 1))
    low = math.floor(position)
    return _merge([(low, 1 - (position - low)), (min(low + 1, n - 1), position - low)])


def _cubic(position: F, n: int) -> Row:
    low = math.floor(position)
    taps = [(k, _keys(position - k, F(-3, 4))) for k in range(low - 1, low + 3)]
    return _merge([(min(max(k, 0), n - 1), w) for k, w in taps])


def _area(i: int, n: int, m: int) -> Row:
    cell = range(i * n // m, -(-(i + 1) * n // m))
    return {k: F(1, len(cell)) for k in cell}


def _stretched(i: int, n: int, step: F, support: int, kernel) -> Row:
    stretch = max(F(1), step)
    centre = (i + HALF) * step
    low, high = math.floor(centre - support * stretch), math.ceil(centre + support * stretch)
    near = range(max(low, 0), min(high, n))
    inside = [k for k in near if abs(k + HALF - centre) < support * stretch]
    raw = [(k, kernel((k + HALF - centre) / stretch)) for k in inside]
    total = sum(w for _, w in raw)
    return _merge([(k, w / total) for k, w in raw])


def _merge(terms: Sequence[tuple[int, F]]) -> Row:
    merged: Row = {}
    for k, w in terms:
        merged[k] = merged.get(k, F(0)) + w
    return {k: w for k, w in merged.items() if w}


def _triangle(x: F) -> F:
    return max(F(0), 1 - abs(x))


def _keys(x: F, a: F) -> F:
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else F(0)


def _keys_half(x: F) -> F:
    return _keys(x, F(-1, 2))


def _lanczos(x: F) -> F:
    return _sinc(x) * _sinc(x / 3)


def _sinc(x: F) -> F:
    """sin(pi x) / (pi x): not rational, so a float64 of full relative accuracy."""
    if x.denominator == 1:
        return F(x == 0)
    near = x - round(x)  # the argument is reduced exactly, before pi is rounded
    sign = -1 if round(x) % 2 else 1
    return F(sign * math.sin(math.pi * float(near)) / (math.pi * float(x)))


def dense(rows: Sequence[Row], n: int) -> np.ndarray:
    """Rows as an m x n matrix, each weight rounded to float64 once."""
    matrix = np.zeros((len(rows), n))
    for i, terms in enumerate(rows):
        for k, w in terms.items():
            matrix[i, k] = float(w)
    return matrix


def apply(x: np.ndarray, rows: Sequence[Row], axis: int) -> np.ndarray:
    """Rows applied along one axis of an object array, exactly."""
    x = np.moveaxis(x, axis, 0)
    out = np.empty((len(rows), *x.shape[1:]), object)
    for i, terms in enumerate(rows):
        out[i] = sum((x[k] * w for k, w in terms.items()), start=F(0) * x[0])
    return np.moveaxis(out, 0, axis)


def fractions(x: np.ndarray) -> np.ndarray:
    """The items of an integer or floating array as Fractions."""
    out = np.empty(x.shape, object)
    out.flat = [F(v) for v in x.ravel().tolist()]
    return out


def resize(x: np.ndarray, tables: Sequence[Sequence[Row]], first: int = 0) -> np.ndarray:
    """The tables applied to the axes from `first` on; an object array of Fractions."""
    values = fractions(x)
    for axis, rows in enumerate(tables, start=first):
        values = apply(values, rows, axis)
    return values
