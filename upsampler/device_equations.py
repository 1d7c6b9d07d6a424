"""The sums of least_squares.py on a GPU, which are solved on the host: there they are small."""

from __future__ import annotations

from typing import Any

import numpy as np

from .least_squares import NormalEquations, Pair


class DeviceEquations(NormalEquations):
    """Takes in pairs of CuPy arrays; `xp` is CuPy, the rest as for `NormalEquations`."""

    block = 1 << 24  # 128 MB of float64: products large enough for a GPU

    def __init__(self, xp: Any, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._xp = xp
        self._gram, self._cross = xp.asarray(self._gram), xp.asarray(self._cross)

    def _room(self, *shape: int) -> Any:
        return self._xp.zeros(shape)

    def _zeros(self, rows: int, samples: int) -> Any:
        return self._room(rows, samples)

    def _product(self, a: Any, b: Any) -> Any:
        return self._xp.matmul(a, b.T)

    def _gather(self, low: Any, ys: Pair, xs: Pair) -> Any:
        near = self._near(low, ys, xs)
        rows, columns = ys[1] - ys[0], xs[1] - xs[0]
        _, down, across = self.taps
        taps = self._zeros(self._gram.shape[-1], rows * columns)
        taps[-1] = 1
        places = taps[:-1].reshape(*self.taps, rows, columns)
        for i, j in np.ndindex(down, across):
            y, x = down - 1 - i, across - 1 - j
            places[:, i, j] = near[:, y : y + rows, x : x + columns]
        return taps

    def solve(self, *arguments: Any, **keywords: Any) -> tuple[np.ndarray, np.ndarray]:
        """As on the host, for which this waits."""
        here = self._gram, self._cross
        self._gram, self._cross = (sums.get() for sums in here)
        try:
            return super().solve(*arguments, **keywords)
        finally:
            self._gram, self._cross = here
