"""What a launch is for both engines: memory, arguments, records of machine.h."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


class LaunchError(RuntimeError):
    """A kernel did what a device would not forgive, or was launched with wrong arguments."""


@dataclass
class Memory:
    """A stretch of device memory: host memory with guards and a byte per item written."""

    address: int
    nbytes: int
    granularity: int
    initialised: np.ndarray
    name: str = ""


@dataclass(frozen=True)
class Pointer:
    """An argument that points into device memory: `memory` may be used, from `address` on."""

    address: int
    memory: Memory


@dataclass
class How:
    """Grid, block, and how the machine is to run them."""

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared: int = 0
    seed: int = 1
    check: bool = True
    count_sectors: bool = False
    max_blocks: int = 0


@dataclass
class Done:
    """What a launch has done."""

    kernel: str
    how: How
    instructions: int = 0
    blocks: int = 0
    sites: list[dict[str, Any]] = field(default_factory=list)


class Engine(Protocol):
    """Runs the kernels of one source."""

    def launch(self, name: str, arguments: Sequence[Any], how: How) -> Done: ...


class _Allocation(ctypes.Structure):
    _fields_ = (
        ("base", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("granularity", ctypes.c_uint32),
        ("unused", ctypes.c_uint32),
        ("cells", ctypes.c_void_p),
        ("initialised", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
    )


class _Launch(ctypes.Structure):
    _fields_ = (
        ("grid", ctypes.c_uint32 * 3),
        ("block", ctypes.c_uint32 * 3),
        ("dynamic_shared", ctypes.c_uint32),
        ("check", ctypes.c_uint32),
        ("count_sectors", ctypes.c_uint32),
        ("allocation_count", ctypes.c_uint32),
        ("seed", ctypes.c_uint64),
        ("allocations", ctypes.c_void_p),
        ("sites", ctypes.c_void_p),
        ("instructions", ctypes.c_uint64),
        ("max_blocks", ctypes.c_uint64),
        ("blocks_run", ctypes.c_uint64),
        ("error", ctypes.c_char * 1024),
    )


_CELL_WORDS = 5
_SITE_FIELDS = ("accesses", "bytes", "requests", "sectors", "ideal_sectors")


class Record:
    """The structures of machine.h for one launch, with all that they point at."""

    def __init__(self, memories: Sequence[Memory], how: How, sites: int) -> None:
        self._kept: list[np.ndarray] = []
        self.allocations = (_Allocation * max(len(memories), 1))()
        for i, memory in enumerate(memories):
            self.allocations[i] = self._allocation(memory, how.check)
        self.sites = np.zeros((max(sites, 1), len(_SITE_FIELDS)), np.uint64)
        self.launch = _Launch(
            how.grid,
            how.block,
            how.shared,
            how.check,
            how.count_sectors,
            len(memories),
            how.seed,
            ctypes.addressof(self.allocations),
            self.sites.ctypes.data,
            0,
            how.max_blocks,
        )

    def _allocation(self, memory: Memory, check: bool) -> _Allocation:
        cells = None
        if check and memory.initialised.size:  # memory too large to watch has none
            zeros = np.zeros((memory.initialised.size, _CELL_WORDS), np.uint32)
            self._kept.append(zeros)
            cells = zeros.ctypes.data
        return _Allocation(
            memory.address,
            memory.nbytes,
            memory.granularity,
            0,
            cells,
            memory.initialised.ctypes.data,
            memory.name.encode(),
        )

    def counts(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Counts of the accesses that were made, each with its line of PTX."""
        return [
            {"text": text, **dict(zip(_SITE_FIELDS, map(int, row), strict=True))}
            for text, row in zip(texts, self.sites, strict=False)
            if row[0]
        ]


def memories_of(arguments: Sequence[Any]) -> list[Memory]:
    """The memory that a kernel may use: what its arguments point to, each once."""
    found: dict[tuple[int, int], Memory] = {}
    for i, argument in enumerate(arguments):
        if isinstance(argument, Pointer):
            memory = argument.memory
            memory.name = memory.name or f"argument {i}"
            found.setdefault((memory.address, memory.nbytes), memory)
    return list(found.values())


# first letter of the parameter's type -> kinds of NumPy scalars that fit it
_KINDS = {"u": "iub", "s": "iub", "b": "iubf", "f": "f"}


def pack(arguments: Sequence[Any], parameters: Sequence[tuple[str, int, int]]) -> bytes:
    """Arguments as a kernel's parameters: (type, size, offset) each.

    Stricter than CuPy, which copies what it is given: width and kind have to be the parameter's.
    """
    if len(arguments) != len(parameters):
        raise LaunchError(f"{len(arguments)} arguments for {len(parameters)} parameters")
    end = max((offset + size for _, size, offset in parameters), default=0)
    packed = bytearray(max(end, 1))
    for i, (argument, (kind, size, offset)) in enumerate(zip(arguments, parameters, strict=True)):
        if isinstance(argument, Pointer):
            value, fits = np.uint64(argument.address), kind in ("u64", "b64", "s64", "pointer")
        elif argument is None:
            value, fits = np.uint64(0), kind in ("u64", "b64", "s64", "pointer")
        else:
            value = argument
            fits = value.dtype.itemsize == size and (
                kind == "struct" or value.dtype.kind in _KINDS.get(kind[0], "")
            )
        if not fits:
            raise LaunchError(
                f"argument {i}: got {getattr(value, 'dtype', type(value))}; "
                f"allowed: a .{kind} parameter of {size} bytes"
            )
        packed[offset : offset + size] = value.tobytes()
    return bytes(packed)
