"""Small calls that were made before: the same results and errors as any others."""

import numpy as np
import pytest

import upsampler
from upsampler import interpolate, small_calls
from upsampler.backends import use

X = np.random.default_rng(5).normal(size=(2, 3, 5, 7)).astype(np.float32)


def seen(x, *args, **kwargs):
    """The result of a call after the first one, and that of the way that strided arrays take."""
    first = interpolate(x, *args, **kwargs)
    strided = np.full((*first.shape, 2), 77, first.dtype)[..., 0]
    interpolate(x, *args, out=strided, **kwargs)
    again = interpolate(x, *args, **kwargs)
    assert again is not first
    assert again.tobytes() == first.tobytes()
    given = np.full_like(first, 77)
    assert interpolate(x, *args, out=given, **kwargs) is given
    assert given.tobytes() == first.tobytes()
    return again, strided


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "uint8", "int32"])
def test_results_are_those_of_other_calls(backend, mode, dtype):
    x = (X * 50 + 100).astype(dtype)
    for arguments in ({"size": (11, 13)}, {"scale_factor": 2}, {"scale_factor": (1.5, 3)}):
        for layout in ("NCHW", "NHWC", "HWNC"):
            got, want = seen(x, mode=mode, layout=layout, **arguments)
            assert got.shape == want.shape
            assert got.tobytes() == want.tobytes()


def test_calls_are_remembered(cpu):
    out = np.zeros((2, 3, 9, 10), np.float32)
    before = small_calls._small_call.cache_info()
    for _ in range(3):
        interpolate(X, size=(9, 10), mode="bilinear", num_threads=1)
        interpolate(X, size=(9, 10), mode="bilinear", num_threads=1, out=out)
    after = small_calls._small_call.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 5)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"size": (10, 14)}, {"size": (10.0, 14.0)}),
        ({"size": (1, 1)}, {"size": (True, True)}),
        ({"scale_factor": 1}, {"scale_factor": True}),
        ({"size": 10}, {"size": 10.0}),
        ({"scale_factor": 2, "antialias": False}, {"scale_factor": 2, "antialias": 0}),
        ({"scale_factor": 2, "num_threads": 1}, {"scale_factor": 2, "num_threads": True}),
        ({"scale_factor": 2, "num_threads": 1}, {"scale_factor": 2, "num_threads": 1.0}),
    ],
)
def test_equal_numbers_of_other_types_are_still_refused(good, bad):
    for _ in range(2):
        interpolate(X, **good)
        with pytest.raises(TypeError, match="got"):
            interpolate(X, **bad)


def test_arrays_of_other_memory_go_the_other_way():
    want = interpolate(X, scale_factor=2, mode="bilinear")
    before = small_calls._small_call.cache_info()
    odd = np.zeros((2, 3, 5, 8), np.float32)[..., 1:]
    odd[...] = X
    moved = np.frombuffer(b"0" + X.tobytes(), np.uint8)[1:].view(np.float32).reshape(X.shape)
    for x in (odd, X.astype(">f4"), np.asfortranarray(X), moved):
        assert (interpolate(x, scale_factor=2, mode="bilinear") == want).all()
    assert small_calls._small_call.cache_info().hits == before.hits


def test_results_that_do_not_fit_go_the_other_way():
    want = interpolate(X, scale_factor=2, mode="bilinear")
    buffer = np.zeros(X.size + want.size, np.float32)
    x, over_x = buffer[: X.size].reshape(X.shape), buffer[: want.size].reshape(want.shape)
    x[...] = X
    for source, out in [
        (X, want.astype(">f4")),
        (X, np.asfortranarray(want)),
        (X, np.zeros((2, 3, 10, 15), np.float32)[..., 1:]),
        (x, over_x),
    ]:
        out[...] = 77 if out is not over_x else out
        assert interpolate(source, scale_factor=2, mode="bilinear", out=out) is out
        assert (out == want).all()
    fixed = want.copy()
    fixed.flags.writeable = False
    for out, error in [
        (fixed, ValueError),
        (want[:1], ValueError),
        (want.astype(np.float64), TypeError),
        (np.ma.array(want), TypeError),
        (want.tolist(), TypeError),
    ]:
        with pytest.raises(error, match="out: got"):
            interpolate(X, scale_factor=2, mode="bilinear", out=out)


def test_every_backend_has_calls_of_its_own():
    with use("reference"):
        a = interpolate(X, scale_factor=3, mode="bicubic")
    b = interpolate(X, scale_factor=3, mode="bicubic")
    with use("reference"):
        assert interpolate(X, scale_factor=3, mode="bicubic").tobytes() == a.tobytes()
    assert interpolate(X, scale_factor=3, mode="bicubic").tobytes() == b.tobytes()


def test_results_are_separate_and_writeable():
    a, b = (interpolate(X, scale_factor=2) for _ in range(2))
    assert a.flags.writeable
    assert a.flags.owndata
    assert not np.shares_memory(a, b)
    assert not np.shares_memory(interpolate(X, scale_factor=1), X)


def test_large_arrays_are_not_remembered():
    big = np.zeros((1, 1, 1100, 1000), np.float32)
    small_calls._small_call.cache_clear()
    interpolate(big, scale_factor=2)
    assert small_calls._small_call.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("n", "m", "remembered"), [(16, 32, True), (8192, 16, False), (16, 8192, False)]
)
def test_nor_are_the_tables_of_long_axes(n, m, remembered):
    arguments = (m, None, "linear", None, None, False, None, None)
    call = small_calls.small_call(np.zeros(n, np.float32), arguments, None, 1)
    assert (call is not None) == remembered


def test_the_default_number_of_threads_is_asked_for_each_time(default_threads, monkeypatch):
    asked = []

    def run(x, out, threads, stream):
        asked.append(threads)

    call = small_calls._small_call(
        None, X.shape, X.dtype, 9, None, "nearest", None, None, False, None, None
    )
    monkeypatch.setattr(call, "run", run)
    for n in (3, 5):
        upsampler.set_num_threads(n)
        interpolate(X, 9)
    interpolate(X, 9, num_threads=2)
    assert asked == [3, 5, 2]
