"""Which places and taps of a transposed convolution meet: tables of offsets for conv.cu."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conv_spec import ConvSpec

Tables = tuple[np.ndarray, ...]
Geometry = tuple[Any, ...]


def geometry(spec: ConvSpec, axis: int | None) -> Geometry:
    """All that the tables of an axis depend on; None is an axis that is not there."""
    if axis is None:
        return ()
    names = ("small", "kernel", "stride", "padding", "dilation", "window")
    return (spec.edge, *(getattr(spec, name)[axis] for name in names))


def meetings(geometry: Geometry, adjoint: bool) -> Tables:
    """For every output the inputs and taps that meet there, or for every input the outputs.

    The entries of place i are first[i] to first[i + 1] of the other two tables.
    """
    if not geometry:
        return np.array([0, 1]), np.zeros(1, int), np.zeros(1, int)
    if adjoint:
        met = _outputs(geometry).T
        there = met >= 0
    else:
        met, there = _inputs(geometry)
    taps = np.broadcast_to(np.arange(met.shape[1]), met.shape)
    return np.append(0, there.sum(axis=1).cumsum()), met[there], taps[there]


def _inputs(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """[output of the window][tap]: the input that they meet at, and whether there is one."""
    edge, n, kernel, stride, padding, dilation, (lo, hi) = geometry
    reach = np.arange(lo, hi)[:, None] + padding - np.arange(kernel) * dilation
    inputs, there = reach // stride, reach % stride == 0
    if edge:
        return np.clip(inputs, 0, n - 1), there
    return inputs, there & (inputs >= 0) & (inputs < n)


def _outputs(geometry: Geometry) -> np.ndarray:
    """[tap][input]: the output of the window that they meet at, or -1."""
    _, n, kernel, stride, padding, dilation, (lo, hi) = geometry
    at = np.arange(n) * stride - padding + np.arange(kernel)[:, None] * dilation
    return np.where((at >= lo) & (at < hi), at - lo, -1)


def meeting_offsets(
    geometry: Geometry, adjoint: bool, place: int, tap: int, weight: int, number: type
) -> Tables:
    """`meetings` as offsets: `place` and `tap` items further for each, `weight` in the weight."""
    first, places, taps = meetings(geometry, adjoint)
    tables = first, places * place + taps * tap, taps * weight
    # One entry at the least, so that no table is empty.
    return tuple(np.append(table, 0).astype(number) for table in tables)


def seen_offsets(geometry: Geometry, step: int, number: type) -> Tables:
    """[tap][input]: the offset of the output that they meet at, or the least number."""
    at = _outputs(geometry) if geometry else np.zeros((1, 1), int)
    return (_or_nothing(at, step, number),)


def own_offsets(count: int, step: int, number: type) -> Tables:
    """The same where a single tap sees of every place itself."""
    return (_or_nothing(np.arange(count)[None], step, number),)


def _or_nothing(at: np.ndarray, step: int, number: type) -> np.ndarray:
    return np.where(at >= 0, at * step, np.iinfo(number).min).astype(number)
