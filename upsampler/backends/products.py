"""Resize-convolution with fewer multiplications: what the output phases have in common.

Along one axis with factor f let the outputs of the phases r = 0 .. f - 1 around input u read x[-1],
x[0], x[1] (counted from u).  Upsampling keeps constants, so the coefficients of every phase have
the same sum S of all weights, and

    y[r] = S * x[0] + before[r] * (x[-1] - x[0]) + after[r] * (x[1] - x[0]).

The first product is shared by all phases, and phases that do not read x[-1] or x[1] lack the
second or third.  Nearest x2 with 3 taps needs 3 products instead of 4 (and of 6 in two steps), x4
with 3 taps 3 instead of 6.  Bilinear x2 with 3 taps needs 4 instead of 6 when its two phases are
written as a shared symmetrical kernel and one product each:

    y[0] = q * x[0] + p * (x[-1] + x[1]) + g0 * a,   a = (3 x[-1] - 2 x[0] - x[1]) / 4
    y[1] = q * x[0] + p * (x[-1] + x[1]) + g1 * e,   e = (x[-1] + 2 x[0] - 3 x[1]) / 4

Two axes multiply: 9 of 16 products (36 in two steps) for nearest x2, 16 of 36 for bilinear x2.
This is Winograd's idea (S. Winograd, "Arithmetic complexity of computations", SIAM 1980) for
inputs that are known to be upsampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..spec import resample_spec


@dataclass(frozen=True, eq=False)
class Products:
    """One axis.  Products of a group follow one another; group 0 is shared, 1 + r of phase r."""

    planes: np.ndarray  # (planes, 3): what is made of x[-1], x[0], x[1]
    plane: tuple[int, ...]  # by product: what is multiplied,
    weights: np.ndarray  # (products, kernel): by which combination of the weights,
    group: tuple[int, ...]  # and for whom


@lru_cache(maxsize=256)
def products(mode: str, factor: int, kernel: int, dilation: int) -> Products | None:
    """The products of an axis, None where a phase reads further than one sample."""
    reads = _reads(mode, factor, kernel, dilation)
    if reads is None:
        return None
    if (mode, factor, kernel, dilation) == ("bilinear", 2, 3, 1):
        return _bilinear_of_three(reads)
    planes = np.array([[0.0, 1, 0], [1, -1, 0], [0, -1, 1]])
    plane, weights, group = [0], [reads[0].sum(axis=0)], [0]
    for r in range(factor):
        for side, at in ((0, 1), (2, 2)):
            if reads[r, side].any():
                plane.append(at)
                weights.append(reads[r, side])
                group.append(1 + r)
    return Products(planes, tuple(plane), np.array(weights), tuple(group))


@dataclass(frozen=True, eq=False)
class Border:
    """One end of an axis where a tap sees zeros instead of the repeated border of the input.

    An output of a phase that has as many products as there are taps can be had from them all the
    same, if its planes are others: those of a position besides, behind the end.
    """

    phase: int
    planes: np.ndarray  # (planes, 3): what they are made of, counted from the last position


def border(
    mode: str, factor: int, kernel: int, dilation: int, phase: int, inside: np.ndarray
) -> Border | None:
    """For an output of which the taps `inside` see something; None for too few products."""
    axis = products(mode, factor, kernel, dilation)
    reads = _reads(mode, factor, kernel, dilation)
    if axis is None or reads is None:
        return None
    own = [k for k, group in enumerate(axis.group) if group in (0, 1 + phase)]
    wanted = reads[phase].T * inside[:, None]
    made = np.linalg.lstsq(axis.weights[own].T, wanted, rcond=None)[0]
    if not np.allclose(axis.weights[own].T @ made, wanted, rtol=0, atol=1e-12):
        return None
    planes = np.zeros_like(axis.planes)
    planes[[axis.plane[k] for k in own]] = np.where(np.abs(made) < 1e-12, 0, made)
    return Border(phase, planes)


def upsampling(mode: str, factor: int, n: int) -> np.ndarray:
    """(n * factor, n): the matrix that upsamples an axis of `n` samples."""
    axis_mode = "linear" if mode == "bilinear" else mode
    spec = resample_spec((n,), np.dtype(np.float64), None, factor, axis_mode, layout="W")
    table = spec.rules[0].table(0, n * factor)
    rows = np.arange(n * factor)
    matrix = np.zeros((n * factor, n))
    if table.kind == "copy" or table.identity:
        matrix[rows, table.start] = 1
    else:
        after = table.weights[:, 0]
        matrix[rows, table.start] = 1 - after
        matrix[rows, np.minimum(table.start + 1, n - 1)] += after
    return matrix


def _reads(mode: str, factor: int, kernel: int, dilation: int) -> np.ndarray | None:
    """(phases, 3, kernel): by how much of each weight x[-1], x[0] and x[1] are multiplied."""
    reach = dilation * (kernel - 1)
    if reach > 2 * factor:  # no phase stays within three samples
        return None
    u = reach // factor + 2  # a sample far from the border
    matrix = upsampling(mode, factor, 2 * u + 1)
    first = u * factor - reach // 2  # what tap 0 of phase 0 sees
    reads = np.zeros((factor, 3, kernel))
    for r in range(factor):
        seen = matrix[first + r : first + r + reach + 1 : dilation]
        if seen[:, : u - 1].any() or seen[:, u + 2 :].any():
            return None
        reads[r] = seen[:, u - 1 : u + 2].T
    return reads


def _bilinear_of_three(reads: np.ndarray) -> Products:
    """Four products instead of five; all coefficients are multiples of 1/16."""
    own = reads[:, 0] - reads[:, 2]
    shared = [reads[0, 1] + own[0] / 2, reads[0, 2] + own[0] / 4]
    planes = np.array([[0.0, 1, 0], [1, 0, 1], [0.75, -0.5, -0.25], [0.25, 0.5, -0.75]])
    return Products(planes, (0, 1, 2, 3), np.array([*shared, *own]), (0, 0, 1, 2))
