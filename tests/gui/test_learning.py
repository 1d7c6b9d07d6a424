"""Learning a kernel from a picture, without Qt."""

import numpy as np
import pytest
from upsampler_gui import learning
from upsampler_gui.learning import Learned, Lesson, Recipe, examples, layer, learn
from upsampler_gui.parts import data_range
from upsampler_gui.render import Cancelled
from upsampler_gui.source import load

import upsampler
from upsampler.charts import SAMPLE
from upsampler.kernel_upsampling import upsample_with_kernel
from upsampler.methods import parse

from . import drive
from .test_parts import cancel_after, opened


@pytest.fixture(scope="module")
def photograph():
    return load(str(SAMPLE))


def lesson(source, truth=None, start=None, **recipe):
    return Lesson(source, truth, Recipe(**recipe), start)


def nothing(_learned):
    pass


# -- what is learned from -------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_examples_are_the_picture_and_its_averages(dtype, scale):
    pixels = drive.noise(23, 38, 3, dtype)
    low, high = examples(lesson(opened(pixels), scale=scale))
    white = np.iinfo(dtype).max if dtype[0] == "u" else 1
    height, width = 23 // scale * scale, 38 // scale * scale
    top, left = (23 - height) // 2, (38 - width) // 2
    wanted = pixels[top : top + height, left : left + width].astype(float) / white
    np.testing.assert_allclose(high[:, 0], wanted.transpose(2, 0, 1), rtol=1e-6)
    blocks = wanted.reshape(height // scale, scale, width // scale, scale, 3).mean((1, 3))
    np.testing.assert_allclose(low[:, 0], blocks.transpose(2, 0, 1), rtol=1e-5)


def test_of_large_pictures_the_middle_is_taken(monkeypatch):
    monkeypatch.setattr(learning, "SIDE", 20)
    pixels = drive.noise(50, 31, 1)
    _, high = examples(lesson(opened(pixels), scale=2))
    np.testing.assert_allclose(high[0, 0], pixels[15:35, 5:25, 0] / 255, rtol=1e-6)


@pytest.mark.parametrize("side", [16, 1024])
def test_a_truth_of_the_right_size_is_learned_from(monkeypatch, side):
    monkeypatch.setattr(learning, "SIDE", side)
    truth = drive.noise(42, 66)
    small = upsampler.interpolate(truth, scale_factor=1 / 3, mode="area", layout="HWC")
    given, wanted = examples(lesson(opened(small), opened(truth), scale=3))
    rows, cols = (slice(None), slice(None))
    if side == 16:  # 5 x 5 pixels of the middle
        rows, cols = slice(4, 9), slice(8, 13)
    np.testing.assert_allclose(given[:, 0], small[rows, cols].transpose(2, 0, 1) / 255, rtol=1e-6)
    large = truth if side > 16 else truth[12:27, 24:39]
    np.testing.assert_allclose(wanted[:, 0], large.transpose(2, 0, 1) / 255, rtol=1e-6)
    # One of another size is not.
    given, _ = examples(lesson(opened(small), opened(truth), scale=2))
    assert given.shape[2] < small.shape[0]


def test_opacity_is_not_learned_from():
    low, high = examples(lesson(opened(drive.noise(8, 10, 4), alpha=True)))
    assert (low.shape, high.shape) == ((3, 1, 4, 5), (3, 1, 8, 10))


def test_what_nothing_can_be_learned_from():
    with pytest.raises(ValueError, match="3 x 1 pixels is too small to learn from at scale 2"):
        examples(lesson(opened(drive.noise(1, 3))))
    broken = np.ones((8, 9, 1))
    broken[3, 3] = np.inf
    with pytest.raises(ValueError, match="NaN or infinity"):
        examples(lesson(opened(broken)))


# -- at once --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "k"), [(2, 3), (2, 4), (2, 6), (3, 2), (3, 5), (4, 9)])
@pytest.mark.parametrize("band", [3, 1000])
def test_a_planted_kernel_is_found(monkeypatch, scale, k, band):
    """Even and odd, smaller than the stride: what made the truth from the picture."""
    monkeypatch.setattr(learning, "BAND", band)
    rng = np.random.default_rng(k)
    planted = rng.normal(size=(k, k)).astype(np.float32) / k
    small = rng.random((19, 23, 1)).astype(np.float32)
    truth = upsample_with_kernel(small, planted, scale)
    made = lesson(opened(small), opened(truth), scale=scale, kernel_size=k, way="exact")
    found = learn(made, nothing)
    scale_of = data_range(made.truth) / data_range(made.source)
    np.testing.assert_allclose(found.weight[0, 0] * scale_of, planted, atol=2e-5)
    assert found.losses.shape == (1,)
    assert found.losses[0] < 1e-9


def test_the_fit_is_what_the_learned_method_uses(photograph):
    """The same picture, its averages and the same kernel size as `conv_transpose:learned`."""
    found = learn(lesson(photograph, way="exact", kernel_size=10), nothing)
    size = tuple(2 * n for n in photograph.size)
    other = parse("conv_transpose:learned").prepare(photograph.values, size).weight
    np.testing.assert_allclose(found.weight, other, atol=1e-4)


def test_it_beats_bilinear_interpolation(photograph):
    made = lesson(photograph, way="exact", kernel_size=6)
    low, high = examples(made)
    bilinear = learning.bilinear_loss(low, high, 2)
    full = upsampler.interpolate(low, scale_factor=2, mode="bilinear")
    assert bilinear == pytest.approx(np.square(full - high, dtype=float).mean(), rel=1e-4)
    assert learn(made, nothing).losses[0] < 0.9 * bilinear


def test_the_fit_can_be_cancelled(photograph):
    with pytest.raises(Cancelled):
        learn(lesson(photograph, way="exact"), nothing, cancelled=cancel_after(5))


# -- step by step ---------------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["kaiming", "bilinear", "icnr"])
def test_the_loss_falls(photograph, init):
    found = learn(lesson(photograph, init=init, kernel_size=4, steps=150), nothing)
    assert found.losses.shape == (150,)
    assert found.training.steps == 150
    first, last = found.losses[:10].mean(), found.losses[-10:].mean()
    assert last < first * (1.02 if init == "bilinear" else 0.5)
    assert found.weight.shape == (1, 1, 4, 4)


def test_reports_are_snapshots(photograph, monkeypatch):
    monkeypatch.setattr(learning, "OFTEN", 0)
    reports = []
    found = learn(lesson(photograph, steps=12), reports.append)
    assert [len(r.losses) for r in reports] == list(range(1, 13))
    assert len({r.weight.tobytes() for r in reports}) == 12  # none changes afterwards
    np.testing.assert_array_equal(reports[-1].weight, found.weight)
    np.testing.assert_array_equal(reports[5].losses, found.losses[:6])


def test_it_stops_at_any_step_and_goes_on(photograph):
    """Stopped after 7 steps and continued, it is where it would be without the stop."""
    whole = learn(lesson(photograph, steps=20), nothing)
    part = learn(lesson(photograph, steps=20), nothing, stopped=cancel_after(6))
    assert len(part.losses) == 7
    assert part.training.stopped
    rest = learn(lesson(photograph, start=part, init="", steps=13), nothing)
    np.testing.assert_array_equal(rest.weight, whole.weight)
    np.testing.assert_array_equal(rest.losses, whole.losses)


def test_it_goes_on_from_a_kernel_without_memory(photograph):
    start = Learned(layer((4, 6), 2, np.dtype(np.float32)).weight, 2, np.array([]))
    found = learn(lesson(photograph, start=start, init="", steps=3), nothing)
    assert found.weight.shape == (1, 1, 4, 6)
    assert len(found.losses) == 3


def test_it_can_be_cancelled(photograph):
    with pytest.raises(Cancelled):
        learn(lesson(photograph, steps=10**6), nothing, cancelled=cancel_after(20))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"init": ""}, "no kernel yet"),
        ({"init": "", "scale": 3, "start": Learned(np.ones((1, 1, 2, 2)), 2, np.array([]))},
         "for scale 2, not 3"),
        ({"init": "icnr", "kernel_size": 5}, "kernel"),
    ],
)  # fmt: skip
def test_recipes_of_no_use(photograph, keywords, message):
    start = keywords.pop("start", None)
    with pytest.raises(ValueError, match=message):
        learn(lesson(photograph, start=start, **keywords), nothing)


