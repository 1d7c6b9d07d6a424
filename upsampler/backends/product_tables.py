"""Resize-convolution by shared products, in the form of the loops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..conv_spec import ConvSpec
from .conv_tables import (
    COLUMNS,
    LEAST,
    OUTPUTS,
    PANEL,
    PART,
    RUN,
    WEIGHT_RUN,
    Tables,
    ints,
    plane_size,
    starts,
    tile_sizes,
)
from .products import Products

ROWS = 12  # of the tallest blocks of sums
WEIGHT_COLUMNS = 1 << 16  # numbers that a unit of the gradient of the weight derives at once


@dataclass(frozen=True, eq=False)
class Mixes:
    """Planes made of others: the terms of a plane are first[plane] to first[plane + 1]."""

    first: np.ndarray
    at: np.ndarray  # in elements
    factor: np.ndarray

    @classmethod
    def of(cls, dense: np.ndarray, steps: tuple[int, int]) -> Mixes:
        """From (planes, lines, places), with the steps from line to line and place to place."""
        plane, line, place = np.nonzero(dense)
        first = starts([int(np.count_nonzero(one)) for one in dense])
        return cls(first, ints(line * steps[0] + place * steps[1]), dense[plane, line, place])


@dataclass(frozen=True, eq=False)
class Derived:
    """What is made of three neighbours along an axis; and at the border, if more, of its own."""

    lines: int  # phases of the source along the axis
    inside: Mixes
    before: Mixes | None = None
    after: Mixes | None = None


@dataclass(frozen=True, eq=False)
class SharedTables(Tables):
    """`Tables` whose classes are the phases, then what they share; see _products.pxi."""

    down: Derived  # along H
    across: Derived  # along W
    shared_first: np.ndarray  # by phase: where its shared classes begin among
    shared: np.ndarray


@lru_cache(maxsize=256)
def product_tables(
    spec: ConvSpec, axes: tuple[Products, Products], origin: tuple[int, int], slack: int
) -> SharedTables:
    """`spec` is the folded convolution; output o has the phase (o + origin) % stride."""
    at = [lo + o for (lo, _), o in zip(spec.window, origin, strict=True)]
    base = [a % f for a, f in zip(at, spec.stride, strict=True)]
    places = [hi - lo + b for (lo, hi), b in zip(spec.window, base, strict=True)]
    count = [spec.batch, 1, *(-(-n // f) for n, f in zip(places, spec.stride, strict=True))]
    classes, shared = _classes(axes, spec.stride)
    height, width = axes
    planes = len(height.planes) * len(width.planes)
    inner = spec.channels_in // spec.groups
    limit = min(OUTPUTS // 4 // len(classes), COLUMNS // max(1, planes * inner))
    tile = tile_sizes(count, [0] * 4, max(LEAST, min(RUN // 2, limit)), PANEL)
    extent = [t + r for t, r in zip(tile, (0, 0, 2, 2), strict=True)]
    held = OUTPUTS // (len(classes) * int(np.prod(tile)))
    phases = range(spec.stride[0] * spec.stride[1])
    taps = [[i * len(width.plane) + j for i, j in c] for c in classes]
    reads = [height.plane[i] * len(width.planes) + width.plane[j] for c in classes for i, j in c]
    return SharedTables(
        count=ints(count),
        tile=ints(tile),
        tiles=ints([-(-c // t) for c, t in zip(count, tile, strict=True)]),
        extent=ints(extent),
        plane=plane_size(extent, slack),
        run=1,
        block=min(spec.channels_out // spec.groups, max(ROWS, held // ROWS * ROWS)),
        source_stride=ints([1] * 4),
        source_phase=ints([[0] * 4]),
        lead=ints([0, 0, *(a // f - 1 for a, f in zip(at, spec.stride, strict=True))]),
        reach=ints([0, 0, 2, 2]),
        target_stride=ints([1, 1, *spec.stride]),
        base=ints([0, 0, *base]),
        class_first=ints(range(len(classes) + 1)),
        class_taps=starts([len(t) for t in taps]),
        class_start=starts([len(t) for t in taps]),
        class_of=ints(phases),
        slot=ints(range(len(classes))),
        order=ints([t for of_class in taps for t in of_class]),
        offset=ints(reads),
        columns=ints(range(planes)),
        down=Derived(1, Mixes.of(height.planes[:, None], (0, extent[3]))),
        across=Derived(1, Mixes.of(width.planes[:, None], (0, 1))),
        shared_first=starts([len(s) for s in shared]),
        shared=ints([k for s in shared for k in s]),
    )


@lru_cache(maxsize=256)
def adjoint_tables(
    spec: ConvSpec,
    axes: tuple[Products, Products],
    origin: tuple[int, int],
    slack: int,
    channels: int | None = None,
) -> SharedTables:
    """For the gradient of the input; for that of the weight with `channels` loaded at once.

    Whole rows in a tile load faster than nearly square tiles, whose halo is smaller (by a tenth).
    `spec` and `origin` are as in `product_tables`, positions are those of the input.  Taps are
    the products; each reads a plane of its own.
    """
    inner = channels or spec.channels_out // spec.groups
    count = [spec.batch, 1, *spec.small]
    number = len(axes[0].plane) * len(axes[1].plane)
    limit, grain = (WEIGHT_COLUMNS, 1) if channels else (COLUMNS, PANEL)
    limit = min(WEIGHT_RUN if channels else RUN // 2, limit // max(1, number * inner))
    tile = tile_sizes(count, [0] * 4, max(LEAST, limit), grain)
    extent = [t + r for t, r in zip(tile, (0, 0, 2, 2), strict=True)]
    plane = plane_size(extent, slack)
    first = [-lo - o for (lo, _), o in zip(spec.window, origin, strict=True)]
    phases = [(0, 0, first[0] + r, first[1] + s) for r, s in np.ndindex(*spec.stride)]
    held = OUTPUTS // int(np.prod(tile))
    down, across = (
        _derived(axis, f, steps, spec.edge)
        for axis, f, steps in zip(
            axes, spec.stride, ((spec.stride[1] * plane, extent[3]), (plane, 1)), strict=True
        )
    )
    return SharedTables(
        count=ints(count),
        tile=ints(tile),
        tiles=ints([-(-c // t) for c, t in zip(count, tile, strict=True)]),
        extent=ints(extent),
        plane=plane,
        run=1,
        block=max(ROWS, held // ROWS * ROWS),
        source_stride=ints([1, 1, *spec.stride]),
        source_phase=ints(phases),
        lead=ints([0, 0, -1, -1]),
        reach=ints([0, 0, 2, 2]),
        target_stride=ints([1] * 4),
        base=ints([0] * 4),
        class_first=ints([0, 1]),
        class_taps=ints([0, number]),
        class_start=ints([0, number]),
        class_of=ints([0]),
        slot=ints([0]),
        order=ints(range(number)),
        offset=ints(range(number)),
        columns=ints(range(number)),
        down=down,
        across=across,
        shared_first=ints([0, 0]),
        shared=ints([0]),
    )


def shared_weight_parts(spec: ConvSpec, axes: tuple[Products, Products]) -> tuple[int, int]:
    """Channels of the input and of the output that a unit of the gradient of the weight takes."""
    inner, rows = spec.channels_out // spec.groups, spec.channels_in // spec.groups
    held = WEIGHT_COLUMNS // (WEIGHT_RUN * len(axes[0].plane) * len(axes[1].plane))
    return min(PART, rows), min(inner, max(1, held))


def _derived(axis: Products, factor: int, steps: tuple[int, int], folds: bool) -> Derived:
    """By product: what the products that it takes part in hand back to x[0]."""
    reads = axis.planes[list(axis.plane)]
    dense = np.zeros((len(reads), factor, 3))
    for k, group in enumerate(axis.group):
        of_group = slice(None) if group == 0 else slice(group - 1, group)
        dense[k, of_group] = reads[k, ::-1]
    if not folds:
        return Derived(factor, Mixes.of(dense, steps))
    # From the first position x[-1] is the border, too, and from the last x[1].
    before, after = np.zeros_like(dense), np.zeros_like(dense)
    before[:, :, 1], after[:, :, 1] = dense[:, :, 2], dense[:, :, 0]
    return Derived(factor, *(Mixes.of(d, steps) for d in (dense, before, after)))


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
