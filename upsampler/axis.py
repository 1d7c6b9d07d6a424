"""Coordinate rules and filters, turned into axis tables.

A fixed-rule method is a sparse ``m x n`` matrix per axis: for every output index a first
input index and a few weights.  This is the only file that knows a coordinate; whoever needs
geometry (a backend, a window, a gradient) takes a table and applies it.

Three kinds of table exist, because three orders of operations are pinned:

``copy``
    ``out[i] = x[start[i]]`` (nearest): items are moved, never computed with.
``linear``
    ``out[i] = a + w * (b - a)`` with ``a = x[start[i]]``, ``b = x[min(start[i] + 1, n - 1)]``
    and ``w = weights[i, 0] < 1``.
``sum``
    ``out[i] = weights[i, 0] * x[start[i]] + weights[i, 1] * x[start[i] + 1] + ...``, from left
    to right.  ``start[i] + taps <= n`` always holds; rows shorter than ``taps`` carry zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

INT64_MAX = 2**63 - 1
WINDOW_CELLS = 1 << 22  # cells (rows x taps) evaluated at once: bounds the scratch of wide filters


@dataclass(frozen=True)
class AxisRule:
    """How one axis of length `n` becomes one of length `m`.

    `step` is the distance of two outputs in input samples: a `Fraction` where it is known
    exactly (a size was given, or an integer factor), else a float.  `align_corners` rules
    ignore it: their step is ``(n - 1) / (m - 1)``.
    """

    n: int
    m: int
    method: str  # nearest, nearest-exact, linear, cubic, area, lanczos3
    step: Fraction | float
    align_corners: bool = False
    antialias: bool = False

    @property
    def kind(self) -> str:
        if self.method in ("nearest", "nearest-exact"):
            return "copy"
        if self.method == "linear" and not self.antialias:
            return "linear" if self.n > 1 else "sum"
        return "sum"

    @property
    def taps(self) -> int:
        """Samples that one output may read: a property of the rule, never of a window."""
        return _TAPS[self._filter](self)

    @property
    def adjoint_taps(self) -> int:
        """Outputs that may read one sample, also where border positions are clamped to it."""
        if self.m == 1:
            return 1
        step = _ratio(self)
        if step == 0:
            return self.m  # a single sample, with corners aligned
        # Half the width of what a sample reaches, in samples; cells reach half a step further.
        support = {"linear": 1, "cubic": 2, "lanczos3": 3}.get(self.method)
        if support is None:
            return min(self.m, ceil(1 / step) + 1)
        stretch = max(1, step) if self.antialias or self.method == "lanczos3" else 1
        return min(self.m, ceil(2 * support * stretch / step))

    @property
    def identity(self) -> bool:
        """Every output is its own input sample, so that the axis needs no pass at all."""
        return self.n == self.m and (self.step == 1 or self.align_corners or self.method == "area")

    @property
    def period(self) -> int:
        """Outputs for one input sample where that is an integer factor, else 0."""
        step = self.step
        if isinstance(step, Fraction) and step.numerator == 1 and not self.align_corners:
            return step.denominator
        return 0

    @property
    def _filter(self) -> str:
        return "antialias" if self.antialias and self.method in _SUPPORT else self.method

    def table(self, lo: int = 0, hi: int | None = None) -> AxisTable:
        """Rows ``lo:hi`` of the table: exactly the slice of the full one, at the slice's cost."""
        hi = self.m if hi is None else hi
        if self.identity:
            start = np.arange(lo, hi, dtype=np.int64)
            return AxisTable(self.n, "copy", start, np.empty((hi - lo, 0)), True, self.period)
        start, weights = _BUILD[self._filter](self, lo, hi)
        return AxisTable(self.n, self.kind, start, weights, self.identity, self.period)


