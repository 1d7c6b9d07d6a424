"""What a case of the benchmark is: the questions that every kind of case answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from .bars import Bar

Inputs = tuple[np.ndarray, ...]
Results = np.ndarray | tuple[np.ndarray, ...]  # gradients come as a tuple
SHORT = {"float32": "f32", "float16": "f16", "uint8": "u8", "uint16": "u16"}


@dataclass(frozen=True)
class Entry:
    """One way of a peer to do a case, all preparation done before."""

    name: str
    run: Callable[[], Any]
    view: Callable[[Any], Results]  # what `run` returns as arrays in the case's layout
    same_as: dict[str, Any] = field(default_factory=dict)  # our keywords for the same filter


Ways = Callable[[Any, Inputs, int], list[Entry]]  # of case, inputs and number of threads


class Case(ABC):
    """A computation to time; its kinds are frozen dataclasses, a case is a row of `cases`."""

    section: ClassVar[str]  # the table it is reported in
    ways: ClassVar[Mapping[str, Ways]]  # by peer

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    @abstractmethod
    def bar(self) -> Bar: ...

    @property
    @abstractmethod
    def out_shape(self) -> tuple[int, ...] | None:
        """The shape that out= wants; None where the function has no such argument."""

    @property
    def flops(self) -> int:
        """Floating point operations; 0 where the bytes moved are what bounds it."""
        return 0

    @property
    def compute_bound(self) -> bool:
        """Whether it is arithmetic that takes the time: other threads then help in full."""
        return bool(self.flops)

    @abstractmethod
    def inputs(self) -> Inputs:
        """The same arrays in every run."""

    @abstractmethod
    def ours(self, inputs: Inputs, threads: int, **more: Any) -> Callable[[], Results]: ...

    @abstractmethod
    def tolerance(self, ours: np.ndarray) -> float:
        """The largest difference to our result that still is the same result."""


def sizes(shape: tuple[int, ...]) -> str:
    """
    >>> sizes((1, 3, 5))
    '1x3x5'
    """
    return "x".join(map(str, shape))


def arranged(nchw: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """Lengths in the order N, C, H, W in that of a layout.

    >>> arranged((2, 3, 5, 7), "NHWC")
    (2, 5, 7, 3)
    """
    return tuple(nchw["NCHW".index(letter)] for letter in layout)
