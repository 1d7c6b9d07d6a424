"""Axis tables in the form of shuffles: what registers of outputs read, and where from.

For numbers of float32 (_columns.h: `Twice`, `Groups`), for bytes by weights that are parts of a
power of two (_bytes.h: `Phases`), for items that are only moved (_picks.h: `Picks`).  None of them
knows a scale: they are made from tables, and are None where a table does not allow them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..axis import AxisTable

TWICE = {"linear": (2,), "sum": (4, 6)}  # taps of rows that are doubled
WIDE = (1, 2, 4)  # registers that the samples of a group may fill
WIDE_PIXEL = 64  # bytes: such pixels are moved by registers of their own
BYTES = 16  # of the registers that shuffles of bytes read
WORD = 4
PICKED = 32  # bytes of a group of bytes
ZERO = 0x80  # in the place of a byte: none
MOST_SHIFT = 6  # weights of 64 and less: two of them in 16 bits leave room for a byte
JOINED = 3 << 13  # outputs of the rows of a plane that are resampled as one: 96 kB
SHORT_ROW = 256  # bytes of a row up to which those of a plane are moved as one
MANY = 4096  # groups among which it takes too long to look for patterns


@dataclass(frozen=True, eq=False)
class Twice:
    """Two outputs that read the same samples, over and over."""

    weights: np.ndarray  # float32, (2, taps); (2, 1) where linear
    order: np.ndarray  # int32, (2 * lanes,): which of the first outputs and, behind, the second


@dataclass(frozen=True, eq=False)
class Groups:
    """Registers of neighbouring outputs: where they load from, and how that is brought in order."""

    first: np.ndarray  # intp, the first group of each tile
    base: np.ndarray  # int32 by group: the first float that it reads, in the row of its tile;
    # (groups, lanes) where the samples of a group do not lie close together: all of them
    pattern: np.ndarray  # int32 by group
    order: np.ndarray  # uint8, (patterns, lanes): distances from there
    weights: np.ndarray  # float32, (patterns, taps, lanes)
    wide: int  # registers that the samples of a group fill; 0: they do not


@dataclass(frozen=True, eq=False)
class Phases:
    """The outputs between two neighbouring pixels, where all pairs have the same."""

    factor: int
    order: np.ndarray  # uint8, (vectors, bytes of a register)
    weights: np.ndarray  # uint16, (vectors, numbers of a register)
    advance: int  # bytes of the row that a step takes
    outputs: int  # numbers that it makes
    shift: int  # weights are multiples of 2 ** -shift
    first: int  # the output with which the pair of samples 0 and 1 begins


@dataclass(frozen=True, eq=False)
class Joined:
    """Rows of a small plane that follow one another in memory, as one long row."""

    first: int  # of the input
    rows: int
    n: int  # samples of a row
    tail: int  # outputs of a row, at its end, that read its last sample alone
    groups: Groups


@dataclass(frozen=True, eq=False)
class Picks:
    """Registers of an output row that only moves items."""

    base: np.ndarray  # int32 by group (two for each group of bytes): bytes from the row's begin
    pattern: np.ndarray  # int32 by group
    order: np.ndarray  # uint8, (patterns, words or bytes of a group)
    words: bool  # words of four bytes are moved, else bytes


@dataclass(frozen=True, eq=False)
class JoinedPicks:
    """The rows of a small plane that are moved, as one long row."""

    first: int  # of the input
    rows: int
    picks: Picks


def nbytes(of: Any) -> int:
    """Bytes of the arrays of one of these, 0 for None."""
    return sum(a.nbytes for a in vars(of).values() if isinstance(a, np.ndarray)) if of else 0


def shift_of(weights: np.ndarray, most: int) -> int | None:
    """The least s for which all weights are multiples of 2 ** -s; None where it is above `most`."""
    for shift in range(most + 1):
        scaled = weights * (1 << shift)
        if np.array_equal(scaled, np.rint(scaled)):
            return shift
    return None


def _patterns(*parts: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Which of the different rows of `parts` each row is, and these."""
    count = len(parts[0])
    everyone = np.arange(count, dtype=np.int32)
    if count > MANY:
        return everyone, list(parts)
    flat = [np.ascontiguousarray(p).reshape(count, -1).view(np.uint8) for p in parts]
    whole = np.concatenate(flat, axis=1)
    rows = whole.view(np.dtype((np.void, whole.shape[1])))[:, 0]
    _, where, which = np.unique(rows, return_index=True, return_inverse=True)
    if 2 * len(where) > count:  # in the order of the groups they are read one after the other
        return everyone, list(parts)
    return which.astype(np.int32), [p[where] for p in parts]


