"""The GPU backend for NumPy arrays, which go to the device and come back.

So the tests of the public API, which know only NumPy, run over it, where there is a GPU.  With
UPSAMPLER_EMULATE=1 everything but convolutions, whose sums are those of cuBLAS, has to have the
bits of the emulation as well (tests/cuda_on_cpu).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from upsampler.backends import connect, get
from upsampler.backends.base import Backend
from upsampler.layout import matching_order

FILLED = {"out", "grad_x", "grad_weight", "grad_bias"}  # by every operation that has them
EMULATE = os.environ.get("UPSAMPLER_EMULATE") == "1"


class Hosted:
    """Calls the operations of a backend of the GPU on copies."""

    name = "cuda"

    @property
    def gpu(self) -> Any:
        return connect()

    def __getattr__(self, operation: str) -> Callable[..., None]:
        if not hasattr(Backend, operation):
            raise AttributeError(operation)
        return lambda *args, **kwargs: self._call(operation, args, kwargs)

    def _call(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        bound = inspect.signature(getattr(Backend, operation)).bind(self, *args, **kwargs)
        given = {name: value for name, value in bound.arguments.items() if name != "self"}
        arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
        if not all(map(self.has, arrays.values())):
            getattr(get("cpu"), operation)(**given)  # items that CuPy does not have
            return
        filled = (FILLED | ({"indices"} if operation == "max_pool" else set())) & set(arrays)
        for name, values in self.results(operation, given, filled).items():
            arrays[name][...] = values

    def has(self, array: np.ndarray) -> bool:
        """Whether CuPy has arrays of such items."""
        return array.dtype.isnative and _has(self.gpu.xp, array.dtype)

    def results(
        self, operation: str, given: dict[str, Any], filled: set[str]
    ) -> dict[str, np.ndarray]:
        """What the operation writes to the arrays `filled`."""
        made = self.run(operation, given, filled)
        if EMULATE and "conv" not in operation:
            import hosted

            for name, values in hosted.Hosted().run(operation, given, filled).items():
                check_same(operation, name, made[name], values)
        return made

    def run(self, operation: str, given: dict[str, Any], filled: set[str]) -> dict[str, np.ndarray]:
        """The same by the kernels, once."""
        xp = self.gpu.xp
        arguments = dict(given)
        for name, value in given.items():
            if isinstance(value, np.ndarray):
                there = moved(xp, value)
                arguments[name] = xp.empty_like(there) if name in filled else there
        getattr(self.gpu, operation)(**arguments)
        return {name: arguments[name].get(order="K") for name in filled}


def moved(xp: Any, array: np.ndarray) -> Any:
    """`array` on the device, its axes in the same order in memory."""
    order = matching_order(array)
    return xp.asarray(np.ascontiguousarray(array.transpose(order))).transpose(np.argsort(order))


@cache
def _has(xp: Any, dtype: np.dtype) -> bool:
    try:
        xp.empty(0, dtype)
    except (ValueError, TypeError, KeyError):
        return False
    return True


def check_same(operation: str, name: str, a: np.ndarray, b: np.ndarray) -> None:
    """AssertionError where bits differ; any NaN is like any other."""
    if a.dtype.kind not in "iub":
        a, b = (np.where(np.isnan(v), np.array(np.nan, v.dtype), v) for v in (a, b))
    if a.tobytes() != b.tobytes():
        raise AssertionError(f"{operation}: {name} on the GPU is not what its emulation gives")


backend = Hosted()
