"""Batches of examples, drawn by chance that the seed and the number of the step decide alone.

No generator goes on from step to step, so that there is no state to keep: step 1000 draws what it
draws, whether the 999 before have run just now or last week.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import as_array
from .layout import Layout
from .places import array_module, backend_for
from .spec import NUMBERS, dtype_name

ORDER, PLACES = 0, 1  # what is drawn: each has chances of its own


class Batches:
    """Examples in random order, each once before any comes again.

    Parameters
    ----------
    pairs : sequence of pairs of array_like
        Input and target; with a batch axis of one length, or without it for single examples.
    size : int
        Pairs of a batch.
    patch : (int, int), optional
        Rows and columns of the inputs that are cut out; all by default.
    seed : int
        At least 0.
    layout : Layout
        Of the batches, with N.
    dtype : dtype
        Of the batches.
    """

    def __init__(
        self,
        pairs: Sequence[Any],
        size: int,
        patch: tuple[int, int] | None,
        seed: int,
        layout: Layout,
        dtype: np.dtype,
    ) -> None:
        self._pairs, self._size, self._patch, self._seed = pairs, size, patch, seed
        self._layout, self._dtype = layout, dtype
        self._batch_axis = layout.text.index("N")
        self._round, self._order = -1, np.empty(0, int)

    def draw(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of the step of that number, from 0."""
        chance = np.random.default_rng([self._seed, PLACES, step])
        begin = step * self._size
        chosen = [self._example(number, chance) for number in range(begin, begin + self._size)]
        inputs, targets = zip(*chosen, strict=True)
        return self._join("input", inputs), self._join("target", targets)

    def _example(self, number: int, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        turn, place = divmod(number, len(self._pairs))
        if turn != self._round:
            draw = np.random.default_rng([self._seed, ORDER, turn])
            self._round, self._order = turn, draw.permutation(len(self._pairs))
        index = int(self._order[place])
        pair = self.pair(index)
        return pair if self._patch is None else self._cut(index, *pair, self._patch, chance)

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The example of that number, checked."""
        pair = self._pairs[index]
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(
                f"pairs: got {type(pair).__name__} at {index}; allowed: pairs (input, target)"
            )
        arrays = [as_array("pairs", array) for array in pair]
        backend_for(**{f"input of pair {index}": arrays[0], f"target of pair {index}": arrays[1]})
        for array in arrays:
            if dtype_name(array.dtype) not in NUMBERS:
                raise TypeError(
                    f"pairs: got dtype {array.dtype} at {index}; allowed: {', '.join(NUMBERS)}"
                )
        low, high = (self._batched(array, index) for array in arrays)
        if low.shape[self._batch_axis] != high.shape[self._batch_axis]:
            raise ValueError(
                f"pairs: got shapes {low.shape} and {high.shape} at {index}; allowed: batches of "
                "one length"
            )
        return low, high

    def _batched(self, array: np.ndarray, index: int) -> np.ndarray:
        """`array` with a batch axis."""
        letters = self._layout.text
        if array.ndim == len(letters) - 1:
            array = array_module(array).expand_dims(array, self._batch_axis)
        if array.ndim != len(letters) or 0 in array.shape:
            raise ValueError(
                f"pairs: got shape {array.shape} at {index}; allowed: arrays {letters}, or "
                f"{letters.replace('N', '')}, not empty"
            )
        return array

    def _cut(
        self,
        index: int,
        low: np.ndarray,
        high: np.ndarray,
        patch: tuple[int, int],
        chance: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        first = self._layout.first
        small, large = (array.shape[self._layout.spatial] for array in (low, high))
        if any(m % n for n, m in zip(small, large, strict=True)):
            raise ValueError(
                f"pairs: got sizes {small} and {large} at {index}; allowed with patch: targets a "
                "whole number of times as large as inputs"
            )
        if any(n < p for n, p in zip(small, patch, strict=True)):
            raise ValueError(
                f"patch: got {patch} for an input of {small} at {index}; allowed: at most that"
            )
        around = (slice(None),) * first
        corner = [int(chance.integers(n - p + 1)) for n, p in zip(small, patch, strict=True)]
        parts = []
        for array, sizes in ((low, small), (high, large)):
            factors = [m // n for n, m in zip(small, sizes, strict=True)]
            cuts = zip(corner, patch, factors, strict=True)
            parts.append(array[(*around, *(slice(c * f, (c + p) * f) for c, p, f in cuts))])
        return parts[0], parts[1]

    def _join(self, what: str, arrays: Sequence[np.ndarray]) -> np.ndarray:
        axis = self._batch_axis
        shapes = {(*array.shape[:axis], *array.shape[axis + 1 :]) for array in arrays}
        if len(shapes) > 1:
            raise ValueError(
                f"pairs: got {what}s of shapes {', '.join(map(str, sorted(shapes)))} in one batch; "
                "allowed: one shape, or batch_size=1, or patch"
            )
        xp = array_module(arrays[0])
        return xp.concatenate(arrays, axis, dtype=self._dtype, casting="same_kind")