def _padded(a: np.ndarray, lanes: int) -> np.ndarray:
    """The lanes behind the last output repeat it; what they write is slack."""
    pad = -len(a) % lanes
    return np.pad(a, ((0, pad), *[(0, 0)] * (a.ndim - 1)), mode="edge") if pad else a


def twice_of(table: AxisTable, inner: int, tiles: np.ndarray, lanes: int) -> Twice | None:
    """None where not all tiles have long runs of such pairs.

    Eight lanes cannot be brought in any order at once: only single items are interleaved there.
    """
    pixels = lanes // inner
    if table.period != 2 or table.taps not in TWICE[table.kind] or pixels < 2:
        return None
    if (tiles["cycles"] < pixels).any() or (lanes == 8 and inner > 1):
        return None
    first = tiles["out_at"] + tiles["periodic"]
    pairs = np.stack([table.weights[first], table.weights[first + 1]], axis=1).astype(np.float32)
    if (table.start[first] != table.start[first + 1]).any() or (pairs != pairs[0]).any():
        return None
    pixel, item = np.divmod(np.arange(2 * lanes), inner)
    order = pixel // 2 * inner + item + lanes * (pixel % 2)
    return Twice(np.ascontiguousarray(pairs[0]), (order % (2 * lanes)).astype(np.int32))


def groups_of(
    table: AxisTable, inner: int, tiles: np.ndarray, start: np.ndarray, lanes: int
) -> Groups:
    """For pixels of fewer items than a register has."""
    first, every, weights = [], [], []
    count = 0
    for tile in tiles:
        rows = slice(tile["out_at"], tile["out_at"] + tile["out_n"])
        place = (start[rows, None] * inner + np.arange(inner, dtype=np.int32)).reshape(-1, 1)
        places = _padded(place, lanes).reshape(-1, lanes)
        weight = np.repeat(table.weights[rows].astype(np.float32), inner, axis=0)
        first.append(count)
        count += len(places)
        every.append(places)
        weights.append(_padded(weight, lanes).reshape(len(places), lanes, -1).transpose(0, 2, 1))
    places = np.concatenate(every)
    distance = places - places.min(axis=1, keepdims=True)
    reach = int(distance.max()) + 1
    wide = next((w for w in WIDE if reach <= w * lanes), 0)
    order = distance.astype(np.uint8) if wide else np.zeros_like(distance, np.uint8)
    pattern, (order, weight) = _patterns(order, np.concatenate(weights))
    return Groups(
        first=np.array(first, np.intp),
        base=np.ascontiguousarray(places.min(axis=1) if wide else places, np.int32),
        pattern=pattern,
        order=np.ascontiguousarray(order),
        weights=np.ascontiguousarray(weight),
        wide=wide,
    )


def joined_rows(w: AxisTable, h: AxisTable, lanes: int) -> Joined | None:
    """The rows that `h` reads of a plane.

    None where they are too many or too long, where only a few of them are read, and where there is
    nothing to do along one of the axes.
    """
    first, stop = int(h.start.min()), min(int(h.start.max()) + h.taps, h.n)
    rows, many = stop - first, w.rows * (stop - first)
    if w.kind == "copy" or w.identity or h.identity or not lanes <= many <= JOINED:
        return None
    if rows > h.rows * h.taps or w.n > w.rows * w.taps:
        return None
    if w.kind == "sum" and w.start.max() + w.taps > w.n:
        return None
    start = (w.start + w.n * np.arange(rows)[:, None]).ravel().astype(np.int32)
    table = replace(w, n=w.n * rows, start=start, weights=np.tile(w.weights, (rows, 1)))
    tile = np.array([(0, many)], [("out_at", np.intp), ("out_n", np.intp)])
    tail = int(np.sum(w.start == w.n - 1)) if w.kind == "linear" else 0
    return Joined(first, rows, w.n, tail, groups_of(table, 1, tile, start, lanes))


