"""The GPU backend in the place of the CPU's: NumPy arrays go to the emulated device and back.

So the tests of the public API, which know only NumPy, run over the kernels.  Every operation runs
twice, with another order of threads and with grids too small for the problem, and has to give the
same bits.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import fakecupy as cp
import numpy as np

from upsampler.backends import _MODULES, get, gpu, gpu_conv, gpu_conv_kernels, gpu_launch
from upsampler.backends.base import Backend

NAME = "cuda-emulated"
FILLED = {"out", "grad_x", "grad_weight", "grad_bias"}  # by every operation that has them
SMALL_GRID, SMALL_BLOCK = 3, 32


class Hosted:
    """A backend for arrays of the host; `cp` arrays never leave it."""

    name = NAME

    def __init__(self) -> None:
        self.gpu = gpu.of(cp)

    def __getattr__(self, operation: str) -> Callable[..., None]:
        if not hasattr(Backend, operation):
            raise AttributeError(operation)
        return lambda *args, **kwargs: self._call(operation, args, kwargs)

    def _call(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        bound = inspect.signature(getattr(Backend, operation)).bind(self, *args, **kwargs)
        given = {name: value for name, value in bound.arguments.items() if name != "self"}
        arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
        if not all(map(on_device, arrays.values())):
            getattr(get("cpu"), operation)(**given)  # items that CuPy does not have
            return
        filled = {name for name in arrays if name in FILLED}
        if operation == "max_pool":
            filled.add("indices")
        filled &= set(arrays)
        once = self._results(operation, given, filled)
        with small_grids():
            again = self._results(operation, given, filled)
        for name, values in once.items():
            if values.tobytes() != again[name].tobytes():
                raise AssertionError(f"{operation}: {name} depends on the order of threads")
            arrays[name][...] = values

    def _results(
        self, operation: str, given: dict[str, Any], filled: set[str]
    ) -> dict[str, np.ndarray]:
        arguments = {
            name: blank_like(value)
            if name in filled
            else cp.asarray(value)
            if isinstance(value, np.ndarray)
            else value
            for name, value in given.items()
        }
        getattr(self.gpu, operation)(**arguments)
        return {name: arguments[name].get(order="K") for name in filled}


def on_device(array: np.ndarray) -> bool:
    """Whether CuPy has arrays of such items."""
    return array.dtype in cp.arrays.DTYPES and array.dtype.isnative


def blank_like(array: np.ndarray) -> Any:
    """An array of the device in the same memory order, that nothing has been written to."""
    return cp.empty_like(cp.asarray(array))


@contextlib.contextmanager
def small_grids() -> Iterator[None]:
    """So few blocks that the loops over planes repeat, and threads in another order."""
    with (
        mock.patch.multiple(gpu_launch, GRID_Y=SMALL_GRID, BLOCK=SMALL_BLOCK),
        cp.settings.changed(seed=2),
    ):
        yield


@contextlib.contextmanager
def little_room() -> Iterator[None]:
    """Convolutions in many pieces, and sums of which every thread takes several places.

    Rounding depends on it: arrays of this size are in one piece else.
    """
    with (
        mock.patch.multiple(gpu_conv_kernels, LEAST_PARTS=5, SUMMING=1),
        mock.patch.object(gpu_conv, "WORKSPACE", 1500),
    ):
        yield


@contextlib.contextmanager
def registered() -> Iterator[None]:
    """`upsampler.backends.use` knows the backend by its name."""
    with mock.patch.dict(_MODULES, {"cuda": __name__}):
        yield


def of_isa(which: str) -> Hosted:
    """For `upsampler.backends.get`: the part of the name behind the dash."""
    if which != NAME.partition("-")[2]:
        raise ImportError(f"no backend cuda-{which}")
    return Hosted()
