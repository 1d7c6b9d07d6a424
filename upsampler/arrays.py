"""Arrays at the door: what counts as an array, where a result goes, what memory allows."""

from __future__ import annotations

import os
from functools import partial
from math import prod
from typing import Any

import numpy as np

from . import buffers
from .backends import BackendUnavailable
from .layout import empty_like_order
from .places import backend_for, on_gpu
from .spec import bad_type, check_thread_type

LARGE = 256 << 20  # bytes from which an allocation is checked against the machine's memory
ADDRESS_SPACE = 1 << 47  # bytes, the most that a process can have
ADDRESSES = 1 << 22  # elements up to which an irregular `out` is checked address by address


def as_array(name: str, value: Any) -> np.ndarray:
    """`value` as it is where it is an array of NumPy or CuPy, else as NumPy views it."""
    if type(value) is np.ndarray:
        return value
    if on_gpu(value):
        return value
    if hasattr(value, "__cuda_array_interface__"):
        raise BackendUnavailable(
            f"{name}: got an array on a GPU ({type(value).__name__}) that is none of CuPy; "
            "cupy.asarray makes it one without a copy"
        )
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name}: got a masked array, whose mask would be lost; allowed: plain arrays "
            "(use .filled(np.nan), NaN spreads to what depends on it and no further)"
        )
    try:
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(
            f"{name}: got {type(value).__name__}, which NumPy cannot view as an array ({error})"
        ) from error


def native(x: np.ndarray) -> np.ndarray:
    """`x`, or a copy of it where its byte order is foreign or its items are misaligned."""
    if on_gpu(x) or (x.dtype.isnative and x.flags.aligned):
        return x
    return np.array(x, dtype=x.dtype.newbyteorder("="), order="K", copy=True)


def allocate(shape: tuple[int, ...], dtype: np.dtype, like: np.ndarray) -> np.ndarray:
    """A new result array in the memory order of `like`; MemoryError names its size."""
    nbytes = prod(shape) * dtype.itemsize
    if on_gpu(like):
        return empty_like_order(like, shape, dtype, partial(empty, like=like))
    if nbytes > LARGE and not buffers.holds(nbytes):
        room = available_memory()
        if room is not None and nbytes > room and buffers.drop():
            room = available_memory()
        if room is not None and nbytes > room:
            raise MemoryError(_too_large(shape, dtype, nbytes, f"; {_size(room)} are available"))
    try:
        return empty_like_order(like, shape, dtype, buffers.empty)
    except (MemoryError, ValueError, OverflowError) as error:
        raise MemoryError(_too_large(shape, dtype, nbytes)) from error


def empty(shape: tuple[int, ...], dtype: np.dtype, like: np.ndarray) -> np.ndarray:
    """A new C-contiguous array where `like` is."""
    if on_gpu(like):
        return backend_for(like=like).empty(shape, dtype, like)
    return np.empty(shape, dtype)


def _too_large(shape: tuple[int, ...], dtype: np.dtype, nbytes: int, more: str = "") -> str:
    return f"the result of shape {shape} and dtype {dtype} needs {_size(nbytes)}{more}"


def check_workspace(nbytes: int) -> None:
    """Refuse what needs `nbytes` or more beside its result, where that cannot be had.

    Sizes are counted in Python's integers here; those of the loops would overflow.
    """
    if nbytes <= LARGE:
        return
    room = available_memory()
    if nbytes > (ADDRESS_SPACE if room is None else room):
        raise MemoryError(
            f"strides, dilations and kernels of such a reach need a workspace of {_size(nbytes)} "
            "or more"
        )


def _size(nbytes: int) -> str:
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if nbytes < 10_000 or unit == "TB":
            return f"{nbytes} {unit}"
        nbytes = (nbytes + 500) // 1000
    raise AssertionError


