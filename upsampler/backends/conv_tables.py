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

PLANES = 1 << 17  # elements that the loaded planes of a tile should have: half a megabyte
RUN = 1024  # positions of a tile, if the planes allow
LEAST = 64
PART = 32  # channels of a unit in the gradient of the weight, fewer for large kernels
SUMS = 1 << 14  # pairs of channels times taps that a unit holds sums of, 64 bytes each


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of a transposed convolution, by tap: its phase and its shift."""

    kernel: int
    stride: int
    origin: int  # padding plus the start of the window
    small: int
    window: int
    phase: np.ndarray
    shift: np.ndarray

    @property
    def reach(self) -> int:
        return int(self.shift[-1])


def axes_of(spec: ConvSpec) -> list[Axis]:
    """D, H, W; axes that are not there have one sample and a kernel of 1."""
    axes = [Axis(1, 1, 0, 1, 1, np.zeros(1, np.intp), np.zeros(1, np.intp))] * (3 - spec.rank)
    for a in range(spec.rank):
        lo, hi = spec.window[a]
        at = np.arange(spec.kernel[a]) * spec.dilation[a]
        axes.append(
            Axis(
                spec.kernel[a],
                spec.stride[a],
                spec.padding[a] + lo,
                spec.small[a],
                hi - lo,
                at % spec.stride[a],
                at // spec.stride[a],
            )
        )
    return axes


@dataclass(frozen=True, eq=False)
class Tables:
    """What a pass needs besides arrays; all arrays are intp."""

    first: np.ndarray  # by axis: the first position,
    count: np.ndarray  # how many there are,
    tile: np.ndarray  # how many make a tile,
    tiles: np.ndarray  # and how many tiles there are
    extent: np.ndarray  # of a plane
    plane: int
    run: int
    source_stride: np.ndarray
    source_origin: np.ndarray
    source_phase: np.ndarray  # (phases, 3)
    back: np.ndarray
    ahead: np.ndarray
    target_stride: np.ndarray
    target_origin: np.ndarray
    order: np.ndarray  # taps, those of a phase of the target together
    phase_start: np.ndarray
    offset: np.ndarray  # by tap, in that order


def _ints(values: object) -> np.ndarray:
    return np.ascontiguousarray(values, np.intp)


def _tile(count: list[int], reach: list[int], planes: int) -> list[int]:
    """Positions of a tile: whole rows while they fit, then as many of them as fit."""
    budget = max(LEAST, min(RUN, PLANES // max(1, planes)))
    tile = [1, 1, 1]
    for a in (2, 1, 0):
        inner = prod(t + r for t, r in zip(tile[a + 1 :], reach[a + 1 :], strict=True))
        fits = max(1, budget // inner)
        pieces = -(-count[a] // min(fits, count[a]))
        tile[a] = -(-count[a] // pieces)  # of about equal size
    return tile


def _plane(extent: list[int], slack: int) -> int:
    """Elements of a plane: an odd number of cache lines, so that planes spread over the cache."""
    lines = -(-(prod(extent) + slack) // 16)
    return 16 * (lines | 1)


def _tables(
    axes: list[Axis], channels: int, slack: int, first: list[int], count: list[int], forward: bool
) -> Tables:
    reach = [a.reach for a in axes]
    taps = np.array(list(np.ndindex(*[a.kernel for a in axes])))
    phase = np.stack([a.phase[taps[:, k]] for k, a in enumerate(axes)], axis=1)
    shift = np.stack([a.shift[taps[:, k]] for k, a in enumerate(axes)], axis=1)
    strides = [a.stride for a in axes]
    number = np.ravel_multi_index(tuple(phase.T), strides)
    used = np.unique(number)
    planes = channels * (1 if forward else len(used))
    tile = _tile(count, reach, planes)
    extent = [t + r for t, r in zip(tile, reach, strict=True)]
    plane = _plane(extent, slack)
    run = ((tile[0] - 1) * extent[1] + tile[1] - 1) * extent[2] + tile[2]
    ones, zeros = [1, 1, 1], [0, 0, 0]
    origin = [a.origin for a in axes]
    if forward:
        # The halo reaches back; taps are sorted by the phase of the output that they belong to.
        order = np.argsort(number, kind="stable")
        starts = np.searchsorted(number[order], np.arange(prod(strides) + 1))
        offset = np.ravel_multi_index(tuple((np.array(reach) - shift).T), extent)[order]
        source_phase = np.zeros((1, 3))
    else:
        order = np.arange(len(taps))
        starts = np.array([0, len(taps)])
        place = np.searchsorted(used, number)
        offset = place * plane + np.ravel_multi_index(tuple(shift.T), extent)
        source_phase = np.stack(np.unravel_index(used, strides), axis=1)
    return Tables(
        first=_ints(first),
        count=_ints(count),
        tile=_ints(tile),
        tiles=_ints([-(-c // t) for c, t in zip(count, tile, strict=True)]),
        extent=_ints(extent),
        plane=plane,
        run=run,
        source_stride=_ints(ones if forward else strides),
        source_origin=_ints(zeros if forward else origin),
        source_phase=_ints(source_phase),
        back=_ints(reach if forward else zeros),
        ahead=_ints(zeros if forward else reach),
        target_stride=_ints(strides if forward else ones),
        target_origin=_ints(origin if forward else zeros),
        order=_ints(order),
        phase_start=_ints(starts),
        offset=_ints(offset),
    )


@lru_cache(maxsize=256)
def forward_tables(spec: ConvSpec, slack: int) -> Tables:
    """For the output: positions u with u * stride + phase - origin inside the window."""
    axes = axes_of(spec)
    first = [a.origin // a.stride for a in axes]
    stop = [(a.origin + a.window - 1) // a.stride + 1 for a in axes]
    count = [s - f for f, s in zip(first, stop, strict=True)]
    return _tables(axes, spec.channels_in // spec.groups, slack, first, count, True)


@lru_cache(maxsize=256)
def backward_tables(spec: ConvSpec, slack: int, channels: int | None = None) -> Tables:
    """For both gradients: positions are those of the input; `channels` are loaded at once."""
    axes = axes_of(spec)
    count = [a.small for a in axes]
    if channels is None:
        channels = spec.channels_out // spec.groups
    return _tables(axes, channels, slack, [0, 0, 0], count, False)


def weight_part(spec: ConvSpec) -> int:
    """Channels of either side that a unit of the gradient of the weight takes."""
    part = PART
    while part > 4 and part * part * prod(spec.kernel) > SUMS:
        part //= 2
    return part
