"""Corners in which something once went wrong."""

import sys
from fractions import Fraction

import numpy as np
import pytest

import upsampler
from upsampler import interpolate, interpolate_backward
from upsampler.axis import AxisRule
from upsampler.plan import BoundedCache

from .test_threads import run


@pytest.mark.parametrize("dtype", [np.dtype([]), np.dtype("V0"), np.dtype([("a", "S0")])])
def test_items_of_no_size(backend, dtype):
    assert interpolate(np.zeros((4, 4), dtype), size=(8, 6)).shape == (8, 6)


def test_gradients_of_empty_pooled_planes_are_zero(backend):
    nothing = np.zeros((1, 1, 0, 0))
    grad = upsampler.max_pool2d_backward(nothing, nothing.astype(int), (1, 1, 4, 4))
    np.testing.assert_array_equal(grad, np.zeros((1, 1, 4, 4)))


@pytest.mark.parametrize("method", ["lanczos3", "linear", "cubic"])
def test_weights_that_are_zero_are_zero(method):
    """2e-16 in the place of a root of the filter would let a NaN through."""
    for n in range(2, 30):
        for m in range(2, 45):
            rule = AxisRule(n, m, method, Fraction(n, m), False, True)
            dense = rule.table().dense()
            if m >= n:  # a filter that is not stretched has its roots at the samples
                centre = [(Fraction(2 * i + 1, 2) * n / m - Fraction(1, 2)) for i in range(m)]
                for i, c in enumerate(centre):
                    if c.denominator == 1:
                        assert dense[i].tolist() == np.eye(n)[int(c)].tolist(), (n, m, i)
            assert np.abs(dense[dense != 0]).min() > 1e-12, (n, m)


def test_nan_stays_with_its_dependents(backend):
    x = np.zeros(3)
    x[0] = np.nan
    assert interpolate(x, size=47, mode="lanczos3")[23] == 0
    assert interpolate(x, size=47, mode="linear", antialias=True)[23] == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("mode", ["area", "bicubic", "linear"])
def test_signed_zeros_do_not_depend_on_infinite_neighbours(cpu, dtype, mode):
    x = np.full((4, 40), -0.0, dtype)
    x[:, 30] = np.inf
    for a in (x, np.ascontiguousarray(x.T)):
        size = tuple(2 * n for n in a.shape)
        whole = interpolate(a, size=size, mode=mode)
        window = tuple((0, n if n < 40 else 20) for n in size)
        crop = np.ascontiguousarray(whole[tuple(slice(*w) for w in window)])
        assert interpolate(a, size=size, mode=mode, window=window).tobytes() == crop.tobytes()


def test_the_plain_sum_of_float32_is_in_float32(cpu):
    a, b, w = (np.float32(v) for v in (1.1501657e38, -2.365304e38, 0.22580644))
    # The difference b - a overflows; position 7 / 31 between the two samples has that weight.
    rule = AxisRule(2, 32, "linear", Fraction(2, 32), True)
    assert np.float32(rule.table().weights[7, 0]) == w
    x = np.array([a, b])
    result = interpolate(x, size=32, mode="linear", align_corners=True)[7]
    with np.errstate(over="ignore"):
        assert not np.isfinite(a + w * (b - a))
    assert result == (np.float32(1) - w) * a + w * b


def test_a_gradient_of_a_window_costs_the_window():
    grad = interpolate_backward(
        np.ones((2, 3)), (4, 4), size=(4, 2**40), mode="bilinear", window=((0, 2), (5, 8))
    )
    assert grad.shape == (4, 4)
    assert grad.sum() == pytest.approx(6)


def test_cubic_weights_are_right_to_the_last_bits():
    table = AxisRule(50, 997, "cubic", Fraction(50, 997)).table()
    assert np.abs(table.weights.sum(axis=1) - 1).max() <= 4 * np.finfo(float).eps
    largest = np.full((3, 9), 2**64 - 1, np.uint64)
    assert interpolate(largest, size=(7, 31), mode="bicubic").min() >= 2**64 - 1 - 8 * 2**11


def test_an_integer_nearly_reached_by_a_fraction_counts():
    assert interpolate(np.zeros(100), scale_factor=Fraction(0.29), mode="linear").shape == (29,)


@pytest.mark.parametrize("names", [["a", "b"]])
def test_overlapping_fields_of_foreign_byte_order_are_moved_as_they_are(backend, names):
    dtype = np.dtype({"names": names, "formats": [">i4", ">i2"], "offsets": [0, 2]})
    x = np.frombuffer(bytes(range(16)), dtype).reshape(1, 4)
    assert interpolate(x, size=(1, 4)).tobytes() == x.tobytes()


def test_pools_of_absurd_cells():
    x = np.ones((4, 4))
    for arguments in [((2**40, 2**40), 1, (2**39, 2**39)), (2, 2**70), (2**70,)]:
        with pytest.raises(ValueError, match=r"(kernel_size|stride): got .* at most"):
            upsampler.avg_pool2d(x, *arguments)


def test_the_tiles_of_many_channel_counts_are_bounded():
    from upsampler.backends.cpu import _COLUMNS

    for channels in range(1, 200):
        interpolate(np.zeros((1, 2, channels), np.uint8), size=(1, 20000), layout="HWC", mode="bilinear")  # noqa: E501  # fmt: skip
    held = sum(size for _, size in _COLUMNS._entries.values())
    assert held == _COLUMNS._held <= _COLUMNS.limit


def test_a_cache_forgets_the_oldest():
    cache = BoundedCache(10)
    for key in "abc":
        cache.get(key, lambda key=key: key * 2, lambda value: 4)
    assert list(cache._entries) == ["b", "c"]
    assert cache.get("b", lambda: "new", lambda value: 4) == "bb"
    assert cache.get("large", lambda: "x", lambda value: 6) == "x"
    assert "large" not in cache._entries


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.may_skip
def test_fork_while_other_threads_make_tables():
    """Locks that those threads hold do not exist for the child."""
    assert run("""
        import os, threading, numpy as np, upsampler
        stop = False
        def work(seed):
            rng = np.random.default_rng(seed)
            while not stop:
                n, m = rng.integers(2, 400, 2)
                upsampler.interpolate(np.ones((2, n)), size=(3, int(m)), mode="bilinear")
        threads = [threading.Thread(target=work, args=(s,)) for s in range(6)]
        for t in threads:
            t.start()
        for k in range(12):
            child = os.fork()
            if child == 0:
                for m in range(2, 40):
                    upsampler.interpolate(np.ones((2, 7)), size=(3, m + 40 * k), mode="bicubic")
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop = True
        for t in threads:
            t.join()
        print("all children came back")
    """).strip() == "all children came back"  # fmt: skip


@pytest.mark.parametrize("text", ["99999999999", "4294967297", "²", "0", "-1", "x"])
def test_odd_thread_counts_in_the_environment(text):
    code = "import upsampler; upsampler.interpolate([[1.0]], 2); print(upsampler.get_num_threads())"
    assert int(run(code, UPSAMPLER_NUM_THREADS=text)) >= 1