def available_memory() -> int | None:
    """Bytes that can be had without swapping, None where the system does not tell.

    Linux hands out address space beyond its memory and kills the process on the first touch,
    so a result that cannot fit has to be refused beforehand.
    """
    rooms = []
    try:
        with open("/proc/meminfo") as file:
            rooms += [int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvail")]
    except (OSError, ValueError, IndexError):
        pass
    try:
        with (
            open("/sys/fs/cgroup/memory.max") as limit,
            open("/sys/fs/cgroup/memory.current") as used,
        ):
            rooms.append(int(limit.read()) - int(used.read()) + _reclaimable())
    except (OSError, ValueError):
        pass
    if not rooms and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        rooms.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(rooms) if rooms else None


def _reclaimable() -> int:
    """Bytes of files that the control group has read and could give up."""
    with open("/sys/fs/cgroup/memory.stat") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("inactive_file"))


def check_types(out: Any, dtype: np.dtype, num_threads: object = None) -> None:
    """The types of `out` and `num_threads`, before any shape or value is looked at."""
    check_thread_type(num_threads)
    if out is None:
        return
    if not on_gpu(out) and (not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray)):
        raise bad_type("out", out, "None or a plain NumPy array")
    if out.dtype.newbyteorder("=") != dtype.newbyteorder("="):
        raise TypeError(f"out: got dtype {out.dtype}; allowed: {dtype}, the dtype of the result")


def check_out(out: np.ndarray, shape: tuple[int, ...], name: str = "out") -> None:
    """Whether `out` can take the result: shape, writeable, no overlap with itself."""
    if out.shape != shape:
        raise ValueError(
            f"{name}: got shape {out.shape}; allowed: {shape}, the shape of the result"
        )
    if not getattr(out.flags, "writeable", True):  # those of CuPy all are
        raise ValueError(f"{name}: got a read-only array; allowed: a writeable one")
    if overlaps_itself(out):
        raise ValueError(
            f"{name}: got strides {out.strides} for shape {out.shape}, by which elements share "
            "memory; allowed: arrays whose elements are all distinct"
        )


def overlaps_itself(x: np.ndarray) -> bool:
    """Whether two elements of `x` share memory; odd strides beyond a size count as sharing."""
    if x.size < 2 or x.flags.c_contiguous or x.flags.f_contiguous:
        return False
    reach = x.itemsize
    for stride, length in sorted(
        (abs(s), n) for s, n in zip(x.strides, x.shape, strict=True) if n > 1
    ):
        if stride < reach:
            break
        reach += stride * (length - 1)
    else:
        return False
    if x.size > ADDRESSES:
        return True
    address = np.zeros((), np.int64)
    for stride, length in zip(x.strides, x.shape, strict=True):
        address = address[..., None] + np.arange(length) * stride
    return bool((np.diff(np.sort(address.ravel())) < x.itemsize).any())


def may_overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether writing `a` could change `b`; undecided within a bounded effort counts as yes."""
    if on_gpu(a):
        return bool(backend_for(a=a).xp.may_share_memory(a, b))
    if not np.may_share_memory(a, b):
        return False
    try:
        return np.shares_memory(a, b, max_work=10_000)  # type: ignore[arg-type]
    except Exception:  # NumPy gave up (TooHardError)
        return True


class Result:
    """Where a backend writes: `out` itself, or a stand-in that is copied into it at the end.

    A stand-in is needed where `out` shares memory with an input, or where its items have a
    foreign byte order or are misaligned; `raw` items are only moved, and may be both.
    """

    def __init__(
        self,
        out: Any,
        shape: tuple[int, ...],
        dtype: np.dtype,
        like: np.ndarray,
        *inputs: np.ndarray,
        raw: bool = False,
    ) -> None:
        if out is not None:
            check_out(out, shape)
        direct = out is not None and not any(may_overlap(out, x) for x in inputs)
        plain = raw or on_gpu(out) or (out is not None and out.flags.aligned)
        fits = direct and plain and (out.dtype == dtype if raw else out.dtype.isnative)
        if fits:
            self.array = self.out = out
            self.fresh = False
        else:
            self.array = allocate(shape, dtype if raw else dtype.newbyteorder("="), like)
            self.fresh = on_gpu(like) or not buffers.is_recycled(self.array)
            self.out = out

    def finish(self, dtype: np.dtype) -> np.ndarray:
        if self.out is self.array:
            return self.out
        if self.out is not None:
            self.out[...] = self.array
            return self.out
        # The result keeps the dtype of the input, its byte order included.
        return self.array if self.array.dtype == dtype else self.array.astype(dtype)
