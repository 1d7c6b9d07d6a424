"""Transposed convolutions in the form of the loops: tiles, phases, and where each tap reads.

See _conv.pxi for the three sums.  Everything here depends on the shapes alone, never on the
number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from ..conv_spec import ConvSpec

PLANES = 1 << 17  # numbers that the loaded planes of a tile should have: half a megabyte
OUTPUTS = 1 << 16  # outputs that are held at once
RUN = 1024  # positions of a tile of outputs, if the planes allow
RUN_BACK = 4096  # and of a tile of inputs, whose planes are loaded with more of a halo
LEAST = 64
PART = 4  # channels of the input of a unit in the gradient of the weight
SUMS = 1 << 17  # sums that a unit holds


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of a transposed convolution: output ``i * stride + at[t]`` gets x[i] * w[t]."""

    stride: int
    small: int
    window: int
    at: np.ndarray


def axes_of(spec: ConvSpec) -> list[Axis]:
    """N, D, H, W; axes that are not there have one sample and a kernel of 1."""
    still = np.zeros(1, np.intp)
    axes = [Axis(1, spec.batch, spec.batch, still)]
    axes += [Axis(1, 1, 1, still)] * (3 - spec.rank)
    for a in range(spec.rank):
        lo, hi = spec.window[a]
        at = np.arange(spec.kernel[a]) * spec.dilation[a] - spec.padding[a] - lo
        axes.append(Axis(spec.stride[a], spec.small[a], hi - lo, at))
    return axes


@dataclass(frozen=True, eq=False)
class Tables:
    """What a pass needs besides arrays; all arrays are intp.  Axes are N, D, H, W."""

    count: np.ndarray  # positions by axis,
    tile: np.ndarray  # how many make a tile,
    tiles: np.ndarray  # and how many tiles there are
    extent: np.ndarray  # of a plane
    plane: int  # elements of a plane, with slack
    run: int  # positions of a run over the planes of a tile
    block: int  # channels whose outputs should be held at once
    source_stride: np.ndarray
    source_phase: np.ndarray  # (phases, 4)
    lead: np.ndarray  # where a plane begins, from the tile's first position
    reach: np.ndarray  # how much more than the tile it has
    target_stride: np.ndarray
    base: np.ndarray  # position u is the output u * stride + phase - base
    class_first: np.ndarray  # phases that read at the same places are members of a class
    class_taps: np.ndarray
    class_start: np.ndarray
    class_of: np.ndarray  # by phase
    slot: np.ndarray  # by phase: its place among the members of all classes
    order: np.ndarray  # taps by class, by member
    offset: np.ndarray  # by class, by tap: where it reads in a plane


def ints(values: object) -> np.ndarray:
    return np.ascontiguousarray(values, np.intp)


