"""Resize-convolution by shared products, in the form of the loops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from .conv_tables import ints, starts, tile_sizes
from .pixel_tables import OUTER_POSITIONS, POSITIONS, PixelTables
from .products import Border, Products

DERIVED = 1 << 18  # numbers that the planes derived from a tile should have
LEAST = 32


@dataclass(frozen=True, eq=False)
class Mixes:
    """Lines made of others: the terms of a line are first[line] to first[line + 1]."""

    first: np.ndarray
    line: np.ndarray  # that is read, of those of a position,
    place: np.ndarray  # from the position before on
    factor: np.ndarray

    @classmethod
    def of(cls, dense: np.ndarray) -> Mixes:
        """From (planes, lines, places)."""
        plane, line, place = np.nonzero(dense)
        first = starts([int(np.count_nonzero(one)) for one in dense])
        return cls(first, ints(line), ints(place), dense[plane, line, place])


@dataclass(frozen=True, eq=False)
class Derived:
    """What is made of three neighbours along an axis.

    At the border more is added, to the first positions and to the last; and there may be a position
    besides, behind either end, for an output of a phase there.
    """

    lines: int  # of a position
    inside: Mixes
    before: tuple[Mixes, ...] = ()
    after: tuple[Mixes, ...] = ()
    start: tuple[int, Mixes] | None = None  # the phase, and what its position is made of
    stop: tuple[int, Mixes] | None = None


@dataclass(frozen=True, eq=False)
class SharedTables(PixelTables):
    """`PixelTables` whose phases are classes: outputs, then what they share; see _products.pxi."""

    still: np.ndarray  # what is derived has a place for each position
    down: Derived  # along H
    across: Derived  # along W
    reads: np.ndarray  # by tap: the plane
    shared_first: np.ndarray  # by phase: where its shared classes begin among
    shared: np.ndarray


def _tables(
    count: list[int],
    tile: list[int],
    strides: tuple[list[int], list[int]],
    base: list[int],
    lead: list[int],
    taps: list[list[int]],
    **more: Any,
) -> SharedTables:
    """`strides` are those of the target and of the source, `taps` come by class."""
    stride, pace = strides
    ones = [1] * 4
    return SharedTables(
        count=ints(count),
        tile=ints(tile),
        tiles=ints([-(-c // t) for c, t in zip(count, tile, strict=True)]),
        stride=ints(stride),
        pace=ints(pace),
        # Loops that ask how many taps an axis has find them all along W of the first phase.
        first=starts(stride),
        begin=starts([1] * sum(stride[:3]) + [len(taps[0])] + [0] * (stride[3] - 1)),
        shift=ints([0] * (sum(stride[:3]) + len(taps[0]))),
        apart=1,
        before=starts([len(t) for t in taps]),
        order=ints([t for of_class in taps for t in of_class]),
        base=ints(base),
        lead=ints(lead),
        extent=ints([(t + h) * p for t, h, p in zip(tile, (0, 0, 2, 2), pace, strict=True)]),
        still=ints(ones),
        **more,
    )


Ends = tuple[Border | None, Border | None]


@lru_cache(maxsize=256)
def product_tables(
    spec: ConvSpec,
    axes: tuple[Products, Products],
    origin: tuple[int, int],
    ends: tuple[Ends, Ends],
) -> SharedTables:
    """`spec` is the folded convolution; output o has the phase (o + origin) % stride."""
    at = [lo + o for (lo, _), o in zip(spec.window, origin, strict=True)]
    base = [a % f for a, f in zip(at, spec.stride, strict=True)]
    places = [hi - lo + b for (lo, hi), b in zip(spec.window, base, strict=True)]
    count = [spec.batch, 1, *(-(-n // f) for n, f in zip(places, spec.stride, strict=True))]
    classes, shared = _classes(axes, spec.stride)
    height, width = axes
    planes = len(height.planes) * len(width.planes)
    return _tables(
        count,
        _tile(count, planes * (spec.channels_in // spec.groups), POSITIONS),
        ([1, 1, *spec.stride], [1] * 4),
        [0, 0, *base],
        [0, 0, *(a // f - 1 for a, f in zip(at, spec.stride, strict=True))],
        [[i * len(width.plane) + j for i, j in c] for c in classes],
        down=_planes(height, ends[0]),
        across=_planes(width, ends[1]),
        reads=ints(
            [height.plane[i] * len(width.planes) + width.plane[j] for c in classes for i, j in c]
        ),
        shared_first=starts([len(s) for s in shared]),
        shared=ints([k for s in shared for k in s]),
    )


@lru_cache(maxsize=256)
def adjoint_tables(
    spec: ConvSpec,
    axes: tuple[Products, Products],
    origin: tuple[int, int],
    ends: tuple[Ends, Ends],
    weight: bool = False,
) -> SharedTables:
    """For the gradient of the input, or of the `weight`.

    `spec` and `origin` are as in `product_tables`, positions are those of the input.  Taps are
    the products; each reads a plane of its own.
    """
    count = [spec.batch, 1, *spec.small]
    number = len(axes[0].plane) * len(axes[1].plane)
    channels = spec.channels_out // spec.groups
    if weight:
        channels = min(channels, DERIVED // (OUTER_POSITIONS * number))
    down, across = (
        _derived(axis, f, spec.edge, end)
        for axis, f, end in zip(axes, spec.stride, ends, strict=True)
    )
    # The outputs of the position before come first.
    first = [-lo - o - f for (lo, _), o, f in zip(spec.window, origin, spec.stride, strict=True)]
    return _tables(
        count,
        _tile(count, number * channels, OUTER_POSITIONS if weight else POSITIONS),
        ([1] * 4, [1, 1, *spec.stride]),
        [0] * 4,
        [0, 0, *first],
        [list(range(number))],
        down=down,
        across=across,
        reads=ints(range(number)),
        shared_first=ints([0, 0]),
        shared=ints([0]),
    )


def _tile(count: list[int], each: int, most: int) -> list[int]:
    """Whole rows load faster than nearly square tiles, whose halo is smaller."""
    return tile_sizes(count, [0] * 4, max(LEAST, min(most, DERIVED // max(1, each))))


def _planes(axis: Products, ends: Ends) -> Derived:
    """What is multiplied, and what is instead of it at the positions behind the ends."""
    start, stop = (
        None if end is None else (end.phase, Mixes.of(end.planes[:, None])) for end in ends
    )
    return Derived(1, Mixes.of(axis.planes[:, None]), start=start, stop=stop)


def _derived(axis: Products, factor: int, folds: bool, ends: Ends) -> Derived:
    """By product: what the products that it takes part in hand back to x[0]."""
    reads = axis.planes[list(axis.plane)]
    dense = np.zeros((len(reads), factor, 3))
    for k, group in enumerate(axis.group):
        of_group = slice(None) if group == 0 else slice(group - 1, group)
        dense[k, of_group] = reads[k, ::-1]
    if not folds:
        return Derived(factor, Mixes.of(dense))
    # From the first position x[-1] is the border, too, and from the last x[1].
    before, after = np.zeros((2, 2, *dense.shape))
    before[0, :, :, 1], after[0, :, :, 1] = dense[:, :, 2], dense[:, :, 0]
    for end, added, outside, beside in ((ends[0], before, 0, 2), (ends[1], after, 2, 0)):
        if end is not None:
            # The position behind the end is made of the last two.
            own = [k for k, group in enumerate(axis.group) if group in (0, 1 + end.phase)]
            more = (end.planes - axis.planes)[[axis.plane[k] for k in own]]
            added[0, own, end.phase, 1] += more[:, 1] + more[:, outside]
            added[1, own, end.phase, outside] += more[:, beside]
    first, last = (tuple(Mixes.of(d) for d in added) for added in (before, after))
    return Derived(factor, Mixes.of(dense), first, last)


Class = list[tuple[int, int]]  # the products of an output along H and along W


def _classes(
    axes: tuple[Products, Products], factors: tuple[int, ...]
) -> tuple[list[Class], list[list[int]]]:
    """Phases row by row, then what several share; and by phase which of those."""
    height, width = axes

    def of_groups(g: int, h: int) -> Class:
        down = [i for i, group in enumerate(height.group) if group == g]
        across = [j for j, group in enumerate(width.group) if group == h]
        return [(i, j) for i in down for j in across]

    phases = list(np.ndindex(*factors))
    classes = [of_groups(1 + r, 1 + s) for r, s in phases]
    place: dict[tuple[int, int], int] = {}
    for r, s in phases:
        for pair in ((0, 0), (0, 1 + s), (1 + r, 0)):
            if pair not in place and (products := of_groups(*pair)):
                place[pair] = len(classes)
                classes.append(products)
    shared = [
        [place[pair] for pair in ((0, 0), (0, 1 + s), (1 + r, 0)) if pair in place]
        for r, s in phases
    ]
    return classes, shared
