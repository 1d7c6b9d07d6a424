# ruff: noqa: F401 (it is a list of what CuPy has)
"""Stands in for CuPy where there is no GPU.

Host memory takes the place of device memory, and kernels run through `cudaemu`; what a package
does with CuPy runs unchanged, and is checked: nothing is converted implicitly, memory that was
never written must not be read, and all transfers are recorded (`events`).  It has what the
package's backend uses of CuPy and fails loudly at the rest.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import numpy as np
from cudaemu.launching import LaunchError
from numpy import (
    bool_,
    complex64,
    complex128,
    dtype,
    e,
    finfo,
    float16,
    float32,
    float64,
    iinfo,
    inf,
    int8,
    int16,
    int32,
    int64,
    nan,
    newaxis,
    pi,
    result_type,
    uint8,
    uint16,
    uint32,
    uint64,
)

from . import cuda, events, functions, kernels, linalg
from .arrays import ndarray
from .functions import (
    arange,
    array,
    asarray,
    ascontiguousarray,
    asnumpy,
    copyto,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    get_array_module,
    linspace,
    may_share_memory,
    ones,
    ones_like,
    shares_memory,
    zeros,
    zeros_like,
)
from .kernels import RawKernel, RawModule, launches
from .memory import UninitialisedRead
from .settings import settings

__version__ = "14.2.0"

for _name in functions.READING.split():
    globals()[_name] = functions.lift(_name, getattr(np, _name))
for _name in functions.SHAPING.split():
    globals()[_name] = functions.lift(_name, getattr(np, _name), reads=False)

_MODULES = {
    "cupy": sys.modules[__name__],
    "cupy.cuda": cuda,
    "cupy.cuda.runtime": cuda.runtime,
    "cupy.cuda.compiler": cuda.compiler,
    "cupy.linalg": linalg,
}


class _Pool:
    """A memory pool that keeps nothing."""

    def free_all_blocks(self) -> None: ...
    def used_bytes(self) -> int:
        return 0

    def total_bytes(self) -> int:
        return 0


def get_default_memory_pool() -> _Pool:
    return _Pool()


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """`install` for the length of a block; what was there before comes back."""
    before = {name: sys.modules.get(name) for name in _MODULES}
    install()
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def install() -> None:
    """Put this module in the place of ``cupy``, for every later import."""
    sys.modules.update(_MODULES)
