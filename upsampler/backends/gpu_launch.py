"""Launching kernels: modules compiled on first use, grids, and tables on the device."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..plan import CACHE_BYTES, BoundedCache
from . import BackendUnavailable
from .kernels import Kernel

Make = Callable[[], tuple[np.ndarray, ...]]

BLOCK = 128  # threads of a block
GRID_Y = 65535  # blocks along y that a device takes
# Items of a plane from which indices have 64 bits: what threads beyond the last one, and steps
# over a whole grid, add to a number has to fit.
LONG = 2**31 - 2**26
# Threads that keep a large device busy, and how many rows one walks down at most: more rows read
# the rows around a chunk less often.
BUSY = 1 << 18
ROWS = 32
WORKSPACE = 256 << 20  # bytes that intermediate results may take
STREAM_PER_THREAD = 2  # CUDA's number of it
INSTALL = "pip install 'upsampler[gpu-cuda12]' or 'upsampler[gpu-cuda13]'"


_numbers, _thread = itertools.count(), threading.local()


def _thread_number() -> int:
    """Of this thread; never that of another one, as those of Python may be that has ended."""
    if not hasattr(_thread, "number"):
        _thread.number = next(_numbers)
    number: int = _thread.number
    return number


def index_of(*counts: int) -> str:
    """The type of indices within planes of so many items."""
    return "int" if max(counts) < LONG else "i64"


def integers(index: str) -> type:
    return np.int32 if index == "int" else np.int64


def chunk_of(rows: int, others: int) -> int:
    """Rows that a thread walks down, where `others` threads stand side by side.

    Small arrays take as long as one thread does, which has the fewer rows the better.
    """
    return max(1, min(ROWS, rows, rows * others // BUSY))


def block_of(threads: int, planes: int) -> tuple[int, int]:
    """Threads of a block and planes that it holds: small ones share a block."""
    if 2 * threads > BLOCK:
        return BLOCK, 1
    return threads, min(BLOCK // threads, planes)


class Launcher:
    """Compiles and launches kernels on CuPy's current device and stream; `xp` is CuPy."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self._modules: dict[tuple[Any, ...], Any] = {}
        self._functions: dict[Kernel, Any] = {}
        self._tables = BoundedCache(CACHE_BYTES)

    def function(self, kernel: Kernel) -> Any:
        """The kernel, compiled; two threads that ask at once may both compile it."""
        found = self._functions.get(kernel)
        if found is None:
            try:
                found = self._module(kernel).get_function(kernel.name)
            except Exception as error:
                # CuPy's exceptions do not tell which of many kernels it was.
                raise BackendUnavailable(f"kernel {kernel}: {error}") from error
            self._functions[kernel] = found
        return found

    def _module(self, kernel: Kernel) -> Any:
        key = kernel.file, kernel.macros
        found = self._modules.get(key)
        if found is None:
            found = self.xp.RawModule(code=kernel.code, options=kernel.options)
            self._modules[key] = found
        return found

    def rows(self, kernel: Kernel, planes: int, threads: int, *arguments: Any) -> None:
        """So many threads for each plane; nothing at all where there are none."""
        if planes and threads:
            width, height = block_of(threads, planes)
            grid = (-(-threads // width), min(-(-planes // height), GRID_Y))
            self.function(kernel)(grid, (width, height), arguments)

    def product(self, a: Any, b: Any) -> Any:
        """The product of two matrices, or of stacks of them."""
        try:
            return self.xp.matmul(a, b)
        except ImportError as error:  # CuPy loads cuBLAS when it is first needed
            raise BackendUnavailable(
                f"products of matrices need cuBLAS, which cannot be loaded ({error}); {INSTALL}"
            ) from error

    def place(self) -> tuple[int, ...]:
        """The current device and stream: tables belong to both.

        A table that one stream uploads may not be there yet when another one reads it.  The default
        stream of a thread has the same number in all threads, but is one for each.
        """
        cuda = self.xp.cuda
        stream = cuda.get_current_stream().ptr
        own = (_thread_number(),) if stream == STREAM_PER_THREAD else ()
        return cuda.Device().id, stream, *own

    def kept(self, store: dict[str, Any], key: str, make: Make) -> Any:
        """What `make` gives on the host, uploaded once for each device and stream.

        `store` is that of a plan, with which tables live and die.
        """
        key = f"gpu {self.place()} {key}"
        found = store.get(key)
        if found is None:
            found = store[key] = self._uploaded(make)
        return found

    def remembered(self, key: tuple[Any, ...], make: Make) -> Any:
        """The same for what belongs to no plan: the least recently used is forgotten."""
        return self._tables.get(
            (self.place(), *key),
            lambda: self._uploaded(make),
            lambda tables: sum(t.nbytes for t in tables),
        )

    def _uploaded(self, make: Make) -> tuple[Any, ...]:
        return tuple(self.xp.asarray(table) for table in make())


def aligned(array: Any, nbytes: int) -> bool:
    return int(array.data.ptr) % nbytes == 0
