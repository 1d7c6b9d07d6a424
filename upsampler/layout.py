"""Any layout, seen as (outer, spatial..., inner) without copying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .lazy import lazy

SPATIAL = ("W", "HW", "DHW")
_DEFAULT = {1: "W", 2: "HW", 4: "NCHW", 5: "NCDHW"}


@dataclass(frozen=True)
class Layout:
    """Where the spatial axes of an array stand, for example in ``"NHWC"`` at 1 and 2."""

    text: str

    @lazy
    def first(self) -> int:
        """Index of the first spatial axis."""
        return min(self.text.index(c) for c in "DHW" if c in self.text)

    @lazy
    def rank(self) -> int:
        """Number of spatial axes."""
        return sum(c in "DHW" for c in self.text)

    @lazy
    def spatial(self) -> slice:
        return slice(self.first, self.first + self.rank)

    @lazy
    def axes(self) -> range:
        return range(self.first, self.first + self.rank)

    @lazy
    def dense(self) -> Canonical:
        """How to see arrays that are contiguous in the order of the letters."""
        last = len(self.text) - 1
        return _canonical(self, last if last not in self.axes else None)

    def with_spatial(self, shape: tuple[int, ...], spatial: tuple[int, ...]) -> tuple[int, ...]:
        """`shape` with its spatial sizes replaced."""
        return shape[: self.first] + tuple(spatial) + shape[self.first + self.rank :]


def check_type(text: object) -> str | None:
    """`layout` must be a string or None."""
    if text is None or isinstance(text, str):
        return text
    raise TypeError(
        f"layout: got {text!r} of type {type(text).__name__}; allowed: a string such as 'NCHW'"
    )


def parse(text: str | None, ndim: int, default: str | None = None) -> Layout:
    """The layout that `text` names for arrays of `ndim` axes; ``None`` takes the default."""
    if text is None:
        text = default or _DEFAULT.get(ndim)
        if text is None:
            raise ValueError(_no_default(ndim))
    spatial = "".join(c for c in text if c in "DHW")
    letters = set(text)
    if letters - set("NCDHW") or len(letters) != len(text) or spatial not in SPATIAL:
        raise ValueError(f"layout: got {text!r}; {_ALLOWED}")
    if spatial not in text:
        raise ValueError(f"layout: got {text!r} with its spatial letters apart; {_ALLOWED}")
    if len(text) != ndim:
        raise ValueError(
            f"layout: got {text!r} of {len(text)} letters for an array of {ndim} axes; "
            "allowed: one letter for each axis"
        )
    return Layout(text)


_ALLOWED = (
    "allowed: each of N, C, D, H, W at most once, with the spatial letters W, HW or DHW "
    "together and in this order"
)


def _no_default(ndim: int) -> str:
    if ndim == 3:
        return (
            "layout: not given, and an array of 3 axes could be 'CHW' (channels first), "
            "'HWC' (channels last) or 'NCW' (a batch of signals); pass one of them"
        )
    return f"layout: arrays of {ndim} axes have no layout; allowed: 1 to 5 axes"


def by_letters(x: np.ndarray, layout: Layout, letters: str) -> np.ndarray:
    """`x` as a view with an axis for each of `letters`, of length 1 where `layout` lacks it."""
    present, index = _letters(layout.text, letters)
    return x.transpose(present)[index]


@lru_cache(maxsize=64)
def _letters(text: str, letters: str) -> tuple[tuple[int, ...], tuple[slice | None, ...]]:
    axes = [text.find(letter) for letter in letters]
    present = tuple(a for a in axes if a >= 0)
    return present, tuple(None if a < 0 else slice(None) for a in axes)


@dataclass(frozen=True)
class Canonical:
    """How to see arrays of one layout as (outer0, outer1, D, H, W, inner).

    `order` lists the array's axes in that order, None for an axis that is not there.  It is
    the same for the input and the output of an operation.
    """

    order: tuple[int | None, ...]

    @lazy
    def _present(self) -> tuple[int, ...]:
        return tuple(a for a in self.order if a is not None)

    @lazy
    def _index(self) -> tuple[slice | None, ...]:
        return tuple(None if a is None else slice(None) for a in self.order)

    @lazy
    def keeps_order(self) -> bool:
        """Whether `view` only inserts axes: a reshape then does the same."""
        return list(self._present) == sorted(self._present)

    def view(self, x: np.ndarray) -> np.ndarray:
        """`x` as a six-dimensional view, any strides."""
        return x.transpose(self._present)[self._index]


def canonical(layout: Layout, *arrays: np.ndarray) -> Canonical:
    """The view in which the kernels run over `arrays`.

    The letters decide the spatial axes.  Which of N and C counts as inner is free, since
    results do not depend on it: an axis that lies densest in memory in every array is inner,
    whatever the layout calls it, so that NCHW views of channels-last memory run as such.
    """
    if all(x.flags.c_contiguous for x in arrays):
        return layout.dense

    def denser(a: int) -> bool:
        return all(
            x.shape[a] > 1
            and all(abs(x.strides[a]) < abs(x.strides[s]) for s in layout.axes if x.shape[s] > 1)
            for x in arrays
        )

    dense = [a for a in range(len(layout.text)) if a not in layout.axes and denser(a)]
    inner = max(dense, key=lambda a: (-abs(arrays[0].strides[a]), a)) if dense else None
    return _canonical(layout, inner)


def _canonical(layout: Layout, inner: int | None) -> Canonical:
    outer = [a for a in range(len(layout.text)) if a not in layout.axes and a != inner]
    absent = [None] * (2 - len(outer))
    return Canonical((*absent, *outer, *[None] * (3 - layout.rank), *layout.axes, inner))


def matching_order(x: np.ndarray) -> tuple[int, ...]:
    """Axes of `x` from the slowest to the fastest in memory, ties in index order."""
    return tuple(sorted(range(x.ndim), key=lambda a: (-abs(x.strides[a]), a)))


def empty_like_order(
    x: np.ndarray, shape: tuple[int, ...], dtype: np.dtype, empty: Callable[..., Any] = np.empty
) -> np.ndarray:
    """A new array, made by `empty`, whose axes lie in memory in the order of those of `x`.

    Axes of length 1 carry no information about order, so arrays that are C-contiguous give
    C-contiguous results; channels-last memory gives channels-last results, as in PyTorch.
    """
    if x.flags.c_contiguous:
        return empty(shape, dtype)
    order = matching_order(x)
    out = empty(tuple(shape[a] for a in order), dtype)
    return out.transpose(np.argsort(order))