def pairs_of(table: AxisTable) -> tuple[int, np.ndarray] | None:
    """Of a linear table whose pairs of samples all have the same outputs: the output with which
    the pair of samples 0 and 1 begins (it may lie before the table), and the weights of a pair.

    None for others, and for tables in which no pair has all of its outputs.
    """
    f = table.period
    if table.kind != "linear" or f < 2 or table.rows < f:
        return None
    start, w = table.start, table.weights[:, 0]
    inside = start[f:] == start[:-f] + 1
    steps = np.flatnonzero(np.diff(start) == 1) + 1
    whole = [i for i in steps[:4] if i + f <= len(start) and start[i] == start[i + f - 1]]
    if not (inside.any() and whole):
        return None
    at = int(whole[0])
    first, weights = at - f * int(start[at]), w[at : at + f]
    k = np.arange(len(start)) - first
    expected, phase = np.divmod(k, f)
    outside = (expected < 0) | (expected >= table.n - 1)
    regular = np.array_equal(start, np.clip(expected, 0, table.n - 1)) and np.array_equal(
        w, np.where(outside, 0.0, weights[phase])
    )
    return (first, weights) if regular else None


def phases_of(table: AxisTable, inner: int, register: int, most: int) -> Phases | None:
    """For 8-bit images: None where weights are no multiples of 2 ** -most, or pixels too wide.

    `register` is the size of one in bytes.
    """
    if inner > BYTES // 2:
        return None
    found = pairs_of(table)
    shift = None if found is None else shift_of(found[1], most)
    if found is None or shift is None:
        return None
    first, weights = found
    factor, pairs = len(weights), BYTES // inner
    outputs = factor * pairs * inner
    numbers = register // 2
    vectors = -(-outputs // numbers)
    k = np.minimum(np.arange(vectors * numbers), outputs - 1)  # what is behind is written again
    pixel, item = k // (factor * inner), k % inner
    order = np.full((len(k), 2), ZERO, np.uint8)
    order[:, 0] = pixel * inner + item
    whole = weights[k // inner % factor] * (1 << shift)
    return Phases(
        factor=factor,
        order=order.reshape(vectors, register),
        weights=whole.astype(np.uint16).reshape(vectors, numbers),
        advance=pairs * inner,
        outputs=outputs,
        shift=shift,
        first=first,
    )


def picks_of(index: np.ndarray, n: int, pixel: int, lanes: int) -> Picks | None:
    """For pixels `index` of rows of `n`, `pixel` bytes each.

    None where rows are shorter than a register, or what one is made of lies too far apart.
    """
    words = pixel % WORD == 0
    item, width = (WORD, lanes) if words else (1, PICKED)
    reach = width if words else BYTES
    parts = 1 if words else PICKED // BYTES
    if pixel >= WIDE_PIXEL or n * pixel < reach * item:
        return None
    places = (index[:, None] * (pixel // item) + np.arange(pixel // item)).reshape(-1, 1)
    loads = _padded(places, width).reshape(-1, parts, width // parts)
    # Registers at the end of a row are loaded from within it.
    base = np.minimum(loads.min(axis=2), n * pixel // item - reach)
    distance = loads - base[:, :, None]
    if distance.max() >= reach or base[-1, -1] * item > np.iinfo(np.int32).max:
        return None
    pattern, (order,) = _patterns(distance.reshape(-1, width).astype(np.uint8))
    return Picks(
        base=(base * item).ravel().astype(np.int32),
        pattern=pattern,
        order=np.ascontiguousarray(order),
        words=words,
    )


def joined_picks(
    d: np.ndarray, h: np.ndarray, w: np.ndarray, n: int, pixel: int, lanes: int
) -> JoinedPicks | None:
    """For the indices of the three axes; None for volumes, and where it does not pay."""
    first, rows = int(h.min()), int(np.ptp(h)) + 1
    row = len(w) * pixel
    if len(d) > 1 or rows > len(h) or n > len(w) or row > SHORT_ROW or rows * row > 4 * JOINED:
        return None
    picks = picks_of((w + n * np.arange(rows)[:, None]).ravel(), n * rows, pixel, lanes)
    return None if picks is None else JoinedPicks(first, rows, picks)
