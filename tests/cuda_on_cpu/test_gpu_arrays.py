"""Arrays of the device that are not plain: strides, results in buffers, values that are odd."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest

import upsampler
from upsampler import interpolate, interpolate_backward
from upsampler.backends import gpu_copy, gpu_launch, gpu_resample

MODES = ["nearest", "bilinear", "bicubic", "area", "lanczos3"]


@pytest.fixture(autouse=True)
def installed():
    with cp.installed():
        yield


def bits(a):
    """Any NaN is like any other."""
    if a.dtype.kind not in "iub":
        a = np.where(np.isnan(a), np.array(np.nan, a.dtype), a)
    return np.ascontiguousarray(a).view(f"u{min(a.itemsize, 8)}")


def assert_same(found, wanted):
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    differ = np.argwhere(bits(found.get()) != bits(wanted))
    assert not len(differ), f"{len(differ)} of {wanted.size} differ, the first at {differ[0]}"


def both(function, x, *arguments, **keywords):
    assert_same(
        function(cp.asarray(x), *arguments, **keywords), function(x, *arguments, **keywords)
    )


def normal(*shape, dtype=np.float32):
    return np.random.default_rng(7).normal(size=shape).astype(dtype)


VIEWS = {
    "every other": lambda a: a[::2, :, ::2, 1::2],
    "backwards": lambda a: a[:, ::-1, ::-1, ::-1],
    "channels last": lambda a: a.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2),
    "transposed": lambda a: a.transpose(1, 0, 3, 2),
    "repeated": lambda a: np.broadcast_to(a[:, :1], a.shape) if isinstance(a, np.ndarray)
    else cp.broadcast_to(a[:, :1], a.shape),
    "off by one": lambda a: a[..., 1:],
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("mode", MODES)
def test_strided_input(view, mode):
    x = normal(4, 3, 6, 9)
    wanted = interpolate(np.ascontiguousarray(view(x)), (11, 16), mode=mode)
    assert_same(interpolate(view(cp.asarray(x)), (11, 16), mode=mode), wanted)


@pytest.mark.parametrize("mode", MODES)
def test_channels_last_memory_stays_so(mode):
    x = cp.asarray(normal(2, 5, 6, 8)).transpose(0, 3, 1, 2)
    y = interpolate(x, scale_factor=2, mode=mode)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert_same(y, interpolate(x.get(), scale_factor=2, mode=mode))


@pytest.mark.parametrize("mode", MODES)
def test_a_result_in_half_of_a_buffer(mode):
    x = normal(2, 3, 5, 8)
    buffer = cp.full((2, 6, 10, 16), 7.0, np.float32)
    assert interpolate(cp.asarray(x), scale_factor=2, mode=mode, out=buffer[:, 3:]).base is buffer
    assert (buffer[:, :3].get() == 7).all()
    assert_same(buffer[:, 3:], interpolate(x, scale_factor=2, mode=mode))


def test_a_result_over_its_input():
    memory = cp.asarray(normal(2, 3, 10, 16))
    x = memory[:, :, :5, :8]
    wanted = interpolate(x.get(), scale_factor=2, mode="bilinear")
    interpolate(x, scale_factor=2, mode="bilinear", out=memory)
    assert_same(memory, wanted)


def test_results_that_are_refused():
    x = cp.asarray(normal(1, 2, 3, 4))
    for out, error, message in [
        (cp.zeros((1, 2, 3, 4), "f"), ValueError, "out: got shape"),
        (cp.zeros((1, 2, 6, 8), "d"), TypeError, "out: got dtype float64"),
        (np.zeros((1, 2, 6, 8), "f"), TypeError, "out: got an array on the host"),
        (cp.broadcast_to(cp.zeros((1, 2, 1, 8), "f"), (1, 2, 6, 8)), ValueError, "share memory"),
        ([[1.0]], TypeError, "out: got"),
    ]:
        with pytest.raises(error, match=message):
            interpolate(x, scale_factor=2, out=out)


@pytest.mark.parametrize(
    "shape", [(0, 3, 4, 5), (2, 0, 4, 5), (1, 1, 1, 1), (2, 3, 1, 9), (3, 2, 9, 1)]
)
@pytest.mark.parametrize("mode", MODES)
def test_small_and_empty(shape, mode):
    x = normal(*shape)
    both(interpolate, x, scale_factor=2, mode=mode)
    both(interpolate, x, (5, 3), mode=mode, window=((1, 5), (0, 0)))
    grad = normal(*shape[:2], 7, 10)
    both(interpolate_backward, grad, shape, (7, 10), mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_windows_of_axes_that_keep_their_size(mode):
    for size, window in [
        ((11, 9), ((3, 9), (4, 6))),
        ((6, 20), ((2, 3), (5, 17))),
        ((6, 9), ((1, 4), (2, 9))),
    ]:
        both(interpolate, normal(2, 3, 6, 9), size, mode=mode, window=window)


SPECIAL = [np.nan, np.inf, -np.inf, -0.0, 0.0, 3e38, -3e38, 1.0]


@pytest.mark.parametrize(
    ("mode", "dtype", "layout"),
    [
        ("bilinear", np.float32, "NCHW"),
        ("bilinear", np.float16, "NCHW"),
        ("bilinear", np.float64, "NHWC"),
        ("bicubic", np.float32, "NCHW"),
        ("bicubic", np.float16, "NHWC"),
        ("area", np.float32, "NCHW"),
        ("lanczos3", np.float32, "NCHW"),
        ("lanczos3", np.float32, "NHWC"),
    ],
)
def test_values_that_are_not_finite(mode, dtype, layout):
    """By 2 and by tables; signs of zeros included."""
    rng = np.random.default_rng(11)
    x = normal(2, 4, 12, 16)
    place = rng.random(x.shape) < 0.2
    x[place] = rng.choice(SPECIAL, place.sum())
    x[0, 0] = np.where(rng.random((12, 16)) < 0.5, -0.0, 0.0)
    x[0, 1] = -np.inf
    x[0, 2, :, 1:] = -np.abs(x[0, 2, :, 1:])
    x[0, 2, :, 0] = -0.0
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    for size in ((24, 32), (25, 32), (7, 9)):
        if layout == "NHWC":
            both(interpolate, np.ascontiguousarray(x.transpose(0, 2, 3, 1)), size, mode=mode,
                 layout=layout)  # fmt: skip
        else:
            both(interpolate, x, size, mode=mode)
    both(interpolate_backward, x[:, :, :, :], (2, 4, 5, 8), (12, 16), mode=mode)


@pytest.mark.parametrize("dtype", [np.int32, np.uint64, np.uint8, np.int16])
def test_integers_saturate(dtype):
    info = np.iinfo(dtype)
    x = np.random.default_rng(3).choice(np.array([info.min, info.max], dtype), (2, 3, 8, 16))
    both(interpolate, x, scale_factor=2, mode="bicubic")


@pytest.mark.parametrize("grid", [1, 2])
@pytest.mark.parametrize("mode", MODES)
def test_more_planes_than_the_grid_takes(mode, grid, monkeypatch):
    monkeypatch.setattr(gpu_launch, "GRID_Y", grid)
    both(interpolate, normal(2, 5, 4, 8), scale_factor=2, mode=mode)
    both(interpolate, normal(2, 5, 4, 7), (9, 5), mode=mode)
    both(interpolate_backward, normal(2, 5, 9, 5), (2, 5, 4, 7), (9, 5), mode=mode)
    both(upsampler.avg_pool2d, normal(2, 5, 9, 7), 2)
    both(upsampler.pixel_shuffle, normal(5, 8, 3, 4), 2)


@pytest.mark.parametrize("mode", MODES[:3])
def test_planes_too_large_for_32_bits(mode, monkeypatch):
    """The same kernels with wide indices, which no array that fits here asks for."""
    monkeypatch.setattr(gpu_launch, "LONG", 0)
    cp.launches.clear()
    both(interpolate, normal(2, 3, 4, 8), scale_factor=2, mode=mode)
    both(interpolate, normal(2, 3, 4, 7), (9, 5), mode=mode)
    both(interpolate, normal(2, 4, 7, 4), (9, 5), mode=mode, layout="NHWC")
    assert cp.launches


def test_long_results_are_done_in_pieces(monkeypatch):
    x = normal(1, 2, 60, 50)
    wanted = interpolate(x, (97, 83), mode="bicubic")
    monkeypatch.setattr("upsampler.pieces.PIECE", 64)
    monkeypatch.setattr("upsampler.pieces.SHARED", 64)
    cp.launches.clear()
    assert_same(interpolate(cp.asarray(x), (97, 83), mode="bicubic"), wanted)
    assert len(cp.launches) > 2


@pytest.mark.parametrize("mode", ["linear", "bicubic", "lanczos3"])
def test_intermediate_results_fit_into_the_workspace(mode, monkeypatch):
    monkeypatch.setattr(gpu_resample, "WORKSPACE", 1000)
    both(interpolate, normal(3, 2, 4, 5, 6), (6, 7, 9), mode=mode)
    both(interpolate_backward, normal(3, 2, 6, 7, 9), (3, 2, 4, 5, 6), (6, 7, 9), mode=mode)


def test_chunks_of_rows_meet(monkeypatch):
    """What a thread computes does not depend on where its rows begin."""
    x = normal(1, 2, 37, 16)
    for rows in (1, 2, 5, 64):
        monkeypatch.setattr(gpu_launch, "ROWS", rows)
        monkeypatch.setattr(gpu_launch, "BUSY", 1)
        both(interpolate, x, scale_factor=2, mode="bilinear")
        both(interpolate, x, scale_factor=2, mode="bicubic")
        both(interpolate, x, scale_factor=2)


def test_tables_are_uploaded_once():
    x = cp.asarray(normal(1, 2, 5, 8))
    interpolate(x, (7, 12), mode="bicubic")
    cp.events.log.clear()
    interpolate(x, (7, 12), mode="bicubic")
    assert set(cp.events.kinds()) == {"launch"}


def test_two_devices_have_tables_of_their_own():
    x = normal(1, 2, 5, 8)
    wanted = interpolate(x, (7, 13), mode="bilinear")
    for number in (0, 1, 0):
        with cp.cuda.Device(number):
            there = cp.asarray(x)
        found = interpolate(there, (7, 13), mode="bilinear")
        assert found.device.id == number
        assert_same(found, wanted)


def test_a_kernel_that_does_not_compile(monkeypatch):
    monkeypatch.setattr(gpu_copy, "gather", lambda *_: broken)
    broken = gpu_launch.Kernel("copy.cu", "gather", (("ITEM", "nothing"),))
    with pytest.raises(upsampler.BackendUnavailable, match=r"(?s)gather \(ITEM=nothing\).*error"):
        interpolate(cp.asarray(normal(1, 1, 3, 5)), (4, 7))


@pytest.mark.parametrize("layout", ["CHW", "HWC", "NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64, np.complex128])
def test_shuffles(layout, dtype):
    sizes = {"N": 2, "C": 12, "H": 3, "W": 5}
    x = normal(*(sizes[c] for c in layout)).astype(dtype)
    y = upsampler.pixel_shuffle(x, 2, layout=layout)
    both(upsampler.pixel_shuffle, x, 2, layout=layout)
    both(upsampler.pixel_unshuffle, y, 2, layout=layout)
    backwards = (slice(None, None, -1),) * x.ndim
    found = upsampler.pixel_shuffle(cp.asarray(x)[backwards], 2, layout=layout)
    assert_same(found, upsampler.pixel_shuffle(x[backwards], 2, layout=layout))


def test_complex_numbers_that_begin_at_8_bytes():
    x = (normal(1, 8, 3, 4) + 1j * normal(1, 8, 3, 4)).astype(np.complex128)
    there = cp.asarray(np.append(0, x.ravel().view(np.float64)))[1:].view(np.complex128)
    there = there.reshape(x.shape)
    assert there.data.ptr % 16 == 8
    assert_same(interpolate(there, scale_factor=2), interpolate(x, scale_factor=2))
    assert_same(interpolate(there, (4, 7)), interpolate(x, (4, 7)))
    assert_same(upsampler.pixel_shuffle(there, 2), upsampler.pixel_shuffle(x, 2))


def test_indices_outside_of_the_plane():
    values, places = upsampler.max_pool2d(normal(1, 2, 6, 8), 2, return_indices=True)
    places[0, 0, 0, 0] = 48
    with pytest.raises(ValueError, match=r"^indices: got values from \d+ to 48"):
        upsampler.max_unpool2d(cp.asarray(values), cp.asarray(places), 2)


def test_an_index_that_occurs_twice():
    """Sums in the order of the cells; of values to be placed the last one stays."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2, 3, 20, 7)).astype(np.float32)
    places = rng.integers(0, 280, x.shape)
    for function, arguments in [
        (upsampler.max_unpool2d, (2,)),
        (upsampler.max_pool2d_backward, ((2, 3, 40, 14),)),
    ]:
        found = function(cp.asarray(x), cp.asarray(places), *arguments)
        assert_same(found, function(x, places, *arguments))