def tile_sizes(count: list[int], reach: list[int], limit: int) -> list[int]:
    """Positions of a tile: about `limit`."""
    tile = [1, 1, 1, 1]
    for a in (3, 2, 1, 0):
        inner = prod(t + r for t, r in zip(tile[a + 1 :], reach[a + 1 :], strict=True))
        most = min(count[a], max(1, limit // inner))
        even = -(-count[a] // -(-count[a] // most))  # of about equal size

        def cost(t: int, a: int = a, inner: int = inner) -> float:
            return -(-count[a] // t) * inner * t * (1 + 0.05 * inner * t / limit)

        tile[a] = min({even, most}, key=cost)
    return tile


def plane_size(extent: list[int], slack: int) -> int:
    """Elements of a plane: an odd number of cache lines, so that planes spread over the cache."""
    lines = -(-(prod(extent) + slack) // 16)
    return 16 * (lines | 1)


@dataclass(frozen=True, eq=False)
class _Taps:
    """The taps of all axes together: the phase that each belongs to, and where it reads."""

    phase: np.ndarray  # (taps, 4)
    shift: np.ndarray  # (taps, 4)


def _taps(axes: list[Axis], base: list[int], forward: bool) -> _Taps:
    taps = np.array(list(np.ndindex(*[len(a.at) for a in axes])))
    at = [a.at[taps[:, k]] + base[k] for k, a in enumerate(axes)]
    phase = np.stack([v % a.stride for v, a in zip(at, axes, strict=True)], axis=1)
    shift = np.stack([v // a.stride for v, a in zip(at, axes, strict=True)], axis=1)
    return _Taps(phase, -shift if forward else shift)


@dataclass(frozen=True, eq=False)
class _Classes:
    members: list[list[int]]  # phases, by class
    taps: list[list[list[int]]]  # by class, by member


def _classes(number: np.ndarray, shift: np.ndarray, phases: int) -> _Classes:
    """Phases whose taps read at the same places, in the order of their first."""
    taps: list[list[int]] = [[] for _ in range(phases)]
    for t, p in reversed(list(enumerate(number))):  # what reads first comes first
        taps[p].append(t)
    found: dict[bytes, list[int]] = {}
    for p, of_phase in enumerate(taps):
        found.setdefault(shift[of_phase].tobytes(), []).append(p)
    members = list(found.values())
    return _Classes(members, [[taps[p] for p in m] for m in members])


def starts(lengths: list[int]) -> np.ndarray:
    return ints(np.concatenate([[0], np.cumsum(lengths)]))


def _tables(axes: list[Axis], inner: int, slack: int, forward: bool) -> Tables:
    """`inner` channels are summed over."""
    strides = [a.stride for a in axes]
    # From the first output of a sample on: phases should read at the same places, so that they
    # share registers.
    base = [-int(a.at[0]) % a.stride if forward else 0 for a in axes]
    taps = _taps(axes, base, forward)
    number = np.ravel_multi_index(tuple(taps.phase.T), strides)
    used, place = np.unique(number, return_inverse=True)
    if forward:
        used, place = np.zeros(1, np.intp), np.zeros(len(number), np.intp)
        count = [-(-(a.window + b) // a.stride) for a, b in zip(axes, base, strict=True)]
        phases = prod(strides)
        classes = _classes(number, taps.shift, phases)
    else:
        count = [a.small for a in axes]
        phases = 1
        classes = _Classes([[0]], [[list(range(len(number)))]])
    lead = taps.shift.min(axis=0)
    reach = [int(r) for r in taps.shift.max(axis=0) - lead]
    reads = np.column_stack([place, taps.shift - lead])
    copies, copy = np.unique(reads, axis=0, return_inverse=True)
    # Many phases make small tiles, so that some groups of few channels fit together.
    planes = inner * len(used) * (4 if len(used) >= 16 else 1)
    outputs = phases * (8 if phases >= 64 else 2)
    limit = min(OUTPUTS // outputs, PLANES // max(1, planes))
    run = RUN if forward else RUN_BACK
    tile = tile_sizes(count, reach, max(LEAST, min(run, limit)))
    extent = [t + r for t, r in zip(tile, reach, strict=True)]
    plane = plane_size(extent, slack)
    last = 0
    for t, e in zip(tile, extent, strict=True):
        last = last * e + t - 1
    held = max(8, OUTPUTS // (phases * prod(extent)))
    at = copies[:, 0] * plane + np.ravel_multi_index(tuple(copies[:, 1:].T), extent)
    reads_at = at[copy.ravel()]
    members = [m for of_class in classes.members for m in of_class]
    return Tables(
        count=ints(count),
        tile=ints(tile),
        tiles=ints([-(-c // t) for c, t in zip(count, tile, strict=True)]),
        extent=ints(extent),
        plane=plane,
        run=last + 1,
        block=held if held < 16 else held // 16 * 16,
        source_stride=ints([1] * 4 if forward else strides),
        source_phase=ints(np.stack(np.unravel_index(used, strides), axis=1)),
        lead=ints(lead),
        reach=ints(reach),
        target_stride=ints(strides if forward else [1] * 4),
        base=ints(base),
        class_first=starts([len(m) for m in classes.members]),
        class_taps=starts([len(t[0]) for t in classes.taps]),
        class_start=starts([len(t) * len(t[0]) for t in classes.taps]),
        class_of=ints(
            np.repeat(range(len(classes.members)), [len(m) for m in classes.members])[
                np.argsort(members)
            ]
        ),
        slot=ints(np.argsort(members)),
        order=ints([t for of_class in classes.taps for m in of_class for t in m]),
        offset=ints([reads_at[t] for of_class in classes.taps for t in of_class[0]]),
    )


@lru_cache(maxsize=256)
def forward_tables(spec: ConvSpec, slack: int) -> Tables:
    """For the output."""
    return _tables(axes_of(spec), spec.channels_in // spec.groups, slack, True)


@lru_cache(maxsize=256)
def backward_tables(spec: ConvSpec, slack: int, channels: int | None = None) -> Tables:
    """For the gradient of the input; for that of the weight with `channels` loaded at once.

    Positions are those of the input.
    """
    inner = spec.channels_out // spec.groups if channels is None else channels
    return _tables(axes_of(spec), inner, slack, False)


def weight_parts(spec: ConvSpec) -> tuple[int, int]:
    """Channels of the input and of the output that a unit of the gradient of the weight takes."""
    inner, rows, taps = (
        spec.channels_out // spec.groups,
        spec.channels_in // spec.groups,
        prod(spec.kernel),
    )
    held = max(1, SUMS // (PART * taps))
    # Planes of all phases, of at least 64 positions.
    held = min(held, max(1, PLANES // (LEAST * prod(spec.stride))))
    return min(PART, rows), min(held, max(1, inner))
