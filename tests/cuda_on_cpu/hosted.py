"""The GPU backend in the place of the CPU's: NumPy arrays go to the emulated device and back.

So the tests of the public API, which know only NumPy, run over the kernels.  Every operation runs
twice, with another order of threads and with grids too small for the problem, and has to give the
same bits.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import fakecupy as cp
import numpy as np

from tests import gpu_host
from upsampler.backends import _MODULES, gpu

NAME = "cuda-emulated"
BACKENDS = "upsampler.backends"
# Of arrays as small as those of tests, threads take several rows and planes only so.
SMALL = {"GRID_Y": 1, "BLOCK": 32, "BUSY": 1, "ROWS": 4}
_LOCK = threading.RLock()  # small grids are those of all threads


class Hosted(gpu_host.Hosted):
    """A backend for arrays of the host; `cp` arrays never leave it."""

    name = NAME

    def __init__(self) -> None:
        self._gpu = gpu.of(cp)

    @property
    def gpu(self) -> Any:
        return self._gpu

    def results(
        self, operation: str, given: dict[str, Any], filled: set[str]
    ) -> dict[str, np.ndarray]:
        with _LOCK:
            once = self.run(operation, given, filled)
            with small_grids():
                again = self.run(operation, given, filled)
        for name, values in once.items():
            if values.tobytes() != again[name].tobytes():
                raise AssertionError(f"{operation}: {name} depends on the order of threads")
        return once


@contextlib.contextmanager
def small_grids() -> Iterator[None]:
    """So few blocks that all loops of threads repeat, and threads in another order."""
    with mock.patch.multiple(f"{BACKENDS}.gpu_launch", **SMALL), cp.settings.changed(seed=2):
        yield


@contextlib.contextmanager
def little_room() -> Iterator[None]:
    """Intermediate results in many pieces, and sums of which every thread takes several places.

    Rounding of convolutions depends on it: arrays of this size are in one piece else.
    """
    with (
        mock.patch.multiple(f"{BACKENDS}.gpu_conv_kernels", LEAST_PARTS=5, SUMMING=1),
        mock.patch(f"{BACKENDS}.gpu_conv.WORKSPACE", 1500),
        mock.patch(f"{BACKENDS}.gpu_resample.WORKSPACE", 1500),
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
