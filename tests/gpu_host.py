"""The GPU backend for NumPy arrays, which go to the device and come back.

So the tests of the public API, which know only NumPy, run over it, where there is a GPU.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from upsampler.backends import connect
from upsampler.backends.base import Backend

FILLED = {"out", "grad_x", "grad_weight", "grad_bias"}  # by every operation that has them


class Hosted:
    """Calls the operations of the GPU's backend on copies."""

    name = "cuda"

    def __getattr__(self, operation: str) -> Callable[..., None]:
        if not hasattr(Backend, operation):
            raise AttributeError(operation)
        return lambda *args, **kwargs: self._call(operation, args, kwargs)

    def _call(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        gpu = connect()
        bound = inspect.signature(getattr(Backend, operation)).bind(self, *args, **kwargs)
        given = {name: value for name, value in bound.arguments.items() if name != "self"}
        arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
        there = {name: gpu.xp.asarray(array) for name, array in arrays.items()}
        getattr(gpu, operation)(**(given | there))
        filled = FILLED | ({"indices"} if operation == "max_pool" else set())
        for name in filled & set(arrays):
            arrays[name][...] = there[name].get()


backend = Hosted()
