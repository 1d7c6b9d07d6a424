"""The source of a kernel through g++, here and under the sanitizers in a process of its own."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest
from cudaemu.launching import LaunchError
from cudaemu.source_engine import SourceEngine

SOURCE = """
extern "C" __global__ void __launch_bounds__(64)
scaled(const float *__restrict__ x, float *__restrict__ y, int n, float factor)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n BUG) y[i] = factor * x[i];
}

extern "C" __global__ void copied(const uint4 *x, uint4 *y) { __stcs(y, __ldg(x)); }

struct Three { long long a, b; int c; };
extern "C" __global__ void added(int *y, Three t) { y[0] = (int)(t.a + t.b) + t.c; }

extern "C" __global__ void overflowed(int *y, int n) { y[0] = max(n, 1u > 0 ? 5 : 0) + n; }
"""


@pytest.fixture(params=[False, True], ids=["here", "sanitized"])
def module(request, monkeypatch):
    """A module for the given macros."""
    how = {"engine": "source", "sanitize": request.param}
    with cp.settings.changed(**how):
        yield lambda *macros: cp.RawModule(code=SOURCE, options=("-DBUG=", *macros))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_kernel_runs(module, seed):
    x, y = cp.asarray(np.arange(100, dtype="f4")), cp.empty(100, "f4")
    with cp.settings.changed(seed=seed):
        module().get_function("scaled")((2,), (64,), (x, y, np.int32(100), np.float32(0.5)))
    assert (y.get() == np.arange(100) / 2).all()


def test_vectors(module):
    x, y = cp.asarray(np.arange(4, dtype="u4")), cp.empty(4, "u4")
    module().get_function("copied")((1,), (1,), (x, y))
    assert y.get().tolist() == [0, 1, 2, 3]


def test_subnormal_numbers_are_flushed_as_on_the_device(module):
    x = cp.asarray(np.array([1e-40, -1e-40, 1.5], "f4"))
    y = cp.empty(3, "f4")
    module().get_function("scaled")((1,), (3,), (x, y, np.int32(3), np.float32(1)))
    assert y.get().tobytes() == np.array([0.0, -0.0, 1.5], "f4").tobytes()
    assert np.float32(1e-40) * np.float32(1) != 0  # and only there


def test_structs_are_arguments(module):
    three = np.array((1, 2, 3), np.dtype("i8,i8,i4", align=True))[()]
    y = cp.empty(1, "i4")
    module().get_function("added")((1,), (1,), (y, three))
    assert y.get()[0] == 6


def test_a_null_pointer_is_an_argument(module):
    with cp.settings.changed(sanitize=False):
        module().get_function("copied")
        engine = SourceEngine.of_source(SOURCE, ["-DBUG="])
        engine._check("copied", [None, None])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.int64(3), np.float32(1)), "argument 2: got int64"),
        ((np.int32(3), np.float64(1)), "argument 3: got float64"),
        ((np.int32(3),), "3 arguments for 4 parameters"),
    ],
)
def test_arguments_are_checked_as_in_ptx(module, arguments, message):
    x = cp.zeros(3, "f4")
    with pytest.raises(LaunchError, match=message):
        module().get_function("scaled")((1,), (3,), (x, x, *arguments))


def test_writing_beyond_an_argument_is_seen_by_the_guards():
    arguments = (cp.zeros(9, "f4"), cp.zeros(4, "f4"), np.int32(4), np.float32(1))
    with cp.settings.changed(engine="source"):
        kernel = cp.RawModule(code=SOURCE, options=("-DBUG=+1",)).get_function("scaled")
        with pytest.raises(LaunchError, match="wrote outside"):
            kernel((1,), (5,), arguments)


@pytest.mark.parametrize("view", [slice(None), slice(1, -1), slice(3, None)])
def test_the_sanitizer_sees_the_first_item_beyond_an_argument(view):
    x, y = cp.zeros(8, "f4")[view], cp.zeros(8, "f4")[view]
    size = np.int32(y.size)
    with cp.settings.changed(engine="source", sanitize=True):
        for bug, ends in (("-DBUG=", "well"), ("-DBUG=+1", "badly")):
            kernel = cp.RawModule(code=SOURCE, options=(bug,)).get_function("scaled")
            arguments = (x, y, size, np.float32(1))
            if ends == "well":
                kernel((1,), (9,), arguments)
                continue
            with pytest.raises(LaunchError, match=r"AddressSanitizer: (use-after-poison|heap)"):
                kernel((1,), (9,), arguments)


def test_the_sanitizer_sees_undefined_behaviour():
    with cp.settings.changed(engine="source", sanitize=True):
        module = cp.RawModule(code=SOURCE, options=("-DBUG=",))
        with pytest.raises(LaunchError, match="signed integer overflow"):
            module.get_function("overflowed")((1,), (1,), (cp.zeros(1, "i4"), np.int32(2**31 - 1)))
        x = cp.zeros(8, "u4")[1:5]
        with pytest.raises(LaunchError, match="misaligned address"):
            module.get_function("copied")((1,), (1,), (x, x))


def test_what_the_source_engine_does_not_have():
    engine = SourceEngine.of_source(SOURCE, ["-DBUG="])
    with pytest.raises(LaunchError, match="no kernel 'other'; there are: scaled, copied"):
        engine.launch("other", (), cp.kernels.How((1, 1, 1), (1, 1, 1)))
    with pytest.raises(LaunchError, match="no shared memory"):
        engine.launch("copied", (), cp.kernels.How((1, 1, 1), (1, 1, 1), shared=4))
    waiting = 'extern "C" __global__ void k() { __syncthreads(); }'
    with pytest.raises(RuntimeError, match="__syncthreads"):
        SourceEngine.of_source(waiting, [])
