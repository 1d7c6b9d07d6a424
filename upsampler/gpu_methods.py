"""Methods computed by a GPU, on pictures of the host: what the viewer sets beside the CPU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .functional import Scale, Size
from .method_base import Contributions, Method, Prepared, Range
from .places import moved, named_place

FAMILY = "gpu"


@dataclass(frozen=True)
class OnGpu(Method):
    """A fixed rule on the first GPU.

    Parameters
    ----------
    rule : Interpolation
        What is computed.

    Notes
    -----
    The picture is copied to the GPU once, each window of the result back to the host.

    Examples
    --------
    >>> from upsampler.methods import parse
    >>> parse("gpu:bicubic").name
    'gpu:bicubic'
    """

    rule: Method

    @property
    def name(self) -> str:
        return f"{FAMILY}:{self.rule.name}"

    @property
    def label(self) -> str:
        return f"{self.rule.label}  GPU"

    @property
    def copies(self) -> bool:
        return self.rule.copies

    @property
    def skips_pixels(self) -> bool:
        return self.rule.skips_pixels

    def result_shape(
        self, shape: tuple[int, ...], dtype: np.dtype, size: Size, scale_factor: Scale
    ) -> tuple[int, ...]:
        return self.rule.result_shape(shape, dtype, size, scale_factor)

    def prepare(self, pixels: np.ndarray, size: Size, scale_factor: Scale = None) -> Prepared:
        """As `Method.prepare`.

        Raises
        ------
        BackendUnavailable
            If no GPU can be used; it says why.
        """
        there = moved(pixels, named_place("gpu"))
        return _OnGpu(
            self.rule.prepare(there, size, scale_factor),
            self.rule.prepare(pixels, size, scale_factor),
        )


class _OnGpu(Prepared):
    """`there` computes; what only looks at tables is asked of `here`."""

    def __init__(self, there: Prepared, here: Prepared) -> None:
        self._there, self._here = there, here
        self.shape = here.shape

    def window(
        self,
        rows: Range,
        columns: Range,
        out: np.ndarray | None = None,
        num_threads: int | None = None,
    ) -> np.ndarray:
        made: np.ndarray = moved(self._there.window(rows, columns), None)
        if out is None:
            return made
        out[...] = made
        return out

    def contributions(self, row: int, column: int) -> Contributions:
        return self._here.contributions(row, column)
