"""What a kernel will do, before any training: the checkerboard of transposed convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import as_array
from .spec import FLOATS, bad_value, dtype_name, integers, per_axis

EVEN = 1e-6  # a score below this is rounding: of float32 weights, some 10 eps


@dataclass(frozen=True, eq=False)
class Checkerboard:
    """The result of `checkerboard`.

    Attributes
    ----------
    overlap : ndarray of int
        Shape (stride...): how many kernel taps an output of each phase sums over.
    phase_gain : ndarray of float64
        Shape (C_in, C_out / groups, stride...): what an output of each phase makes of a constant
        input of 1, the sum of the weights of its taps.
    score : float
        Standard deviation over magnitude of the mean of the phase gains, the largest of all
        channel pairs.  0: a constant input shows no pattern.
    advice : str
        What would remove the pattern.
    """

    overlap: np.ndarray
    phase_gain: np.ndarray
    score: float
    advice: str


def checkerboard(weight: Any, stride: Any, dilation: Any = 1) -> Checkerboard:
    """How uneven a transposed convolution treats its output phases.

    Output o belongs to phase (o + padding) mod stride, and only the taps t with (t * dilation)
    mod stride of that value reach it.  Where phases have different numbers of taps, or their
    weights different sums, a constant input comes out as a pattern of period `stride`.

    Parameters
    ----------
    weight : array_like
        Shape (C_in, C_out / groups, kernel...) with one to three kernel axes, a floating dtype.
    stride, dilation : int or sequence of int
        As given to the transposed convolution, at least 1.

    Returns
    -------
    Checkerboard
        `overlap`, `phase_gain`, `score` and `advice`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type, a shape or a value not allowed.

    Notes
    -----
    A. Odena, V. Dumoulin and C. Olah, "Deconvolution and checkerboard artifacts", Distill, 2016.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> uneven = upsampler.checkerboard(np.ones((1, 1, 3)), stride=2)
    >>> uneven.overlap, round(uneven.score, 3)
    (array([2, 1]), 0.333)
    >>> upsampler.checkerboard(np.ones((1, 1, 4)), stride=2).score
    0.0
    """
    weight = as_array("weight", weight)
    if dtype_name(weight.dtype) not in FLOATS:
        raise TypeError(f"weight: got dtype {weight.dtype}; allowed: {', '.join(FLOATS)}")
    allowed = "an integer, or one for each kernel axis"
    given = {"stride": stride, "dilation": dilation}
    typed = {name: integers(name, value, allowed) for name, value in given.items()}
    rank = weight.ndim - 2
    if not 1 <= rank <= 3 or 0 in weight.shape:
        raise ValueError(
            f"weight: got shape {weight.shape}; allowed: (C_in, C_out / groups, kernel...) with "
            "one to three kernel axes, none of them empty"
        )
    steps = {name: per_axis(name, value, rank) for name, value in typed.items()}
    for name, values in steps.items():
        if min(values) < 1:
            raise bad_value(name, values, "at least 1")
    gain = weight.astype(np.float64)
    counts = np.ones((1, 1, *weight.shape[2:]))
    for axis, (s, d) in enumerate(zip(*steps.values(), strict=True)):
        # Each tap goes to its phase: a (stride x kernel) matrix of zeros and ones.
        taps = np.arange(weight.shape[2 + axis]) * d % s
        belongs = (np.arange(s)[:, None] == taps).astype(np.float64)
        gain = np.moveaxis(np.tensordot(belongs, gain, (1, 2 + axis)), 0, 2 + axis)
        counts = np.moveaxis(np.tensordot(belongs, counts, (1, 2 + axis)), 0, 2 + axis)
    overlap = counts[0, 0].astype(int)
    score = _score(gain.reshape(*gain.shape[:2], -1))
    return Checkerboard(overlap, gain, score, _advice(overlap, score, steps["stride"]))


def _score(gain: np.ndarray) -> float:
    deviation, mean = gain.std(axis=-1), np.abs(gain.mean(axis=-1))
    # Equal gains show no pattern, whatever their mean.
    flat = deviation <= 1e-15 * np.abs(gain).max(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(flat, 0.0, deviation / mean).max())


def _advice(overlap: np.ndarray, score: float, stride: tuple[int, ...]) -> str:
    shown = "x".join(str(s) for s in stride)
    if overlap.min() == 0:
        return (
            f"some phases of stride {shown} have no tap at all: take a kernel at least as large "
            "as the stride and without a common factor of dilation and stride"
        )
    if overlap.min() != overlap.max():
        return (
            f"phases of stride {shown} have between {overlap.min()} and {overlap.max()} taps: "
            "take a kernel that is a multiple of the stride, or resize and then convolve"
        )
    if score > EVEN:
        return (
            "the kernel overlaps evenly, but the weights of its phases have different sums: "
            "initialise it as bilinear interpolation, or scale every phase to the same sum"
        )
    return "nothing to remove: a constant input stays constant away from the border"