@dataclass(frozen=True, eq=False)
class AxisTable:
    """A slice of the sparse matrix of one axis.  See the module text for the three kinds."""

    n: int
    kind: str
    start: np.ndarray  # int64, (rows,)
    weights: np.ndarray  # float64, (rows, taps); (rows, 0) for copy
    identity: bool = False  # rows of the unit matrix: copies, whatever the rule is called
    period: int = 0  # inside, row i + period is row i moved by one sample; 0: no such period

    @property
    def rows(self) -> int:
        return len(self.start)

    @property
    def taps(self) -> int:
        """Samples that one row may read."""
        return {"copy": 1, "linear": 2}.get(self.kind) or self.weights.shape[1]

    @property
    def nbytes(self) -> int:
        return self.start.nbytes + self.weights.nbytes

    def as_sum(self) -> AxisTable:
        """The same map written as a plain weighted sum (for transposing and for reading)."""
        if self.kind == "sum":
            return self
        if self.kind == "copy":
            return replace(self, kind="sum", weights=np.ones((self.rows, 1)))
        w = self.weights[:, 0]
        # The last sample has no right neighbour: its row starts one earlier, with weight 0.
        last = self.start == self.n - 1
        start = self.start - last
        left, right = np.where(last, 0.0, 1.0 - w), np.where(last, 1.0, w)
        weights = np.stack([left, right], axis=1)
        return replace(self, kind="sum", start=start, weights=weights)

    def transpose(self, lo: int = 0, hi: int | None = None) -> AxisTable:
        """The adjoint, as a table: row k lists the outputs that used input k, in order.

        With a window ``lo:hi`` only those outputs exist and are counted from `lo`.
        """
        hi = self.rows if hi is None else hi
        if self.identity and (lo, hi) == (0, self.n):
            return self
        full = self.as_sum()
        i = np.repeat(np.arange(self.rows), full.taps)
        k = (full.start[:, None] + np.arange(full.taps)).ravel()
        w = full.weights.ravel()
        i, k, w = i[w != 0], k[w != 0], w[w != 0]
        first = np.full(self.n, self.rows, np.int64)
        last = np.full(self.n, -1, np.int64)
        np.minimum.at(first, k, i)
        np.maximum.at(last, k, i)
        # Runs that never fall back, whatever holes zero weights or unused inputs leave: the
        # loops load from the first start to the last.
        first = np.minimum.accumulate(first[::-1])[::-1]
        last = np.maximum.accumulate(last)
        length = hi - lo
        taps = min(max(1, int((last - first + 1).max(initial=0))), max(length, 1))
        start = np.clip(first - lo, 0, max(length - taps, 0))
        weights = np.zeros((self.n, taps))
        inside = (i >= lo) & (i < hi)
        i, k, w = i[inside] - lo, k[inside], w[inside]
        weights[k, i - start[k]] = w
        return AxisTable(length, "sum", start, weights)

    def dense(self) -> np.ndarray:
        """The slice as a dense ``rows x n`` matrix, for tests and for explanation."""
        full = self.as_sum()
        out = np.zeros((self.rows, self.n))
        for t in range(full.taps):
            np.add.at(out, (np.arange(self.rows), full.start + t), full.weights[:, t])
        return out


# --- positions -------------------------------------------------------------------------------


def _outputs(lo: int, hi: int, bound: int) -> np.ndarray:
    """Output indices, as Python integers where products up to `bound` would not fit int64."""
    i = np.arange(lo, hi, dtype=np.int64)
    return i.astype(object) if bound > INT64_MAX else i


def _ratio(rule: AxisRule) -> Fraction | float:
    if rule.align_corners:
        return Fraction(rule.n - 1, rule.m - 1) if rule.m > 1 else Fraction(0)
    return rule.step


def _split(rule: AxisRule, lo: int, hi: int, shift: Fraction) -> tuple[np.ndarray, np.ndarray]:
    """Floor and fraction of ``(i + shift) * step - shift`` for outputs lo..hi.

    With an exact step everything up to the one division is integer arithmetic.  That quotient
    is rounded to float64 and later perhaps to float32: the second rounding is innocuous while
    the denominator stays below 2^27, because a quotient that is no float32 midpoint is then
    more than a float64 ulp away from one.
    """
    step = _ratio(rule)
    if isinstance(step, Fraction):
        # (i + a/b) * p/q - a/b == ((i*b + a) * p - a*q) / (b*q)
        a, b = shift.numerator, shift.denominator
        p, q = step.numerator, step.denominator
        if hi - lo > 4 * q:
            return _repeat(*_split(rule, lo, lo + q, shift), p, hi - lo)
        den = b * q
        num = (_outputs(lo, hi, (rule.m + 1) * b * max(p, q) * 2) * b + a) * p - a * q
        base = num // den
        return base.astype(np.int64), ((num - base * den) / den).astype(np.float64)
    s = float(shift)
    pos = (np.arange(lo, hi, dtype=np.float64) + s) * step - s
    base = np.floor(pos)
    return base.astype(np.int64), pos - base


