"""The kernel of a transposed convolution in closed form, from sums over any number of pictures.

A transposed convolution of stride s is s * s ordinary ones, one for each phase of its outputs, and
each with its own taps of the kernel: output ``o = q * s + phase - padding`` is the sum of
``w[phase + s * j] * x[q - j]`` over j along either axis.  So each phase is a small linear
regression of its outputs on the pixels around q.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np

Pair = tuple[int, int]
Segment = tuple[int, int, list[int]]  # the q from, the q to, and the phases that have outputs there

# Taps times samples that are gathered at once: 1 MB of float64, which stays in the cache while it
# is multiplied.  12 megapixels with 10 x 10 taps by 2: 0.2 s a channel.
BLOCK = 1 << 17
# Matrix products are cut into pieces so small that BLAS starts no threads for them (OpenBLAS: up to
# 2^18 multiplications).  On a busy machine its threads wait for each other: whole products took 25
# times as long with two threads as with one.  These pieces reach the rate of one thread, and the
# bits are the same whatever the threads.
ROWS, SAMPLES = 32, 192
# Directions of the taps whose power is less than this part of the largest are rounding.
SINGULAR = 1e-12


class NormalEquations:
    """Sums over pairs of small and large pictures, and the kernel that fits them best.

    Parameters
    ----------
    channels : (int, int)
        C_in and C_out of the transposed convolution.
    kernel, stride, padding : (int, int)
        Along H and W.
    """

    block = BLOCK

    def __init__(self, channels: Pair, kernel: Pair, stride: Pair, padding: Pair) -> None:
        self.channels = channels
        self.kernel, self.stride, self.padding = kernel, stride, padding
        # Per phase as many taps as the phase 0 has, which has the most.
        self.taps = (channels[0], *(-(-k // s) for k, s in zip(kernel, stride, strict=True)))
        size = int(np.prod(self.taps)) + 1  # and the constant, for the bias
        self._gram: Any = np.zeros((*stride, size, size))
        self._cross: Any = np.zeros((*stride, size, channels[1]))

    def add(
        self, low: np.ndarray, high: np.ndarray, window: tuple[Pair, Pair] | None = None
    ) -> None:
        """Take in the equations of one pair.

        Parameters
        ----------
        low, high : ndarray, shape (C_in, h, w) and (C_out, H, W)
            Input and output of the transposed convolution, any real numbers.
        window : ((start, stop), (start, stop)), optional
            Rows and columns of `high` that count; all by default.
        """
        ranges = window or ((0, high.shape[1]), (0, high.shape[2]))
        down, across = (
            _segments(*axis) for axis in zip(ranges, self.padding, self.stride, strict=True)
        )
        for (top, bottom, rows), (left, right, columns) in product(down, across):
            phases = list(product(rows, columns))
            size = self._gram.shape[-1] + len(phases) * self.channels[1]
            for (y0, y1), (x0, x1) in _blocks((top, bottom), (left, right), self.block // size):
                self._add_block(low, high, (y0, y1), (x0, x1), phases)

    def _add_block(
        self, low: np.ndarray, high: np.ndarray, ys: Pair, xs: Pair, phases: list[Pair]
    ) -> None:
        taps = self._gather(low, ys, xs)
        rows, columns = ys[1] - ys[0], xs[1] - xs[0]
        count = len(phases) * self.channels[1]
        outputs = self._zeros(count, rows * columns)
        places = outputs[:count, : rows * columns].reshape(
            len(phases), self.channels[1], rows, columns
        )
        for place, phase in zip(places, phases, strict=True):
            down, across = (
                slice(q0 * s + f - p, (q1 - 1) * s + f - p + 1, s)
                for (q0, q1), s, f, p in zip(
                    (ys, xs), self.stride, phase, self.padding, strict=True
                )
            )
            place[...] = high[:, down, across]
        size = self._gram.shape[-1]
        with np.errstate(over="ignore", invalid="ignore"):  # `solve` tells
            gram = self._product(taps, taps)[:size, :size]
            cross = self._product(taps, outputs)[:size]
        for i, phase in enumerate(phases):
            self._gram[phase] += gram
            self._cross[phase] += cross[:, i * self.channels[1] : (i + 1) * self.channels[1]]

    def _gather(self, low: np.ndarray, ys: Pair, xs: Pair) -> np.ndarray:
        """A row for each tap: its input at every q of the block, 0 beyond the picture; and ones."""
        near = self._near(low, ys, xs)
        rows, columns = ys[1] - ys[0], xs[1] - xs[0]
        moved = np.lib.stride_tricks.sliding_window_view(near, (rows, columns), (1, 2))
        size = self._gram.shape[-1]
        taps = self._zeros(size, rows * columns)
        taps[size - 1, : rows * columns] = 1
        places = taps[: size - 1, : rows * columns]
        places.reshape(*self.taps, rows, columns)[...] = moved[:, ::-1, ::-1]
        return taps

    def _near(self, low: np.ndarray, ys: Pair, xs: Pair) -> np.ndarray:
        """All inputs that a block reads, 0 beyond the picture."""
        _, down, across = self.taps
        near = self._room(len(low), ys[1] - ys[0] + down - 1, xs[1] - xs[0] + across - 1)
        y0, x0 = ys[0] - down + 1, xs[0] - across + 1
        inside = low[:, max(0, y0) : max(0, ys[1]), max(0, x0) : max(0, xs[1])]
        top, left = max(0, -y0), max(0, -x0)
        near[:, top : top + inside.shape[1], left : left + inside.shape[2]] = inside
        return near

    # A GPU has these three in its own way.

    def _room(self, *shape: int) -> np.ndarray:
        return np.zeros(shape)

    def _zeros(self, rows: int, samples: int) -> np.ndarray:
        """Room for so many rows of samples, in whole pieces for `_product`."""
        whole = rows if rows <= ROWS else -(-rows // ROWS) * ROWS
        return self._room(whole, -(-samples // SAMPLES) * SAMPLES)

    def _product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """``a @ b.T`` of arrays from `_zeros`, in pieces."""

        def pieces(x: np.ndarray) -> np.ndarray:
            side = min(len(x), ROWS)
            return x.reshape(len(x) // side, side, -1, SAMPLES).transpose(2, 0, 1, 3)

        # By samples, by rows of a, by rows of b: a product each.
        sums = np.matmul(pieces(a)[:, :, None], pieces(b)[:, None].swapaxes(-1, -2)).sum(axis=0)
        return sums.swapaxes(1, 2).reshape(len(a), len(b))

    def solve(
        self, prior: np.ndarray, ridge: float = 0.0, bias: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """The weight and the bias of least squared error.

        Parameters
        ----------
        prior : ndarray, shape (C_in, C_out, kH, kW)
            Of all weights that fit equally well, the one closest to this is taken.
        ridge : float
            Pulls towards `prior`: its squared distance, times this part of the power of the
            inputs, is added to the squared error.
        bias : bool
            Without, the bias is 0; so it is where no picture tells it from the weights.

        Returns
        -------
        weight, bias : ndarray
            float64, shapes (C_in, C_out, kH, kW) and (C_out,).

        Raises
        ------
        ValueError
            If float64 could not hold the sums.
        """
        if not (np.isfinite(self._gram).all() and np.isfinite(self._cross).all()):
            raise ValueError(
                "low, high: got values whose squares float64 cannot hold; allowed: smaller ones"
            )
        phases = {phase: self._phase(phase, prior, ridge) for phase in np.ndindex(*self.stride)}
        offset = np.zeros(self.channels[1])
        if bias:
            # The weights of every phase are linear in the bias, which leaves one equation for it.
            count = sum(p.equations for p in phases.values())
            unexplained = sum(p.equations - p.ones @ p.slope for p in phases.values())
            if unexplained > SINGULAR * count:
                offset = sum(p.total - p.ones @ p.weight for p in phases.values()) / unexplained
        weight = np.empty((self.taps[0], self.channels[1], *self.kernel))
        for where, p in phases.items():
            part = _of_phase(weight, where, self.stride)
            found = p.weight - np.outer(p.slope, offset)
            part[...] = found.reshape(part.shape)
        return weight, offset

    def _phase(self, phase: Pair, prior: np.ndarray, ridge: float) -> _Phase:
        wanted = _of_phase(prior, phase, self.stride)
        present = np.zeros(self.taps, bool)
        present[:, : wanted.shape[1], : wanted.shape[2]] = True
        chosen = np.flatnonzero(present)
        gram, cross = self._gram[phase], self._cross[phase]
        a, ones = gram[np.ix_(chosen, chosen)], gram[chosen, -1]
        start = wanted.reshape(len(chosen), self.channels[1])
        inverse = _pseudo_inverse(a, ridge)
        return _Phase(
            weight=start + inverse @ (cross[chosen] - a @ start),
            slope=inverse @ ones,
            ones=ones,
            equations=gram[-1, -1],
            total=cross[-1],
        )


class _Phase(NamedTuple):
    """One phase: its weights are ``weight - outer(slope, bias)``, with as many rows as taps."""

    weight: np.ndarray
    slope: np.ndarray
    ones: np.ndarray  # sums of the taps' inputs
    equations: float
    total: np.ndarray  # sums of the outputs


def _of_phase(weight: np.ndarray, phase: Pair, stride: Pair) -> np.ndarray:
    """A view of the part of a weight that a phase sums over, as (C_in, taps, taps, C_out)."""
    part = weight[:, :, phase[0] :: stride[0], phase[1] :: stride[1]]
    return np.moveaxis(part, 1, -1)


def _pseudo_inverse(a: np.ndarray, ridge: float) -> np.ndarray:
    """Of a symmetric matrix and `ridge` times its mean power; singular directions stay out."""
    power, directions = np.linalg.eigh(a)
    kept = power > SINGULAR * power.max(initial=0)
    directions = directions[:, kept]
    pull = ridge * np.trace(a) / max(1, len(a))
    return (directions / (power[kept] + pull)) @ directions.T


def _segments(outputs: Pair, padding: int, stride: int) -> list[Segment]:
    """The q of these outputs of one axis, cut where phases begin and end to have outputs.

    Within the picture every q has all phases; the first and the last may lack some.
    """
    lo, hi = outputs[0] + padding, outputs[1] + padding
    ranges = [(-((f - lo) // stride), -((f - hi) // stride)) for f in range(stride)]
    cuts = sorted({q for pair in ranges for q in pair})
    found = [
        (a, b, [f for f, (q0, q1) in enumerate(ranges) if q0 <= a and b <= q1])
        for a, b in pairwise(cuts)
    ]
    return [segment for segment in found if segment[2]]


def _blocks(ys: Pair, xs: Pair, samples: int) -> Iterator[tuple[Pair, Pair]]:
    """Cut a rectangle into ones of about so many samples, as wide as can be."""
    width = min(xs[1] - xs[0], max(1, samples))
    height = max(1, samples // width)
    for y in range(*ys, height):
        for x in range(*xs, width):
            yield (y, min(y + height, ys[1])), (x, min(x + width, xs[1]))
