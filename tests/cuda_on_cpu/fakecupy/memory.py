"""Device memory: host memory between guards, that knows which of its items were written."""

from __future__ import annotations

import mmap

import numpy as np
from cudaemu.launching import LaunchError, Memory
from numpy.lib.stride_tricks import as_strided

GUARD = 4096
# Bytes from which memory is neither filled nor watched: it takes no more of the machine's than
# what is touched, and only the bounds of accesses are checked.
LARGE = 64 << 20
_MAP_NORESERVE = 0x4000  # Linux's; Python's mmap has it from 3.13 on
ALIGNMENT = 512  # that of cupy's memory pool
_GUARD_BYTE, _UNWRITTEN = 0xAA, 0xFF  # items of 0xff are NaN in every float type


class UninitialisedRead(RuntimeError):
    """Device memory was used that nothing has written."""


class Buffer:
    """One allocation on one device."""

    def __init__(self, nbytes: int, itemsize: int, device: int) -> None:
        self.watched = nbytes < LARGE
        size = nbytes + 2 * GUARD + ALIGNMENT
        self.raw = np.full(size, _GUARD_BYTE, np.uint8) if self.watched else _untouched(size)
        start = GUARD + -(self.raw.ctypes.data + GUARD) % ALIGNMENT
        self.address, self.nbytes, self.device = self.raw.ctypes.data + start, nbytes, device
        self.bytes = self.raw[start : start + nbytes]
        self.granularity = max(itemsize, 1)
        items = -(-nbytes // self.granularity) if self.watched else 0
        self.initialised = np.zeros(items, np.uint8)
        self._guards = (self.raw[:start], self.raw[start + nbytes :]) if self.watched else ()
        self.forget()

    def forget(self) -> None:
        """As new: nothing has been written."""
        if self.watched:
            self.bytes[:] = _UNWRITTEN
            self.initialised[:] = 0

    def check_guards(self) -> None:
        if any((guard != _GUARD_BYTE).any() for guard in self._guards):
            raise LaunchError("wrote outside an allocation")

    def holds(self, array: np.ndarray) -> bool:
        """Whether an array lies in this allocation."""
        return self.address <= array.ctypes.data <= self.address + self.nbytes and (
            array.size == 0 or array.ctypes.data < self.address + self.nbytes
        )

    def written(self, array: np.ndarray) -> np.ndarray:
        """The byte of each item of `array`, a view of this buffer, that says it was written."""
        step, flags = self.granularity, self.initialised
        if array.itemsize != step:  # viewed as another type: in bytes
            flags = np.repeat(self.initialised, step)[: self.nbytes]
            step = 1
        first = (array.ctypes.data - self.address) // step
        shape, strides = array.shape, tuple(stride // step for stride in array.strides)
        if array.itemsize != self.granularity:
            shape, strides = (*shape, array.itemsize), (*strides, 1)
        return as_strided(flags[first:], shape, strides)

    def mark(self, array: np.ndarray) -> None:
        """Everything in `array` has been written."""
        if array.size == 0 or not self.watched:
            return
        if array.itemsize == self.granularity:
            self.written(array)[...] = 1
            return
        low, high = np.lib.array_utils.byte_bounds(array)
        self.initialised[
            (low - self.address) // self.granularity : -(-(high - self.address) // self.granularity)
        ] = 1

    def check(self, array: np.ndarray, reader: str) -> None:
        """UninitialisedRead where an item of `array` was never written."""
        if array.size and self.watched and not self.written(array).all():
            missing = np.argwhere(self.written(array) == 0)
            raise UninitialisedRead(
                f"{reader}: {len(missing)} of {array.size} items were never written, the first at "
                f"{tuple(map(int, missing[0][: array.ndim]))}"
            )

    def extent(self, array: np.ndarray) -> Memory:
        """The part of the buffer that a kernel given `array` may use: from its first to its
        last item, not what else the buffer holds."""
        low, high = np.lib.array_utils.byte_bounds(array) if array.size else (self.address,) * 2
        if not self.watched:
            return Memory(low, high - low, self.granularity, self.initialised)
        step = self.granularity
        low -= (low - self.address) % step
        flags = self.initialised[(low - self.address) // step : -(-(high - self.address) // step)]
        return Memory(low, high - low, step, flags)


def _untouched(size: int) -> np.ndarray:
    """Zeros that take memory where they are touched, even where the machine has less in all."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
    pages = mmap.mmap(-1, size, flags=flags)
    return np.frombuffer(pages, np.uint8)