def _repeat(
    base: np.ndarray, frac: np.ndarray, advance: int, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of one period, continued: the next period lies `advance` samples further.

    Integer divisions are slow: a signal of a million samples spends most of its time in them.
    """
    periods = np.arange(-(-rows // len(base)))
    whole = base + advance * periods[:, None]
    return whole.ravel()[:rows], np.tile(frac, len(periods))[:rows]


_HALF = Fraction(1, 2)
_ZERO = Fraction(0)


def _sample_position(rule: AxisRule, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
    return _split(rule, lo, hi, _ZERO if rule.align_corners else _HALF)


# --- the rules -------------------------------------------------------------------------------


def _nearest(rule: AxisRule, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
    if rule.align_corners:
        base, frac = _split(rule, lo, hi, _ZERO)
        index = base + (frac > 0.5)  # ties down
    elif rule.method == "nearest":
        index, _ = _split(rule, lo, hi, _ZERO)
    else:
        index = _floor_of_centre(rule, lo, hi)
    return np.clip(index, 0, rule.n - 1), np.empty((hi - lo, 0))


def _floor_of_centre(rule: AxisRule, lo: int, hi: int) -> np.ndarray:
    """floor((i + 0.5) * step): the cell in which the centre of output i lies."""
    step = rule.step
    if isinstance(step, Fraction):
        p, q = step.numerator, step.denominator
        i = _outputs(lo, hi, (2 * rule.m + 1) * p)
        return ((2 * i + 1) * p // (2 * q)).astype(np.int64)
    return np.floor((np.arange(lo, hi) + 0.5) * step).astype(np.int64)


def _linear(rule: AxisRule, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
    if rule.n == 1:
        return np.zeros(hi - lo, np.int64), np.ones((hi - lo, 1))
    base, frac = _sample_position(rule, lo, hi)
    outside = (base < 0) | (base >= rule.n - 1)
    return np.clip(base, 0, rule.n - 1), np.where(outside, 0.0, frac)[:, None]


def _cubic(rule: AxisRule, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
    base, t = _sample_position(rule, lo, hi)
    distances = np.stack([t + 1.0, t, 1.0 - t, 2.0 - t], axis=1)
    weights = _keys(distances, -0.75)
    # Clamped indices repeat a border sample: its weights are merged, so that taps stay a run.
    taps = min(4, rule.n)
    start = np.clip(base - 1, 0, rule.n - taps)
    merged = np.zeros((hi - lo, taps))
    rows = np.arange(hi - lo)
    for k in range(4):
        column = np.clip(base - 1 + k, 0, rule.n - 1) - start
        merged[rows, column] += weights[:, k]
    return start, merged


def _area(rule: AxisRule, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
    i = _outputs(lo, hi, (rule.m + 1) * rule.n)
    first = (i * rule.n // rule.m).astype(np.int64)
    stop = (-((-(i + 1) * rule.n) // rule.m)).astype(np.int64)
    taps = rule.taps
    start = np.minimum(first, rule.n - taps)
    k = start[:, None] + np.arange(taps)
    inside = (k >= first[:, None]) & (k < stop[:, None])
    return start, inside / (stop - first)[:, None]


def _stretched(rule: AxisRule, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
    """Filters that widen when shrinking; taps outside the image dropped, the rest renormalised."""
    support, kernel = _SUPPORT[rule.method]
    taps = rule.taps
    start = np.empty(hi - lo, np.int64)
    weights = np.empty((hi - lo, taps))
    block = max(1, WINDOW_CELLS // taps)
    for at in range(lo, hi, block):
        stop = min(at + block, hi)
        rows = slice(at - lo, stop - lo)
        start[rows], distance = _distances(rule, at, stop, support)
        w = kernel(distance)
        weights[rows] = w / w.sum(axis=1, keepdims=True)
    return start, weights


def _distances(rule: AxisRule, lo: int, hi: int, support: int) -> tuple[np.ndarray, np.ndarray]:
    """First samples of outputs lo..hi, and how far each sample lies from the centre, stretched.

    Sample k covers k .. k + 1, the centre of output i is (i + 1/2) * step.  With an exact step
    the distance is one division of integers, so that a sample on a root of the filter or on its
    border has weight 0 and not 2e-16, which would let a NaN through.
    """
    step = _ratio(rule)
    taps = np.arange(rule.taps)
    if isinstance(step, Fraction):
        p, q = step.numerator, step.denominator
        unit = 2 * max(p, q)  # of the distance: twice the stretch, times q
        i = _outputs(lo, hi, 8 * (rule.m + rule.n + 1) * max(p, q))
        centre = (2 * i + 1) * p
        first = (centre - support * unit - q) // (2 * q) + 1
        start = np.clip(first, 0, rule.n - rule.taps)
        ahead = ((2 * start + 1) * q - centre)[:, None] + 2 * q * taps
        return start.astype(np.int64), (ahead / unit).astype(np.float64)
    centre = (np.arange(lo, hi, dtype=np.float64) + 0.5) * step
    stretch = max(1.0, step)
    first = np.floor(centre - support * stretch - 0.5).astype(np.int64) + 1
    start = np.clip(first, 0, rule.n - rule.taps)
    return start, (start[:, None] + taps - centre[:, None] + 0.5) / stretch


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _keys(x: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic convolution kernel (IEEE Trans. ASSP 29(6), 1981) with free parameter `a`."""
    x = np.abs(x)
    # Factored: the expanded polynomials cancel near their roots, which costs 10 eps.
    near = (1.0 - x) * (1.0 + x - (a + 2.0) * x * x)
    far = a * (x - 1.0) * (x - 2.0) ** 2
    return np.where(x <= 1.0, near, np.where(x < 2.0, far, 0.0))


def _keys_half(x: np.ndarray) -> np.ndarray:
    return _keys(x, -0.5)


def _lanczos3(x: np.ndarray) -> np.ndarray:
    # sinc is 0 at the integers, where floating point gives 4e-17: such a weight would let an
    # infinite sample reach outputs that do not depend on it.
    zero = (x == np.rint(x)) & (x != 0.0)
    return np.where((np.abs(x) < 3.0) & ~zero, np.sinc(x) * np.sinc(x / 3.0), 0.0)


_SUPPORT = {"linear": (1, _triangle), "cubic": (2, _keys_half), "lanczos3": (3, _lanczos3)}


def _area_taps(rule: AxisRule) -> int:
    r = Fraction(rule.n, rule.m)
    if r.denominator == 1:
        return r.numerator
    return min(rule.n, (r.numerator + 2 * r.denominator - 2) // r.denominator)


def _stretched_taps(rule: AxisRule) -> int:
    support, _ = _SUPPORT[rule.method]
    step = _ratio(rule)
    # An open interval of length L holds at most ceil(L) integers.
    if isinstance(step, Fraction):
        width = ceil(2 * support * max(Fraction(1), step))
    else:
        width = floor(2 * support * max(1.0, step)) + 1
        width -= step <= 1.0
    return min(rule.n, width)


_TAPS = {
    "nearest": lambda rule: 1,
    "nearest-exact": lambda rule: 1,
    "linear": lambda rule: min(2, rule.n),
    "cubic": lambda rule: min(4, rule.n),
    "area": _area_taps,
    "lanczos3": _stretched_taps,
    "antialias": _stretched_taps,
}
_BUILD = {
    "nearest": _nearest,
    "nearest-exact": _nearest,
    "linear": _linear,
    "cubic": _cubic,
    "area": _area,
    "lanczos3": _stretched,
    "antialias": _stretched,
}
