"""Transposed convolutions pixel by pixel, in the form of the loops; see _conv_pixels.pxi.

Everything here depends on the shapes alone, never on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from ..conv_spec import ConvSpec
from .conv_tables import ROWS, Axis, axes_of, ints, starts, tile_sizes

NUMBERS = 1 << 19  # that a tile of the input should have: panels of many channels are read for each
POSITIONS = 256  # and its positions: some units for each thread
LEAST = 64


@dataclass(frozen=True, eq=False)
class PixelTables:
    """What a pass needs besides arrays; all arrays are intp.  Axes are N, D, H, W.

    A phase of an axis has the taps from ``begin[first[axis] + phase]`` up to the next entry.  Tap t
    of position u reads ``u * pace + shift[t]``; the output is ``u * stride + phase``.
    """

    count: np.ndarray  # positions by axis,
    tile: np.ndarray  # how many make a tile,
    tiles: np.ndarray  # and how many tiles there are
    stride: np.ndarray
    pace: np.ndarray
    first: np.ndarray
    begin: np.ndarray
    shift: np.ndarray
    before: np.ndarray  # taps of the phases (of all axes together) before each
    order: np.ndarray  # taps of the weight, phase by phase
    lead: np.ndarray  # by axis the least shift,
    extent: np.ndarray  # and what a tile reads from there on


@dataclass(frozen=True)
class _Phase:
    taps: list[int]
    shifts: list[int]


def _phases(axis: Axis, forward: bool) -> list[_Phase]:
    """The taps of each phase of an axis, and where they read."""
    if not forward:
        return [_Phase(list(range(len(axis.at))), [int(a) for a in axis.at])]
    phases = [_Phase([], []) for _ in range(axis.stride)]
    for tap, at in enumerate(axis.at):
        phases[at % axis.stride].taps.append(tap)
        phases[at % axis.stride].shifts.append(-int(at // axis.stride))
    return phases


@lru_cache(maxsize=256)
def pixel_tables(spec: ConvSpec, forward: bool) -> PixelTables:
    """For the output, or for the gradient of the input."""
    axes = axes_of(spec)
    phases = [_phases(axis, forward) for axis in axes]
    strides = [axis.stride for axis in axes]
    stride, pace = (strides, [1] * 4) if forward else ([1] * 4, strides)
    count = [-(-a.window // a.stride) if forward else a.small for a in axes]
    lead = [min(s for phase in of_axis for s in phase.shifts) for of_axis in phases]
    last = [max(s for phase in of_axis for s in phase.shifts) for of_axis in phases]
    reach = [b - a for a, b in zip(lead, last, strict=True)]
    inner = (spec.channels_in if forward else spec.channels_out) // spec.groups
    if spec.channels_in == spec.groups == spec.channels_out:
        inner = spec.groups
    limit = NUMBERS // max(1, inner * prod(pace))
    halo = [-(-r // p) for r, p in zip(reach, pace, strict=True)]
    tile = tile_sizes(count, halo, max(LEAST, min(POSITIONS, limit)), 1)
    kernel = [len(axis.at) for axis in axes]
    number = np.arange(prod(kernel)).reshape(kernel)
    order = [number[np.ix_(*(p.taps for p in of))].ravel() for of in product(*phases)]
    return PixelTables(
        count=ints(count),
        tile=ints(tile),
        tiles=ints([-(-c // t) for c, t in zip(count, tile, strict=True)]),
        stride=ints(stride),
        pace=ints(pace),
        first=starts([len(of_axis) for of_axis in phases]),
        begin=starts([len(phase.taps) for of_axis in phases for phase in of_axis]),
        shift=ints([s for of_axis in phases for phase in of_axis for s in phase.shifts]),
        before=starts([len(taps) for taps in order]),
        order=ints(np.concatenate(order)),
        lead=ints(lead),
        extent=ints([(t - 1) * p + r + 1 for t, p, r in zip(tile, pace, reach, strict=True)]),
    )


def pixels_pay(spec: ConvSpec, forward: bool, register: int) -> bool:
    """Whether channels that lie side by side, `register` to a register, should stay so.

    Measured: where they fill most of their registers, and are not few.
    """
    rows, inner = spec.channels_out // spec.groups, spec.channels_in // spec.groups
    if not forward:
        rows, inner = inner, rows
    apart = rows == inner == 1
    if apart:
        rows = spec.groups
    filled = rows / max(1, -(-rows // register) * register)
    if apart:
        return rows >= register and filled >= (0.8 if forward else 0.65)
    return rows >= max(register, ROWS) and inner >= 4 and filled >= 5 / 6
