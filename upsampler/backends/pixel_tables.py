"""Transposed convolutions pixel by pixel, in the form of the loops; see _conv_pixels.pxi.

Everything here depends on the shapes alone, never on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import gcd, prod

import numpy as np

from ..conv_spec import ConvSpec
from .conv_tables import Axis, axes_of, ints, starts, tile_sizes

NUMBERS = 1 << 19  # that a tile of the input should have: panels of many channels are read for each
POSITIONS = 256  # and its positions: some units for each thread
OUTER_POSITIONS = 128  # there: the lanes of 64 channels stay in the first cache
LEAST = 64
ROWS = 16  # channels that should lie in the lanes
LISTED = 2048  # positions of all phases along W, unless that is too little for a row


@dataclass(frozen=True, eq=False)
class PixelTables:
    """What a pass needs besides arrays; all arrays are intp.  Axes are N, D, H, W.

    A phase of an axis has the taps from ``begin[first[axis] + phase]`` up to the next entry.  Tap t
    of position u reads ``u * pace + shift[t]``; the output is ``u * stride + phase - base``.
    """

    count: np.ndarray  # positions by axis,
    tile: np.ndarray  # how many make a tile,
    tiles: np.ndarray  # and how many tiles there are
    stride: np.ndarray
    pace: np.ndarray
    first: np.ndarray
    begin: np.ndarray
    shift: np.ndarray
    apart: int  # places along W from what a tap reads to what the next of its phase does
    before: np.ndarray  # taps of the phases (of all axes together) before each
    order: np.ndarray  # taps of the weight, phase by phase
    base: np.ndarray  # position u of a phase is the output u * stride + phase - base
    lead: np.ndarray  # by axis the least shift,
    extent: np.ndarray  # and what a tile reads from there on


@dataclass(frozen=True)
class _Phase:
    taps: list[int]
    shifts: list[int]


def _phases(axis: Axis, forward: bool) -> list[_Phase]:
    """The taps of each phase of an axis, and where they read: from the first sample on."""
    if not forward:
        return [_Phase(list(range(len(axis.at))), [int(a) for a in axis.at])]
    phases = [_Phase([], []) for _ in range(axis.stride)]
    for tap, at in reversed(list(enumerate(axis.at))):
        phases[at % axis.stride].taps.append(tap)
        phases[at % axis.stride].shifts.append(-int(at // axis.stride))
    return phases


def _apart(axis: Axis, forward: bool) -> int:
    """How far apart neighbouring taps of a phase read; 1 where there are none."""
    if len(axis.at) < 2:
        return 1
    dilation = int(axis.at[1] - axis.at[0])
    return dilation // gcd(dilation, axis.stride) if forward else dilation


@lru_cache(maxsize=256)
def pixel_tables(spec: ConvSpec, forward: bool, positions: int = POSITIONS) -> PixelTables:
    """For the output, or for the gradient of the input; `positions` of a tile at most."""
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
    limit = min(max(LEAST, min(positions, limit)), max(1, LISTED // stride[3]))
    halo = [-(-r // p) for r, p in zip(reach, pace, strict=True)]
    tile = tile_sizes(count, halo, limit)
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
        apart=_apart(axes[3], forward),
        before=starts([len(taps) for taps in order]),
        order=ints(np.concatenate(order)),
        base=ints([0] * 4),
        lead=ints(lead),
        extent=ints([(t - 1) * p + r + 1 for t, p, r in zip(tile, pace, reach, strict=True)]),
    )


def pixels_pay(spec: ConvSpec, forward: bool, register: int, last: bool) -> bool:
    """Whether output channels should lie in the lanes, `register` to a register.

    Measured: where they fill most of their registers; and where channels are not `last` in memory,
    if the sums are long enough to make up for turning pixels, above all outputs.
    """
    rows, inner = spec.channels_out // spec.groups, spec.channels_in // spec.groups
    if not forward:
        rows, inner = inner, rows
    apart = rows == inner == 1
    if apart:
        rows = spec.groups
    filled = rows / max(1, -(-rows // register) * register)
    if apart:
        return last and rows >= register and filled >= (0.8 if forward else 0.65)
    terms = inner * prod(spec.kernel) // (prod(spec.stride) if forward else 1)
    if not last and (terms < 128 or rows < 2 * ROWS if forward else terms < 64):
        return False
    return rows >= max(register, ROWS) and filled >= 0.75


def outer_side(spec: ConvSpec, register: int) -> str | None:
    """Whose channels fill registers in the gradient of the weight: "x", "g", or neither's."""
    rows = {"x": spec.channels_in // spec.groups, "g": spec.channels_out // spec.groups}
    filled = {side: n / max(1, -(-n // register) * register) for side, n in rows.items()}
    enough = [side for side, n in rows.items() if n >= max(register, ROWS)]
    return max(enough, key=filled.__getitem__, default=None)


def outer_tables(spec: ConvSpec, side: str) -> PixelTables:
    """For the gradient of the weight, the channels of `side` in the lanes."""
    return pixel_tables(spec, side == "g", OUTER_POSITIONS)