def test_a_rate_that_is_too_large_is_said(photograph):
    with pytest.raises(FloatingPointError, match="smaller lr"):
        learn(lesson(photograph, rate=1e30, steps=50), nothing)


@pytest.mark.parametrize("shape", [(2, 2, 1), (5, 3, 3), (2, 90, 1)])
def test_small_pictures_teach_too(shape):
    found = learn(lesson(opened(drive.noise(*shape)), kernel_size=7, steps=5), nothing)
    assert np.isfinite(found.weight).all()


@pytest.mark.parametrize(("k", "scale"), [((1, 1), 2), ((3, 4), 2), ((3, 3), 2), ((7, 2), 3)])
def test_layers_keep_the_size(k, scale):
    made = layer(k, scale, np.dtype(np.float32))
    assert made(np.zeros((1, 1, 5, 7), np.float32)).shape == (1, 1, 5 * scale, 7 * scale)


def test_a_kernel_as_a_module_is_read_as_a_method(tmp_path, photograph):
    """What is saved is what the pane shows."""
    found = learn(lesson(photograph, steps=5, kernel_size=3), nothing)
    path = str(tmp_path / "kernel.npz")
    found.module().save(path)
    size = tuple(2 * n for n in photograph.size)
    ready = parse(f"conv_transpose:{path}").prepare(photograph.values, size)
    np.testing.assert_array_equal(ready.weight, found.weight)
    assert ready.score == found.score > 0


def test_decibels():
    assert learning.decibels(0.01) == pytest.approx(20)
    assert learning.decibels(0.0) == np.inf
