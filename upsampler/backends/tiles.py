"""Axis tables in the form of the loops: D and H as plain arrays, W cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..axis import AxisTable
from .shuffles import (
    MOST_SHIFT,
    Groups,
    Phases,
    Twice,
    groups_of,
    nbytes,
    phases_of,
    shift_of,
    twice_of,
)

KINDS = {"identity": 0, "linear": 1, "sum": 2}
# Elements of a resampled row: with them the ring of a linear filter, and that of a cubic one whose
# rows are made one by one, fits into a cache of 32 kB.  Twice and eight times as many took up to
# 35 % longer where the arithmetic counts (8-bit images by 1.7, cubic), half as many up to 80 % (the
# ends of rows; where two rows are made at once it is all the same).
TILE = 1 << 11
# Results that go past the caches want long rows: where these do not begin with a line, two lines
# are stored in parts for every row of a tile.  There 2048 took 20 to 35 % longer.
LONG_TILE = 1 << 13
RING = 1 << 19  # bytes for a ring; filters with many taps get narrower tiles, of at least LEAST
LEAST = 64
SPARSE = 4  # a tile that reads less than one in so many of its input columns lists them
MOST_AHEAD = 6  # taps of filters whose rows are resampled several at once
EDGE = 3  # pixels of pad beside a row

_TILE_FIELDS = (
    "out_at", "out_n", "in_at", "in_n", "columns", "periodic", "cycles", "group", "pair", "skip",
)  # fmt: skip
TILE_DTYPE = np.dtype([(name, np.intp) for name in _TILE_FIELDS])


@dataclass(frozen=True, eq=False)
class RowTable:
    """An axis along which whole rows are blended."""

    kind: int
    n: int
    rows: int
    taps: int
    start: np.ndarray  # int64
    weights: np.ndarray  # arithmetic type, (rows, taps); (rows, 1) where linear

    @property
    def steady(self) -> bool:
        """Whether short filters leave out no row: what is made before it is needed is needed."""
        return 1 < self.taps <= MOST_AHEAD and bool((np.diff(self.start) <= self.taps).all())

    @property
    def whole(self) -> tuple[np.ndarray, int]:
        """Weights of a linear table as int32, and the power of two that they are parts of."""
        shift = shift_of(self.weights, MOST_SHIFT)
        assert shift is not None
        return (self.weights[:, 0] * (1 << shift)).astype(np.int32), shift


@dataclass(frozen=True, eq=False)
class ColumnTiles:
    """The axis along rows.  `start` counts from the first column that a tile loads."""

    kind: int
    n: int
    taps: int
    period: int
    tiles: np.ndarray  # TILE_DTYPE
    start: np.ndarray  # int32
    columns: np.ndarray  # int64, for tiles that list their input columns
    weights: np.ndarray  # arithmetic type; see _columns.pxi for the order
    twice: Twice | None
    groups: Groups | None
    phases: Phases | None
    quick: bool  # whether rows of numbers are resampled by registers
    in_row: int  # pixels of the longest loaded row, its pads included
    out_row: int

    @property
    def by_groups(self) -> bool:
        """Whether outputs find their samples within two registers."""
        return self.groups is not None and self.groups.wide in (1, 2)

    @property
    def nbytes(self) -> int:
        arrays = (self.tiles, self.start, self.columns, self.weights)
        shuffles = (self.twice, self.groups, self.phases)
        return sum(a.nbytes for a in arrays) + sum(map(nbytes, shuffles))


def kind_of(table: AxisTable) -> int:
    return KINDS["identity" if table.identity else table.kind]


def row_table(table: AxisTable | None, dtype: np.dtype) -> RowTable:
    """The table of D or H; None stands for an axis that is not there."""
    if table is None:
        return RowTable(KINDS["identity"], 1, 1, 1, np.zeros(1, np.int64), np.zeros(0, dtype))
    start = np.ascontiguousarray(table.start, np.int64)
    weights = np.ascontiguousarray(table.weights, dtype)
    return RowTable(kind_of(table), table.n, table.rows, table.taps, start, weights)


def tile_width(inner: int, slots: int, dtype: np.dtype, tile: int = TILE) -> int:
    """Pixels of a tile: a multiple of 16, so that periods fit and streamed lines stay whole."""
    elements = max(LEAST, min(tile, RING // (slots * dtype.itemsize)))
    return max(16, elements // inner // 16 * 16)


def column_tiles(
    table: AxisTable,
    inner: int,
    slots: int,
    dtype: np.dtype,
    lanes: int,
    shift: int | None = None,
    tile: int = TILE,
) -> ColumnTiles:
    """Cut the axis W into tiles; `slots` rows of a tile are held in a ring.

    `lanes` is how many float32 numbers a register has, 0 where there are no shuffles.  For 8-bit
    images `shift` is what `byte_shift` says.  `tile` is the number of its elements.
    """
    width = tile_width(inner, slots, dtype, tile)
    kind = kind_of(table)
    rows = table.rows
    taps = table.taps
    start = np.zeros(rows, np.int32)
    listed: list[np.ndarray] = []
    length = 0
    phases = None if shift is None else phases_of(table, inner, 4 * lanes, shift)
    packed = np.zeros(-(-rows // width), TILE_DTYPE)
    for at, made in zip(range(0, rows, width), packed, strict=True):
        first = table.start[at : at + width]
        out_n = len(first)
        lo, hi = int(first[0]), min(int(first[-1]) + taps, table.n)
        made["out_at"], made["out_n"], made["in_at"], made["in_n"] = at, out_n, lo, hi - lo
        made["columns"] = -1
        if hi - lo > SPARSE * out_n * taps:
            # Shrinking without a filter skips most columns: load those that are read.
            used = np.unique(np.minimum(first[:, None] + np.arange(taps), table.n - 1))
            made["columns"], made["in_n"] = length, len(used)
            length += len(used)
            listed.append(used)
            start[at : at + out_n] = np.searchsorted(used, first)
        else:
            start[at : at + out_n] = first - lo
        made["periodic"], made["cycles"] = _periodic_run(table, at, out_n)
        if phases is not None:
            pair, phase = divmod(at - phases.first, phases.factor)
            made["pair"], made["skip"] = pair, phase * inner
    twice = groups = None
    quick = kind != KINDS["identity"] and dtype == np.float32 and lanes > 0 and phases is None
    if quick:
        twice = twice_of(table, inner, packed, lanes)
        if twice is None and inner < lanes:
            groups = groups_of(table, inner, packed, start, lanes)
            packed["group"] = groups.first
    return ColumnTiles(
        kind=kind,
        n=table.n,
        taps=taps,
        period=table.period if packed["cycles"].any() else 0,
        tiles=packed,
        start=start,
        columns=np.concatenate(listed) if listed else np.zeros(1, np.int64),
        weights=_tiled_weights(table, inner, width, dtype),
        twice=twice,
        groups=groups,
        phases=phases,
        quick=quick,
        in_row=int(packed["in_n"].max()) + EDGE,
        out_row=int(packed["out_n"].max()),
    )


def _tiled_weights(table: AxisTable, inner: int, width: int, dtype: np.dtype) -> np.ndarray:
    if table.identity:
        return np.zeros(0, dtype)
    weights = table.weights.astype(dtype)
    if inner > 1 or table.kind == "linear":
        return np.ascontiguousarray(weights).ravel()
    parts = [weights[at : at + width].T.ravel() for at in range(0, table.rows, width)]
    return np.concatenate(parts)


def byte_shift(w: AxisTable, h: AxisTable) -> int | None:
    """For 8-bit images, of which power of two the weights of `w` may be parts with `h` across it.

    None where sums in 16 bits are not for such axes.
    """
    if w.identity or h.identity or w.kind != "linear" or h.kind != "linear":
        return None
    shift = shift_of(h.weights, MOST_SHIFT)
    return None if shift is None else min(MOST_SHIFT, 8 - shift)


def _periodic_run(table: AxisTable, at: int, n: int) -> tuple[int, int]:
    """Where in a tile, and for how many periods, each row is the one a period before, moved.

    The borders are not: positions are clamped there.  A period begins with the first of the
    outputs that read the same samples.
    """
    f = table.period
    if table.identity or f not in (2, 4) or n < 4 * f:
        return 0, 0
    start, w = table.start[at : at + n], table.weights[at : at + n]
    moved = (start[f:] == start[:-f] + 1) & (w[f:] == w[:-f]).all(axis=1)
    breaks = np.flatnonzero(~moved)
    edges = np.concatenate([[-1], breaks, [len(moved)]])
    longest = int(np.argmax(np.diff(edges)))
    first, stop = int(edges[longest]) + 1, int(edges[longest + 1]) + f
    while stop - first > f and start[first] != start[first + f - 1]:
        first += 1
    return first, (stop - first) // f
