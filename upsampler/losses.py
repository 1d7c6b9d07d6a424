"""Losses: how much each error counts, and how that changes with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .places import array_module

# P. Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed
# imaging", ICIP 1994: l1 that is smooth near 0, below this error.
SMOOTH = 1e-3

Loss = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def l2(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return error * error, 2 * error


def l1(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    xp = array_module(error)
    return xp.abs(error), xp.sign(error)


def charbonnier(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = array_module(error).sqrt(error * error + SMOOTH * SMOOTH)
    return size, error / size


LOSSES: dict[str, Loss] = {"l2": l2, "l1": l1, "charbonnier": charbonnier}
