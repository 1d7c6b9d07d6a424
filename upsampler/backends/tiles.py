"""Axis tables in the form of the loops: D and H as plain arrays, W cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..axis import AxisTable

KINDS = {"identity": 0, "linear": 1, "sum": 2}
# Elements of a resampled row.  Rows as long as those of most images are read and written from
# end to end, as the processor expects it: with 1024 or 2048, whose rings fit into the first-level
# cache, 8-bit images took 25 to 50 % longer.
TILE = 1 << 14
RING = 1 << 19  # bytes for a ring; filters with many taps get narrower tiles, of at least LEAST
LEAST = 64
LANES = 8  # floats of a 256-bit register
WIDEST = 4 * LANES
BYTES = 16  # of the register that is shuffled
TAPS = 4  # of sums of bytes
ZERO = 0x80  # in the place of a byte: none
MOST_SUM_SHIFT = 14
INT16_MAX = 32767
EXACT = 1 << 24  # whole numbers that float32 holds
MOST_SHIFT = 6  # weights of 64 and less, because they are multiplied as signed bytes
SPARSE = 4  # a tile that reads less than one in so many of its input columns lists them

_TILE_FIELDS = ("out_at", "out_n", "in_at", "in_n", "columns", "periodic", "cycles")
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
    def whole(self) -> tuple[np.ndarray, int]:
        """Weights of a linear table as int32, and the power of two that they are parts of."""
        shift = shift_of(self.weights, MOST_SHIFT)
        assert shift is not None
        return (self.weights[:, 0] * (1 << shift)).astype(np.int32), shift


@dataclass(frozen=True, eq=False)
class Groups:
    """Eight outputs at a time, for resampling by shuffles (see _native.h)."""

    first: np.ndarray  # intp, the first group of each tile
    base: np.ndarray  # int32 by group: the first float that it reads, in the loaded row
    shuffle: np.ndarray  # uint8, (groups, 8): distance from it
    weights: np.ndarray  # float32, (groups, taps, 8)
    wide: int  # registers of eight floats that the samples of a group fill


@dataclass(frozen=True, eq=False)
class ByteGroups:
    """Sixteen outputs at a time, for 8-bit images in 16 bits (see _rows.h)."""

    first: np.ndarray  # intp, the first group of each tile
    base: np.ndarray  # int32, (groups, 2): the first byte that each half reads
    order: np.ndarray  # uint8, (groups, 16, 2): distances of the two samples of an output from it
    pairs: np.ndarray  # uint8, (groups, 16, 2): their weights
    shift: int  # which are multiples of 2 ** -shift


@dataclass(frozen=True, eq=False)
class ByteSums:
    """Eight outputs at a time, sums of up to four bytes (see _rows.h)."""

    first: np.ndarray  # intp, the first group of each tile
    base: np.ndarray  # int32, (groups, 2): the first byte that each half reads
    pattern: np.ndarray  # int32 by group, a row of
    patterns: np.ndarray  # uint8, (patterns, 128): distances of samples, then weights as int16
    part: float  # of which weights are multiples


@dataclass(frozen=True, eq=False)
class ColumnTiles:
    """The axis along rows.  `start` counts from the first column that a tile loads."""

    kind: int
    taps: int
    period: int
    tiles: np.ndarray  # TILE_DTYPE
    start: np.ndarray  # int32
    columns: np.ndarray  # int64, for tiles that list their input columns
    weights: np.ndarray  # arithmetic type; see _resample.pxi for the order
    groups: Groups | None
    bytes: ByteGroups | None
    byte_sums: ByteSums | None
    in_row: int  # pixels of the longest loaded row, its pad included
    out_row: int

    @property
    def nbytes(self) -> int:
        arrays = [self.tiles, self.start, self.columns, self.weights]
        if self.groups is not None:
            g = self.groups
            arrays += [g.first, g.base, g.shuffle, g.weights]
        if self.bytes is not None:
            b = self.bytes
            arrays += [b.first, b.base, b.order, b.pairs]
        if self.byte_sums is not None:
            s = self.byte_sums
            arrays += [s.first, s.base, s.pattern, s.patterns]
        return sum(a.nbytes for a in arrays)


def kind_of(table: AxisTable) -> int:
    return KINDS["identity" if table.identity else table.kind]


def row_table(table: AxisTable | None, dtype: np.dtype) -> RowTable:
    """The table of D or H; None stands for an axis that is not there."""
    if table is None:
        return RowTable(KINDS["identity"], 1, 1, 1, np.zeros(1, np.int64), np.zeros(0, dtype))
    start = np.ascontiguousarray(table.start, np.int64)
    weights = np.ascontiguousarray(table.weights, dtype)
    return RowTable(kind_of(table), table.n, table.rows, table.taps, start, weights)


def tile_width(inner: int, slots: int, dtype: np.dtype) -> int:
    """Pixels of a tile: a multiple of 4, so that periods of 2 and 4 fit."""
    elements = max(LEAST, min(TILE, RING // (slots * dtype.itemsize)))
    return max(4, elements // inner // 4 * 4)


def column_tiles(
    table: AxisTable,
    inner: int,
    slots: int,
    dtype: np.dtype,
    shuffles: bool,
    shift: int | None = None,
) -> ColumnTiles:
    """Cut the axis W into tiles; `slots` rows of a tile are held in a ring.

    For 8-bit images `shift` is what `byte_shift` says.
    """
    width = tile_width(inner, slots, dtype)
    kind = kind_of(table)
    rows = table.rows
    taps = table.taps
    start = np.zeros(rows, np.int32)
    listed: list[np.ndarray] = []
    length = 0
    tiles = []
    weights = np.zeros(0, dtype)
    if kind != KINDS["identity"]:
        weights = _tiled_weights(table, inner, width, dtype)
    for at in range(0, rows, width):
        first = table.start[at : at + width]
        out_n = len(first)
        lo, hi = int(first[0]), min(int(first[-1]) + taps, table.n)
        columns, in_n = -1, hi - lo
        if in_n > SPARSE * out_n * taps:
            # Shrinking without a filter skips most columns: load those that are read.
            used = np.unique(np.minimum(first[:, None] + np.arange(taps), table.n - 1))
            columns, in_n = length, len(used)
            length += in_n
            listed.append(used)
            start[at : at + out_n] = np.searchsorted(used, first)
        else:
            start[at : at + out_n] = first - lo
        run = _periodic_run(table, at, out_n) if inner == 1 else (0, 0)
        tiles.append((at, out_n, lo, in_n, columns, *run))
    packed = np.array(tiles, TILE_DTYPE)
    groups = None
    in_bytes = byte_sums = None
    if shift is not None:
        in_bytes = _byte_groups(table, inner, packed, start, shift)
        byte_sums = None if in_bytes else _byte_sums(table, inner, packed, start)
    if (
        shuffles
        and in_bytes is None
        and byte_sums is None
        and kind != KINDS["identity"]
        and dtype == np.float32
    ):
        groups = _groups(table, inner, packed, start, taps)
    return ColumnTiles(
        kind=kind,
        taps=taps,
        period=table.period if packed["cycles"].any() else 0,
        tiles=packed,
        start=start,
        columns=np.concatenate(listed) if listed else np.zeros(1, np.int64),
        weights=weights,
        groups=groups,
        bytes=in_bytes,
        byte_sums=byte_sums,
        in_row=int(packed["in_n"].max()) + 1,
        out_row=int(packed["out_n"].max()),
    )


def _tiled_weights(table: AxisTable, inner: int, width: int, dtype: np.dtype) -> np.ndarray:
    weights = table.weights.astype(dtype)
    if inner > 1 or table.kind == "linear":
        return np.ascontiguousarray(weights).ravel()
    parts = [weights[at : at + width].T.ravel() for at in range(0, table.rows, width)]
    return np.concatenate(parts)


def _groups(
    table: AxisTable, inner: int, tiles: np.ndarray, start: np.ndarray, taps: int
) -> Groups | None:
    """Shuffles for every tile, or None where eight outputs reach over more than WIDEST floats."""
    if inner > LANES:
        return None
    first, bases, shuffles, weights = [], [], [], []
    count = reach = 0
    for tile in tiles:
        rows = slice(tile["out_at"], tile["out_at"] + tile["out_n"])
        place = (start[rows, None] * inner + np.arange(inner, dtype=np.int32)).ravel()
        weight = np.repeat(table.weights[rows].astype(np.float32), inner, axis=0)
        # The lanes behind the last output repeat it; what they write is slack.
        if pad := -len(place) % LANES:
            place = np.pad(place, (0, pad), mode="edge")
            weight = np.pad(weight, ((0, pad), (0, 0)), mode="edge")
        places = place.reshape(-1, LANES)
        weight = weight.reshape(*places.shape, -1)
        base = places.min(axis=1)
        distance = places - base[:, None]
        reach = max(reach, int(distance.max()) + 1)
        if reach > WIDEST:
            return None
        first.append(count)
        count += len(base)
        bases.append(base)
        shuffles.append(distance.astype(np.uint8))
        weights.append(weight.transpose(0, 2, 1))
    return Groups(
        first=np.array(first, np.intp),
        base=np.concatenate(bases),
        shuffle=np.concatenate(shuffles),
        weights=np.ascontiguousarray(np.concatenate(weights)),
        wide=1 if reach <= LANES else 2 if reach <= 2 * LANES else 4,
    )


def shift_of(weights: np.ndarray, most: int) -> int | None:
    """The least s for which all weights are multiples of 2 ** -s; None where it is above `most`."""
    for shift in range(most + 1):
        scaled = weights * (1 << shift)
        if np.array_equal(scaled, np.rint(scaled)):
            return shift
    return None


def byte_shift(w: AxisTable, h: AxisTable) -> int:
    """For 8-bit images, of which power of two the weights of `w` may be parts with `h` across it.

    -1 where that does not matter, because sums in 16 bits are not for such axes.
    """
    if w.identity or h.identity or w.kind != "linear" or h.kind != "linear":
        return -1
    shift = shift_of(h.weights, MOST_SHIFT)
    return -1 if shift is None else min(MOST_SHIFT, 8 - shift)


def _from_registers(places: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Where registers are loaded from, a row of `places` each, and how far in each place lies.

    Those at the end of a row of `length` bytes are loaded from within it.
    """
    base = np.minimum(places.reshape(len(places), -1).min(axis=1), length - BYTES)
    return base, places - base.reshape(-1, *[1] * (places.ndim - 1))


