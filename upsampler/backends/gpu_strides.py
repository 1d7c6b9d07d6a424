"""How kernels of convolutions step through arrays: strides in items, any of them."""

from __future__ import annotations

from math import prod
from typing import Any

from .kernels import VECTOR


class Strided:
    """An array (N, C, D, H, W)."""

    def __init__(self, array: Any) -> None:
        self.array = array
        size = array.itemsize
        steps = zip(array.shape, array.strides, strict=True)
        # How far the next one would be says nothing where there is none.
        self.sample, self.channel, *axes = (0 if n == 1 else s // size for n, s in steps)
        self.axes: tuple[int, ...] = tuple(axes)

    @property
    def channels(self) -> int:
        return int(self.array.shape[1])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Places along D, H and W."""
        return tuple(self.array.shape[2:])

    @property
    def places(self) -> int:
        return prod(self.sizes)

    @property
    def is_last(self) -> bool:
        """Whether channels lie closer to each other than places do."""
        steps = [abs(s) for s in self.axes if s]
        return self.channels > 1 and (not steps or abs(self.channel) < min(steps))

    def holds_vectors(self, lanes: int) -> bool:
        """Whether so many channels can be read or written at once."""
        border = min(VECTOR, lanes * self.array.itemsize)
        return (
            self.channel == 1
            and self.channels % lanes == 0
            and all(step % lanes == 0 for step in (self.sample, *self.axes))
            and int(self.array.data.ptr) % border == 0
        )

    def samples(self, part: slice) -> Strided:
        return Strided(self.array[part])


class Columns:
    """A matrix with numbers for every tap, channel, and one of `count` places of samples.

    It is (count, taps, channels) if channels come last, else (channels, taps, count), where
    channels may be (groups, channels / groups).
    """

    def __init__(self, array: Any, last: bool, channels: int, places: int, taps: int = 1) -> None:
        self.array, self.last, self.channels, self.taps = array, last, channels, taps
        self.count = array.size // max(1, channels * taps)
        self.place = taps * channels if last else 1
        self.tap = channels if last else self.count
        self.channel = 1 if last else taps * self.count
        self.sample = places * self.place

    def holds_vectors(self, lanes: int) -> bool:
        """Whether so many channels can be read or written at once; memory of its own is aligned."""
        return self.last and self.channels % lanes == 0
