"""The difference of two results, as if a method made it."""

from __future__ import annotations

import numpy as np

from upsampler.method_base import Contributions, Prepared

from . import difference
from .difference import Difference
from .prepared import prepared
from .settings import DiffKind
from .state import Subject

Range = tuple[int, int]


class Compared(Prepared):
    """How far the result of a subject is from that of another.

    Raises
    ------
    ValueError
        If the two have no difference: a sentence that says why.
    """

    def __init__(self, look: Difference, of: Subject) -> None:
        reason = difference.why_not(of, look.versus)
        if reason is not None:
            raise ValueError(reason)
        self._look, self._of = look, of
        self._both = [prepared(subject.source, subject.pane) for subject in (of, look.versus)]
        self.shape = (*of.size, 1)
        self.sparse = look.diff.kind is not DiffKind.SSIM and all(r.sparse for r in self._both)

    def window(
        self,
        rows: Range,
        columns: Range,
        out: np.ndarray | None = None,
        num_threads: int | None = None,
    ) -> np.ndarray:
        def fetch(subject: Subject, rows: Range, cols: Range) -> np.ndarray:
            ready = self._both[subject != self._of]
            return ready.window(rows, cols, None, num_threads)

        made = difference.window(self._look, self._of, rows, columns, fetch)
        if out is None:
            return made
        out[...] = made
        return out

    def contributions(self, row: int, column: int) -> Contributions:
        """Of the first of the two."""
        return self._both[0].contributions(row, column)

    def samples(
        self, rows: np.ndarray, columns: np.ndarray, num_threads: int | None = None
    ) -> np.ndarray:
        if not self.sparse:  # what looks at surroundings needs them
            return super().samples(rows, columns, num_threads)
        a, b = (
            ready.samples(rows, columns, num_threads).astype(np.float64) / difference.span(source)
            for ready, source in zip(
                self._both, (self._of.source, self._look.versus.source), strict=True
            )
        )
        return difference.values(a, b, self._look.diff.kind)
