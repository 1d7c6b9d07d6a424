"""Kernels of the package, executed: against the CPU, and one way of executing against another."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest
from gpu_calls import BFLOAT16, F16, F32, F64, FLOATS, INTEGERS, Call, calls, is_close

U8, I64 = np.dtype("u1"), np.dtype("i8")


def assert_same(found: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    """The same bits; any NaN is like any other."""
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if a.dtype.kind not in "iub":
            a, b = (np.where(np.isnan(v), np.array(np.nan, v.dtype), v) for v in (a, b))
        differ = np.argwhere(a.view(f"u{a.itemsize}") != b.view(f"u{b.itemsize}"))
        assert not len(differ), f"{len(differ)} of {a.size} differ, the first at {differ[0]}"


@pytest.mark.parametrize("call", calls([*FLOATS, *INTEGERS]), ids=str)
def test_the_cpu_backend_gives_the_same(call: Call):
    found, wanted = call.on_device(cp), call.on_host()
    if call.exact:
        assert_same(found, wanted)
        return
    for a, b in zip(found, wanted, strict=True):
        assert is_close(a, b)


@pytest.mark.parametrize("call", calls([F32, F64, F16, BFLOAT16, U8, I64]), ids=str)
def test_the_source_gives_the_bits_of_its_ptx(call: Call):
    wanted = call.on_device(cp)
    with cp.settings.changed(engine="source"):
        assert_same(call.on_device(cp), wanted)


@pytest.mark.parametrize("call", calls([F32, U8]), ids=str)
def test_the_source_is_clean_under_sanitizers(call: Call):
    with cp.settings.changed(engine="source", sanitize=True):
        found = call.on_device(cp)
    assert_same(found, call.on_device(cp))


@pytest.mark.parametrize("call", calls([F32, F16]), ids=str)
def test_older_architectures_have_the_same_bits(call: Call):
    wanted = call.on_device(cp)
    with cp.settings.changed(arch="compute_75"):
        assert_same(call.on_device(cp), wanted)


# They unpool, and indices that somebody gives are looked at: the one thing that waits.
UNPOOL = ("max_pool2d", "pool-backward")


@pytest.mark.parametrize("call", calls([F32]), ids=str)
def test_nothing_waits_and_nothing_is_copied_behind_the_back(call: Call):
    call.on_device(cp)  # uploads the tables
    given = [cp.asarray(array) for array in call.arrays()]
    cp.events.log.clear()
    with cp.installed():
        call.function(*given)
    assert set(cp.events.kinds()) <= {"launch"} | (
        {"to_host"} if call.name.startswith(UNPOOL) else set()
    )
