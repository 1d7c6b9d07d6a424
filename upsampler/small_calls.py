"""Calls with arrays that are not large, made before: nothing is worked out a second time.

All that depends on shapes, types and arguments only is remembered: checks, spec, plan, what the
loops made of its tables, the shapes in which they see the arrays.  A call with arguments seen
before then allocates its result, or looks at the array for it, and runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np

from . import buffers
from .backends import for_numpy, forced
from .plan import Plan, plan_for
from .spec import resample_spec
from .threads import get_num_threads

# Bytes of arrays up to which the 15 us that are saved can be seen, and samples of an axis up to
# which its table, which is remembered, is small.
SMALL = 1 << 22
SHORT = 1 << 12
REMEMBERED = 256


class SmallCall:
    """An interpolation of arrays of one shape and type, C-contiguous as their results are."""

    def __init__(self, plan: Plan, run: Callable[..., None]) -> None:
        spec = plan.spec
        see = spec.layout.dense.view
        self.run = run
        self.shape: tuple[int, ...] = spec.out_shape
        self.dtype = np.dtype(spec.dtype)
        self.from_shape = see(np.empty(spec.shape, self.dtype)).shape
        self.to_shape = see(np.empty(self.shape, self.dtype)).shape

    def fits(self, out: np.ndarray, x: np.ndarray) -> bool:
        """Whether `out` can be written as a new result would; if not, the usual way sees to it."""
        flags = out.flags
        return (
            out.shape == self.shape
            and out.dtype == self.dtype
            and flags.c_contiguous
            and flags.aligned
            and flags.writeable
            and not np.may_share_memory(out, x)
        )

    def __call__(self, x: np.ndarray, out: np.ndarray | None, threads: int) -> np.ndarray:
        if out is None:
            out = buffers.empty(self.shape, self.dtype)
        self.run(x.reshape(self.from_shape), out.reshape(self.to_shape), threads, False)
        return out


def small_call(
    x: np.ndarray, args: tuple[Any, ...], out: Any, num_threads: Any
) -> Callable[[], np.ndarray] | None:
    """What computes `x` with `args`, those of `resample_spec` from `size` on; None if none does.

    Arguments that are wrong have none: the usual way says what is wrong with them.
    """
    flags = x.flags
    if x.nbytes > SMALL or not (flags.c_contiguous and flags.aligned):
        return None
    if num_threads is None:
        threads = get_num_threads()
    elif type(num_threads) is int and 0 < num_threads < 256:
        threads = num_threads
    else:
        return None
    # The cache tells 2 from 2.0 and True by their types, but does not look into tuples.
    size, scale, window = args[0], args[1], args[7]
    if type(size) is tuple and {*map(type, size)} != {int}:
        return None
    if type(scale) is tuple or window is not None:
        return None
    try:
        call = _small_call(forced(), x.shape, x.dtype, *args)
    except (TypeError, ValueError, MemoryError):
        return None  # or there are lists among them, which cannot be looked up
    if call is None or not (out is None or (type(out) is np.ndarray and call.fits(out, x))):
        return None
    return partial(call, x, out, threads)


@lru_cache(maxsize=REMEMBERED, typed=True)
def _small_call(backend: str | None, *args: Any) -> SmallCall | None:
    spec = resample_spec(*args)
    dtype = np.dtype(spec.dtype)
    prepare = getattr(for_numpy(), "prepare", None)
    nbytes = prod(spec.out_shape) * dtype.itemsize
    if prepare is None or not 0 < nbytes <= SMALL or dtype != args[1]:
        return None
    if max(max(r.n, r.m) for r in spec.rules) > SHORT or not spec.layout.dense.keeps_order:
        return None
    plan = plan_for(spec)
    run = prepare(plan, spec.layout.dense.view(np.empty(spec.shape, dtype)).shape[5])
    return None if run is None else SmallCall(plan, run)
