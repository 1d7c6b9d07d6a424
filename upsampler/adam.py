"""The optimiser Adam."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from .places import array_module


class Adam:
    """Adam without weight decay, for arrays that it changes in place.

    Parameters
    ----------
    parameters : list of ndarray of float32 or float64
        What is learned.
    lr : float
        Step size.
    betas : (float, float)
        How slowly the means of gradients and of their squares forget.
    eps : float
        Added to the root of the latter.

    Notes
    -----
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, 2014;
    Algorithm 1 in PyTorch's order of operations.
    """

    def __init__(
        self,
        parameters: Sequence[np.ndarray],
        lr: float,
        betas: tuple[float, float],
        eps: float,
    ) -> None:
        self.parameters = list(parameters)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.first = [array_module(p).zeros_like(p) for p in self.parameters]
        self.second = [array_module(p).zeros_like(p) for p in self.parameters]

    def step(self, gradients: Sequence[np.ndarray], number: int) -> None:
        """Step `number`, counted from 1, downhill."""
        b1, b2 = self.betas
        size, root = self.lr / (1 - b1**number), sqrt(1 - b2**number)
        for p, g, m, v in zip(self.parameters, gradients, self.first, self.second, strict=True):
            m += (1 - b1) * (g - m)
            v *= b2
            v += (1 - b2) * g * g
            p -= size * (m / (array_module(v).sqrt(v) / root + self.eps))
