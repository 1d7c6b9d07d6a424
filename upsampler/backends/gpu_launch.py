"""Launching kernels: modules compiled on first use, grids, and tables on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..plan import CACHE_BYTES, BoundedCache
from . import BackendUnavailable
from .kernels import Kernel

Make = Callable[[], tuple[np.ndarray, ...]]

BLOCK = 128  # threads of a block
GRID_Y = 65535  # blocks along y that a device takes
LONG = 2**31 - 2**12  # items of a plane from which indices have 64 bits
# Threads that keep a large device busy, and how many rows one walks down at most: more rows read
# the rows around a chunk less often.
BUSY = 1 << 18
ROWS = 32
WORKSPACE = 256 << 20  # bytes that intermediate results may take


def index_of(*counts: int) -> str:
    """The type of indices within planes of so many items."""
    return "int" if max(counts) < LONG else "i64"


def integers(index: str) -> type:
    return np.int32 if index == "int" else np.int64


def chunk_of(rows: int, others: int) -> int:
    """Rows that a thread walks down, where `others` threads stand side by side."""
    return max(1, min(ROWS, rows, max(8, rows * others // BUSY)))


class Launcher:
    """Compiles and launches kernels on CuPy's current device and stream; `xp` is CuPy."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self._functions: dict[Kernel, Any] = {}
        self._tables = BoundedCache(CACHE_BYTES)

    def function(self, kernel: Kernel) -> Any:
        found = self._functions.get(kernel)
        if found is None:
            module = self.xp.RawModule(code=kernel.code, options=kernel.options)
            try:
                found = module.get_function(kernel.name)
            except Exception as error:
                # CuPy's exceptions do not tell which of many kernels it was.
                raise BackendUnavailable(f"kernel {kernel}: {error}") from error
            self._functions[kernel] = found
        return found

    def rows(self, kernel: Kernel, planes: int, threads: int, *arguments: Any) -> None:
        """So many threads for each plane; nothing at all where there are none."""
        if planes and threads:
            grid = (-(-threads // BLOCK), min(planes, GRID_Y))
            self.function(kernel)(grid, (BLOCK,), arguments)

    def place(self) -> tuple[int, int]:
        """The current device and stream: tables belong to both.

        A table that one stream uploads may not be there yet when another one reads it.
        """
        cuda = self.xp.cuda
        return cuda.Device().id, cuda.get_current_stream().ptr

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
