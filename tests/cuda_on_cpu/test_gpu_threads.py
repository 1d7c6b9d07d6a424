"""Several threads of Python on one device: caches of kernels, plans and tables are safe."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import fakecupy as cp
import numpy as np
import pytest
from gpu_calls import F32, Call, calls, is_close

from upsampler import interpolate, plan
from upsampler.backends import gpu

THREADS = 6
NAMES = ("nearest-NCHW", "bilinear-NCHW", "bicubic-NHWC", "lanczos3-NCHW", "window-NCHW",
         "bicubic-backward-NCHW", "avg_pool2d", "max_pool2d", "pixel_shuffle-NHWC", "conv-4x4",
         "conv-many-backward", "conv-last-many", "resize-conv-bilinear-backward")  # fmt: skip
CALLS = [call for call in calls([F32]) if call.name in NAMES and not call.shift]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A backend that has compiled and uploaded nothing, and threads that change places often."""
    backend = gpu.Gpu(cp)
    monkeypatch.setattr(gpu, "of", lambda xp: backend)
    plan._PLANS.forget()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    with cp.installed():
        yield
    sys.setswitchinterval(before)


def at_once(run: Callable[[int], None]) -> None:
    """``run(number)`` in several threads that start together."""
    start = threading.Barrier(THREADS)

    def wait_and_run(number: int) -> None:
        start.wait()
        run(number)

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(wait_and_run, number) for number in range(THREADS)]:
            done.result()


def check(call: Call) -> None:
    found = call.function(*(cp.asarray(array) for array in call.arrays()))
    found = found if isinstance(found, tuple) else (found,)
    for a, b in zip(found, call.on_host(), strict=True):
        assert np.array_equal(a.get(), b) if call.exact else is_close(a.get(), b)


@pytest.mark.parametrize("streams", [False, True])
def test_all_operations_at_once(streams):
    """All in the same order, so that everything is compiled and uploaded by several at once."""

    def run(number: int) -> None:
        with cp.cuda.Stream() if streams else cp.cuda.Stream.null:
            for call in CALLS:
                check(call)

    assert len(CALLS) == len(NAMES)
    at_once(run)


def test_two_devices_at_once():
    x = np.random.default_rng(3).normal(size=(2, 3, 5, 7)).astype(np.float32)
    wanted = interpolate(x, (9, 11), mode="bicubic")

    def run(number: int) -> None:
        with cp.cuda.Device(number % 2):
            there = cp.asarray(x)
        for _ in range(5):
            found = interpolate(there, (9, 11), mode="bicubic")
            assert found.device.id == number % 2
            assert np.array_equal(found.get(), wanted)

    at_once(run)


def test_default_streams_of_threads_share_no_tables():
    """They have one number in all threads; what one uploads may not be there for another."""
    uploads = []

    def run() -> None:
        with cp.cuda.Stream.ptds:
            x = cp.zeros((1, 2, 5, 7), np.float32)
            for _ in range(2):
                cp.events.log.clear()
                interpolate(x, (7, 13), mode="bilinear")
                uploads.append(cp.events.kinds().count("to_device"))

    for _ in range(2):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert len(uploads) == 4
    assert uploads[0] == uploads[2] > 0
    assert uploads[1] == uploads[3] == 0
