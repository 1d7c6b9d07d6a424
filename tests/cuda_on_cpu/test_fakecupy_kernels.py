"""RawModule and RawKernel: CuPy's rules of arguments; the engine is replaced, so no NVRTC."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest
from cudaemu.launching import LaunchError
from cudaemu.nvrtc import NvrtcError
from cudaemu.ptx_engine import PtxEngine
from ptx_programs import HEAD, kernel

ADD = (
    ".visible .entry add(.param .u64 y, .param .u32 n, .param .f32 v)"
    + """{
    .reg .b64 %y<3>; .reg .f32 %v; .reg .b32 %n<2>; .reg .pred %q;
    ld.param.u64 %y0, [y]; ld.param.u32 %n0, [n]; ld.param.f32 %v, [v];
    mov.u32 %n1, %tid.x; setp.ge.u32 %q, %n1, %n0; @%q ret;
    mad.wide.u32 %y1, %n1, 4, %y0; st.global.f32 [%y1], %v; ret; }"""
)


@pytest.fixture
def add(monkeypatch) -> cp.RawKernel:
    """A kernel that fills n floats of an array; its "source" is PTX already."""
    monkeypatch.setattr(cp.kernels, "engine", lambda source, options: PtxEngine(HEAD + source))
    cp.launches.clear()
    return cp.RawModule(code=ADD).get_function("add")


def test_a_launch(add):
    y = cp.empty(5, "f4")
    cp.events.log.clear()
    add((1,), (8,), (y, np.int32(5), np.float32(2.5)))
    assert y.get().tolist() == [2.5] * 5
    assert cp.events.log[0] == ("launch", "add")
    assert cp.launches[-1].how.block == (8, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, np.float32(1)), "argument 1: got int64; allowed: a .u32 parameter of 4 bytes"),
        ((np.int32(5), 1.0), "argument 2: got float64; allowed: a .f32 parameter of 4 bytes"),
        ((np.int32(5),), "2 arguments for 3 parameters"),
    ],
)
def test_python_numbers_are_64_bits_wide_as_in_cupy(add, arguments, message):
    with pytest.raises(LaunchError, match=message):
        add((1,), (8,), (cp.empty(5, "f4"), *arguments))


def test_host_arrays_are_no_arguments(add):
    with pytest.raises(TypeError, match="Unsupported type"):
        add((1,), (1,), (np.zeros(5, "f4"), np.int32(5), np.float32(1)))


def test_a_grid_of_zero_launches_one_block_as_in_cupy(add):
    add((0,), (4,), (y := cp.empty(4, "f4"), np.int32(4), np.float32(1)))
    assert y.get().tolist() == [1] * 4
    assert cp.launches[-1].how.grid == (1, 1, 1)


def test_arrays_of_another_device(add):
    with cp.cuda.Device(1):
        y = cp.empty(4, "f4")
    with pytest.raises(LaunchError, match="an array of device 1 on device 0"):
        add((1,), (4,), (y, np.int32(4), np.float32(1)))


def test_what_a_kernel_forgot_is_seen_afterwards(add):
    y = cp.empty(5, "f4")
    add((1,), (8,), (y, np.int32(4), np.float32(1)))
    with pytest.raises(cp.UninitialisedRead, match="1 of 5"):
        y.get()


def test_a_function_that_is_not_there(monkeypatch):
    monkeypatch.setattr(cp.kernels, "engine", lambda source, options: PtxEngine(HEAD + source))
    with pytest.raises(LaunchError, match="no kernel 'other'; there are: k"):
        cp.RawKernel(kernel("", 0), "other")((1,), (1,), ())


def test_a_source_that_does_not_compile_is_cupys_exception(monkeypatch):
    def broken(source, options):
        raise NvrtcError("kernel.cu(1): error: expected a declaration")

    monkeypatch.setattr(cp.kernels, "engine", broken)
    with pytest.raises(cp.cuda.compiler.CompileException, match="expected a declaration"):
        cp.RawModule(code="?").get_function("k")


def test_other_ways_to_give_a_source_are_refused():
    with pytest.raises(NotImplementedError):
        cp.RawModule(path="kernel.ptx")
    with pytest.raises(TypeError, match="options"):
        cp.RawModule(code="", options="-DX")
