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
    RUN,
    Tables,
    ints,
    plane_size,
    starts,
    tile_sizes,
)
from .products import Products

ROWS = 12  # of the tallest blocks of sums


@dataclass(frozen=True, eq=False)
class SharedTables(Tables):
    """`Tables` whose classes are the phases, then what they share; see _products.pxi."""

    mix_h: np.ndarray  # (planes, 3): what is derived of three neighbours along H,
    mix_w: np.ndarray  # and along W
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
        mix_h=height.planes,
        mix_w=width.planes,
        shared_first=starts([len(s) for s in shared]),
        shared=ints([k for s in shared for k in s]),
    )


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