def _byte_sums(
    table: AxisTable, inner: int, tiles: np.ndarray, start: np.ndarray
) -> ByteSums | None:
    """None where the weights or the places of the samples do not allow it."""
    taps = table.taps
    if table.identity or table.kind != "sum" or taps > TAPS:
        return None
    shift = shift_of(table.weights, MOST_SUM_SHIFT)
    if shift is None or (tiles["in_n"] * inner < BYTES).any():
        return None
    whole = table.weights * (1 << shift)
    if 255 * np.abs(whole).sum(axis=1).max() >= EXACT or np.abs(whole).max() > INT16_MAX:
        return None
    first, bases, shapes = [], [], []
    count = 0
    for tile in tiles:
        rows = slice(tile["out_at"], tile["out_at"] + tile["out_n"])
        places = start[rows, None, None] + np.arange(taps)
        places = (places * inner + np.arange(inner)[:, None]).reshape(-1, taps)
        weight = np.repeat(whole[rows], inner, axis=0)
        pad = ((0, -len(places) % LANES), (0, 0))
        halves = np.pad(places, pad, mode="edge").reshape(-1, LANES // 2, taps)
        base, distance = _from_registers(halves, tile["in_n"] * inner)
        if distance.max() >= BYTES:
            return None
        first.append(count)
        count += len(base) // 2
        bases.append(base.astype(np.int32))
        shapes.append(_sum_patterns(distance, np.pad(weight, pad, mode="edge")))
    patterns, pattern = np.unique(np.concatenate(shapes), axis=0, return_inverse=True)
    return ByteSums(
        first=np.array(first, np.intp),
        base=np.concatenate(bases),
        pattern=pattern.ravel().astype(np.int32),
        patterns=np.ascontiguousarray(patterns),
        part=0.5**shift,
    )


def _sum_patterns(distance: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What sum_bytes reads for a group, as 128 bytes: samples 0 and 1 of each output, as 16-bit
    numbers, then 2 and 3, and their weights in the same order."""
    taps = weights.shape[1]
    order = np.full((len(weights), TAPS, 2), ZERO, np.uint8)
    order[:, :taps, 0] = distance.reshape(-1, taps)
    factor = np.zeros((len(weights), TAPS), np.int16)
    factor[:, :taps] = weights
    parts = []
    for numbers in (order.reshape(-1, LANES, TAPS, 2), factor.reshape(-1, LANES, TAPS, 1)):
        pairs = numbers.view(np.uint8).reshape(-1, LANES, 2, 4).transpose(0, 2, 1, 3)
        parts.append(pairs.reshape(-1, 8 * LANES))
    return np.concatenate(parts, axis=1)


def pixel_groups(index: np.ndarray, n: int, pixel: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Bases and orders for pick_bytes: pixels `index` of rows of `n`, `pixel` bytes each.

    None where pixels fill registers by themselves, or lie too far apart.
    """
    if pixel >= BYTES or n * pixel < BYTES:
        return None
    places = (index[:, None] * pixel + np.arange(pixel)).ravel()
    halves = np.pad(places, (0, -len(places) % (2 * BYTES)), mode="edge").reshape(-1, BYTES)
    base, distance = _from_registers(halves, n * pixel)
    if distance.max() >= BYTES or base[-1] > np.iinfo(np.int32).max:
        return None
    return base.astype(np.int32), distance.astype(np.uint8)


def _byte_groups(
    table: AxisTable, inner: int, tiles: np.ndarray, start: np.ndarray, most: int
) -> ByteGroups | None:
    """None where the weights or the places of the samples do not allow it."""
    shift = shift_of(table.weights, most) if most >= 0 else None
    if shift is None or (tiles["in_n"] * inner < BYTES).any():
        return None
    first, bases, orders, pairs = [], [], [], []
    count = 0
    for tile in tiles:
        rows = slice(tile["out_at"], tile["out_at"] + tile["out_n"])
        pixels = np.stack([start[rows], np.minimum(start[rows] + 1, tile["in_n"] - 1)], axis=-1)
        places = (pixels[:, None] * inner + np.arange(inner)[:, None]).reshape(-1, 2)
        w = (table.weights[rows, 0] * (1 << shift)).astype(np.uint8)
        pair = np.repeat(np.stack([(1 << shift) - w, w], axis=-1), inner, axis=0)
        pad = ((0, -len(places) % (2 * LANES)), (0, 0))
        halves = np.pad(places, pad, mode="edge").reshape(-1, LANES, 2)
        base, distance = _from_registers(halves, tile["in_n"] * inner)
        if distance.max() >= BYTES:
            return None
        first.append(count)
        count += len(base) // 2
        bases.append(base.astype(np.int32))
        orders.append(distance.astype(np.uint8).reshape(-1, 4 * LANES))
        pairs.append(np.pad(pair, pad, mode="edge").astype(np.uint8).reshape(-1, 4 * LANES))
    return ByteGroups(
        first=np.array(first, np.intp),
        base=np.concatenate(bases),
        order=np.concatenate(orders),
        pairs=np.concatenate(pairs),
        shift=shift,
    )


def _periodic_run(table: AxisTable, at: int, n: int) -> tuple[int, int]:
    """Where in a tile, and for how many periods, each row is the one a period before, moved.

    The borders are not: positions are clamped there.
    """
    f = table.period
    if table.kind != "linear" or table.identity or f not in (2, 4) or n < 4 * f:
        return 0, 0
    start, w = table.start[at : at + n], table.weights[at : at + n, 0]
    moved = (start[f:] == start[:-f] + 1) & (w[f:] == w[:-f])
    breaks = np.flatnonzero(~moved)
    edges = np.concatenate([[-1], breaks, [len(moved)]])
    longest = int(np.argmax(np.diff(edges)))
    first, stop = int(edges[longest]) + 1, int(edges[longest + 1])
    return first, (stop - first + f) // f
