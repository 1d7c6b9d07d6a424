"""What every method has: a name, and one way to be applied to a picture, window by window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .functional import Scale, Size

Range = tuple[int, int]


class Method(ABC):
    """One way to enlarge a picture; frozen, so that it can be compared and be a key."""

    @property
    def copies(self) -> bool:
        """Whether pixels are moved untouched, so that neither opacity nor light matters."""
        return False

    @property
    def skips_pixels(self) -> bool:
        """Whether there are pixels that nothing is made of, when a picture is halved."""
        return False

    @property
    @abstractmethod
    def name(self) -> str:
        """What `upsampler.methods.parse` reads."""

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name.replace(":", "  ").replace("_", " ")

    def check(  # noqa: B027  # most methods take every scale
        self, shape: tuple[int, ...], scale: Sequence[Fraction]
    ) -> None:
        """Whether the method can enlarge a picture of that shape by that scale, down and across.

        Raises
        ------
        ValueError
            If not: a sentence that says why, and names the file if it is because of a file.
        """

    @abstractmethod
    def result_shape(
        self, shape: tuple[int, ...], dtype: np.dtype, size: Size, scale_factor: Scale
    ) -> tuple[int, ...]:
        """Check every argument and say what shape the result of the whole picture has.

        Parameters
        ----------
        shape : tuple of int
            (H, W) or (H, W, C).
        dtype : dtype
            Of the pixels.
        size, scale_factor
            As for `interpolate`: exactly one of them.

        Raises
        ------
        TypeError, ValueError
            If the method cannot take the dtype, the size or the scale, or its own parameters (a
            kernel file, for one) are of no use for them.
        """

    @abstractmethod
    def prepare(self, pixels: np.ndarray, size: Size, scale_factor: Scale = None) -> Prepared:
        """Make ready for one picture and one size: what must be worked out once is, here.

        Parameters
        ----------
        pixels : ndarray
            (H, W) or (H, W, C); it must not change while the result is in use.
        size, scale_factor
            As for `result_shape`, and with its errors.
        """


@dataclass(frozen=True, eq=False)
class Contributions:
    """What one output is made of: the sum of `weights` times the pixels of `rows` and `columns`.

    Attributes
    ----------
    rows, columns : (start, stop)
        Pixels of the picture; empty where the output is made of nothing, and always 0.
    weights : ndarray of float64
        (1, h, w), the same for all channels, or (C, h, w).
    """

    rows: Range
    columns: Range
    weights: np.ndarray

    @classmethod
    def gathered(
        cls, rows: np.ndarray, columns: np.ndarray, weights: np.ndarray, shape: tuple[int, ...]
    ) -> Contributions:
        """Those of indices along each axis, in any order, which may lie beyond the border.

        There the pixels of the border stand in; what comes to the same pixel is added up.

        Parameters
        ----------
        rows, columns : (h,), (w,) ndarray of int
            Pixels.
        weights : (1, h, w) or (C, h, w) ndarray
            Of each pair of a row and a column.
        shape : tuple of int
            Of the picture.
        """
        if not rows.size or not columns.size:
            return cls((0, 0), (0, 0), np.zeros((len(weights), 0, 0)))
        (top, down), (left, across) = (
            _collected(at, n) for at, n in zip((rows, columns), shape, strict=False)
        )
        sums = down @ weights.astype(np.float64) @ across.T
        height, width = sums.shape[1:]
        return cls((top, top + height), (left, left + width), sums)


def _collected(at: np.ndarray, n: int) -> tuple[int, np.ndarray]:
    """The first pixel of `at`, held within an axis of `n`, and which of them belong to each."""
    at = np.clip(at, 0, n - 1)
    first = int(at.min())
    pixels = np.arange(first, int(at.max()) + 1)
    return first, (pixels[:, None] == at).astype(np.float64)


class Prepared(ABC):
    """A method made ready for a picture: any window of the result, at the window's cost.

    Attributes
    ----------
    shape : tuple of int
        Of the whole result.
    score : float or None
        Of its kernel, by `checkerboard`: how much of a pattern a constant picture gets, 0 for
        none.  None for fixed rules, which leave none.
    sparse : bool
        Whether single pixels (`samples`) cost no more than what they are made from.
    weighs : bool
        Whether there are `means`.
    """

    shape: tuple[int, ...]
    score: float | None = None
    sparse: bool = False
    weighs: bool = False

    @abstractmethod
    def window(
        self,
        rows: Range,
        columns: Range,
        out: np.ndarray | None = None,
        num_threads: int | None = None,
    ) -> np.ndarray:
        """The pixels of these rows and columns of the result, in the dtype of the picture.

        May be called from several threads at once.
        """

    @abstractmethod
    def contributions(self, row: int, column: int) -> Contributions:
        """Which pixels the output at `row` and `column` is made of, and how much of each.

        Integers are rounded after the sum, so that it is the output to half a level.
        """

    def samples(
        self, rows: np.ndarray, columns: np.ndarray, num_threads: int | None = None
    ) -> np.ndarray:
        """The pixels of the result at single places, as `window` would have them.

        Parameters
        ----------
        rows, columns : ndarray of int64
            Increasing, at least one each.
        num_threads : int, optional
            By default `get_num_threads`.

        Returns
        -------
        ndarray, shape (rows, columns[, C])
        """
        top, left = int(rows[0]), int(columns[0])
        block = self.window(
            (top, int(rows[-1]) + 1), (left, int(columns[-1]) + 1), None, num_threads
        )
        return block[np.ix_(rows - top, columns - left)]

    def means(
        self, row_edges: np.ndarray, column_edges: np.ndarray, num_threads: int | None = None
    ) -> np.ndarray | None:
        """Means over boxes of the result, without its pixels; None where there is no such way.

        Parameters
        ----------
        row_edges, column_edges : ndarray of int64
            Increasing; box i is the pixels ``edges[i]`` up to ``edges[i + 1]``.
        num_threads : int, optional
            By default `get_num_threads`.

        Returns
        -------
        ndarray, shape (boxes down, boxes across[, C]), or None
            In the dtype of the picture.  Rounding, and cutting off what exceeds the dtype, come
            after the mean.
        """
        return None


def layout_of(shape: tuple[int, ...]) -> str:
    """The layout of a picture of that shape."""
    return "HW" if len(shape) == 2 else "HWC"
