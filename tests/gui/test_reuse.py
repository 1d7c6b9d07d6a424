"""What the frame before has is not computed again, and nobody can tell."""

from dataclasses import replace

import numpy as np
import pytest
from upsampler_gui import blocks, prepared, render, state
from upsampler_gui.settings import Tone
from upsampler_gui.viewport import View

from . import drive
from .test_render import looking, request


class Counting:
    """A prepared method that counts the outputs it is asked for."""

    def __init__(self, ready):
        self.ready, self.made, self.sparse = ready, 0, ready.sparse

    def window(self, rows, columns, out=None, num_threads=None):
        self.made += (rows[1] - rows[0]) * (columns[1] - columns[0])
        return self.ready.window(rows, columns, out, num_threads)

    def samples(self, rows, columns, num_threads=None):
        self.made += len(rows) * len(columns)
        return self.ready.samples(rows, columns, num_threads)

    def means(self, rows, columns, num_threads=None):
        self.made += (len(rows) - 1) * (len(columns) - 1)
        return self.ready.means(rows, columns, num_threads)


@pytest.fixture
def counted(monkeypatch):
    made = {}

    def counting(source, pane):
        return made.setdefault((source, pane), Counting(prepared.prepared(source, pane)))

    monkeypatch.setattr(render, "prepared", counting)
    return lambda at: counting(at.source, at.panes[0])


METHODS = ["nearest", "bilinear:align_corners", "bicubic", "conv_transpose:random:k=3"]


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("k", [1 / 7, 1 / 3, 0.37, 1, 1.3, 3, 8])
@pytest.mark.parametrize("method", METHODS)
def test_pans_equal_frames_from_nothing(monkeypatch, method, k, averaged, weights):
    """Twenty pans in all directions, beyond the borders as well."""
    if averaged and k >= 1:
        k = 1 / (2 + k)  # means are asked for below 1:1 only
    monkeypatch.setattr(blocks, "FEASIBLE", 0 if weights else 1 << 40)
    at = looking(drive.noise(91, 70), method, (4, 4), View(45.3, 35.2, 4 * k))
    renderer = render.Renderer()
    rng = np.random.default_rng(8)
    for _ in range(20):
        at = state.pan(at, *(int(d) for d in rng.integers(-40, 41, 2)))
        made = request(at, 97, 83, averaged)
        frame, fresh = renderer(made), render.render(made)
        np.testing.assert_array_equal(frame.pixels, fresh.pixels)
        np.testing.assert_array_equal(frame.values, fresh.values)


def test_zooming_equals_frames_from_nothing():
    at = looking(drive.noise(91, 70), "bicubic", (4, 4), View(45.3, 35.2, 4.0))
    renderer = render.Renderer()
    for notches in (1, 2, 2, -1, -4, -2, 3, 1):
        at = state.zoom(at, notches, 31, 60, 97, 83)
        made = request(at, 97, 83)
        np.testing.assert_array_equal(renderer(made).values, render.render(made).values)


@pytest.mark.parametrize("k", [1 / 5, 1, 4])
def test_a_pan_computes_the_uncovered_strip(counted, k):
    at = looking(drive.noise(400, 500), "bilinear", (4, 4), View(200, 250, 4 * k))
    renderer = render.Renderer()
    renderer(request(at, 100, 80))
    ready = counted(at)
    whole, ready.made = ready.made, 0
    step = 4 if k == 4 else 3
    renderer(request(state.pan(at, step, 0), 100, 80))
    assert 0 < ready.made <= whole * (step + 4) / 100
    ready.made = 0
    renderer(request(state.pan(at, step, -step), 100, 80))
    assert 0 < ready.made <= whole * (step + 4) / 80
    ready.made = 0
    renderer(request(state.pan(at, step, -step), 100, 80))
    assert ready.made == 0


def test_an_exposure_computes_nothing(counted):
    at = looking(drive.noise(40, 50), "bilinear", (4, 4), View(20, 25, 4.0))
    renderer = render.Renderer()
    plain = renderer(request(at))
    ready = counted(at)
    ready.made = 0
    brighter = renderer(replace(request(at), look=Tone(1.0, 2.2)))
    assert ready.made == 0
    assert brighter.values is not plain.values
    np.testing.assert_array_equal(brighter.values, plain.values)
    inside = plain.pixels != render.OUTSIDE
    assert (brighter.pixels[inside] >= plain.pixels[inside]).all()
    assert (brighter.pixels != plain.pixels).any()


def test_samples_and_means_are_not_mixed():
    at = looking(drive.noise(91, 70), "bicubic", (4, 4), View(45.3, 35.2, 1.0))
    renderer = render.Renderer()
    samples, means = renderer(request(at)), renderer(request(at, averaged=True))
    assert (samples.values != means.values).any()
    np.testing.assert_array_equal(renderer(request(at)).values, samples.values)


def test_another_picture_or_method_shares_nothing():
    renderer = render.Renderer()
    for seed, method in ((0, "nearest"), (1, "nearest"), (1, "bicubic")):
        at = looking(drive.noise(30, 40, seed=seed), method, (4, 4), View(15, 20, 4.0))
        made = request(at)
        np.testing.assert_array_equal(renderer(made).values, render.render(made).values)


def test_a_frame_that_was_given_up_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    at = looking(drive.noise(91, 70), "bicubic", (4, 4), View(45.3, 35.2, 4.0))
    renderer, looks = render.Renderer(), []
    with pytest.raises(blocks.Cancelled):
        renderer(request(at), lambda: looks.append(1) or len(looks) > 2)
    np.testing.assert_array_equal(renderer(request(at)).values, render.render(request(at)).values)


def test_forgetting_lets_the_source_go():
    import gc
    import weakref

    at = looking(drive.noise(30, 40), "nearest", (4, 4), View(15, 20, 4.0))
    renderer = render.Renderer()
    renderer(request(at))
    gone = weakref.ref(at.source)
    renderer.forget()
    del at
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic"])
def test_means_by_weights_are_means_of_outputs(monkeypatch, method):
    """On a picture without hard edges nothing overshoots: only rounding is left."""
    y, x = np.indices((120, 90))
    smooth = np.stack([100 + 40 * np.sin(x / 9 + c) * np.cos(y / 7) for c in range(3)], 2)
    at = looking(smooth.round().astype(np.uint8), method, (4, 4), View(60, 45, 1.0))
    by_outputs = render.render(request(at, averaged=True))
    monkeypatch.setattr(blocks, "FEASIBLE", 0)
    by_weights = render.render(request(at, averaged=True))
    difference = by_weights.values.astype(int) - by_outputs.values
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("k", [1 / 3, 1, 3])
def test_a_frame_tells_the_outputs_that_it_has(k):
    at = looking(drive.noise(91, 70), "bicubic", (4, 4), View(45.3, 35.2, 4 * k))
    full = drive.made(at.source.values, (364, 280), "bicubic")
    frame = render.render(request(at, 97, 83))
    known = 0
    for row, column in ((0, 0), (181, 140), (150, 110), (363, 279)):
        pixel = frame.output(row, column)
        if pixel is not None:
            known += 1
            np.testing.assert_array_equal(pixel, full[row, column])
    assert known == (0 if k < 1 else 1 + (k == 1))
