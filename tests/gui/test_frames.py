"""What is known of the frames, without a window."""

from dataclasses import replace

import numpy as np
import pytest
from upsampler_gui import render as render_module
from upsampler_gui.frames import Frames
from upsampler_gui.render import Renderer, Request, render
from upsampler_gui.scene import Layer, Scene, Slot
from upsampler_gui.source import source
from upsampler_gui.state import Pane
from upsampler_gui.viewport import Axis

from upsampler.images import Picture

from . import drive

WHOLE = (0, 0, 30, 40)


@pytest.fixture
def layer():
    """A pane of 30 x 40 device pixels at 1:3."""
    opened = source(Picture(drive.noise(50, 60)), "noise")
    axes = [Axis(n, 4 * n, extent, n / 2, 4 / 3) for n, extent in ((50, 30), (60, 40))]
    return Layer(0, Request(opened, Pane("bilinear"), *axes), WHOLE)


def averaged(layer):
    return replace(layer, request=replace(layer.request, averaged=True))


def scene_of(layer):
    return Scene((Slot(0, (layer,)),), (layer,))


def test_a_frame_is_known_once_it_is_taken(layer):
    known = Frames()
    assert known.is_missing(layer)
    frame = render(layer.request)
    known.take(layer.request, frame, [layer])
    assert known.of(layer) is frame
    assert known.last == {0: frame}
    assert not known.is_missing(layer)


def test_averages_take_the_place_of_samples_when_they_are_known_or_nothing_moves(layer):
    known, scene = Frames(), scene_of(layer)
    assert known.best(scene, idle=False) == scene
    assert known.best(scene, idle=True) == scene_of(averaged(layer))
    request = averaged(layer).request
    known.take(request, render(request), [layer])
    assert known.best(scene, idle=False) == scene_of(averaged(layer))
    assert known.last[0].request == request


def test_the_old_frame_is_shown_under_the_new_view(layer):
    known, slot = Frames(), Slot(0, (layer,))
    assert known.old(slot, layer) is None
    frame = render(layer.request)
    known.take(layer.request, frame, [layer])
    rows = layer.request.rows
    moved = replace(layer, request=replace(layer.request, rows=replace(rows, centre=28.0)))
    assert known.is_missing(moved)
    np.testing.assert_array_equal(known.old(slot, moved)[:-4], frame.pixels[4:])
    # Another pane in the same place begins with what was there.
    other = Layer(3, moved.request, WHOLE)
    np.testing.assert_array_equal(known.old(slot, other), known.old(slot, moved))


def test_what_failed_is_not_asked_for_again(layer):
    known = Frames()
    known.fail(layer.request, ValueError("too large"))
    assert known.error(layer) == "too large"
    assert not known.is_missing(layer)
    known.fail(layer.request, MemoryError())
    assert known.error(layer) == "MemoryError"


def test_frames_of_a_picture_go_with_it(layer):
    known = Frames()
    known.take(layer.request, render(layer.request), [layer])
    assert not known.forget({layer.request.source, None})
    assert known.forget({None})
    assert known.is_missing(layer)
    assert known.last == {}


def test_too_many_outputs_for_means_keep_their_samples(layer, monkeypatch):
    """The answer counts as one, though it is another than what was asked for."""
    monkeypatch.setattr(render_module, "ENOUGH", 100)
    kernel = replace(layer, request=replace(layer.request, pane=Pane("conv_transpose:box:k=3")))
    for asked, averages in ((layer, True), (kernel, False)):
        known = Frames()
        known._cache.limit = 1  # what is shown is known without it
        request = averaged(asked).request
        renderer = Renderer()
        frame = renderer(request)
        assert frame.request.averaged is averages
        assert frame.request.chip == ("averaged 1:3" if averages else "exact 1:3")
        known.take(request, frame, [asked])
        assert not known.is_missing(averaged(asked))
        assert known.shown(averaged(asked)) is frame
        np.testing.assert_array_equal(renderer(request).pixels, frame.pixels)
        np.testing.assert_array_equal(renderer(frame.request).pixels, frame.pixels)
