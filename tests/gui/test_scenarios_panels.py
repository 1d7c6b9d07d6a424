"""Scenarios 7 and 8: where and how much here, and find the checkerboard."""

from fractions import Fraction

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from upsampler_gui import changes, panes
from upsampler_gui.areas import Area, compared, part
from upsampler_gui.difference import Difference
from upsampler_gui.metering import Comparison, meter
from upsampler_gui.render import Request, render
from upsampler_gui.settings import Diff, DiffKind
from upsampler_gui.source import load, source
from upsampler_gui.spectrum import PATTERN

from upsampler.charts import SAMPLE
from upsampler.images import Picture

from . import drive
from .events import at_k, settle
from .panels import finish, open_panel
from .test_panels import cells

ONE = (Fraction(1), Fraction(1))


@pytest.mark.parametrize("sign", [1, -1])
def test_scenario_07_where_and_how_much_here(qtbot, window, show, sign):
    """An error of 20 x 20 pixels lights up there and nowhere else, and is measured there."""
    pixels = drive.noise(120, 170) // 2 + 60
    top, left = 43, 71
    truth = pixels.copy()
    truth[top : top + 20, left : left + 20] += np.uint8(30)
    first, second = (truth, pixels) if sign > 0 else (pixels, truth)
    show(first)
    window.store.update(panes.set_all_scales, ONE)
    window.store.update(changes.with_truth, source(Picture(second, False), "truth"))
    at_k(window, qtbot, 2)
    # The difference as it is painted.
    now = window.store.state
    rows, cols = now.axes(0, *window.compare.viewport())
    look = Difference(Diff(DiffKind.SIGNED), now.subject(now.reference))
    frame = render(Request(now.source, now.panes[0], rows, cols, look=look))
    at = np.ix_(rows.indices(), cols.indices())
    planted = np.zeros((121, 171), bool)  # -1 is beside the picture
    planted[top : top + 20, left : left + 20] = True
    values = frame.values[..., 0]
    seen = planted[at]
    assert seen.sum() == 40 * 40
    shown = np.zeros((120, 170))
    r, c = (int(axis.indices()[axis.indices() >= 0][0]) for axis in (rows, cols))
    shown[r : r + values.shape[0], c : c + values.shape[1]] = values
    np.testing.assert_allclose(shown, sign * planted[:120, :170] * 30 / 255, atol=1e-7)
    # What has no error has the colour of none, what has one another.
    inside = (rows.indices() >= 0)[:, None] & (cols.indices() >= 0)
    quiet = np.unique(frame.pixels[inside & ~seen])
    assert quiet.size == 1
    assert not np.isin(frame.pixels[seen], quiet).any()
    # The window shows these pixels and no others.
    window.store.update(changes.set_diff, DiffKind.SIGNED)
    settle(qtbot, window)
    canvas = window.compare.panes[0].canvas
    np.testing.assert_array_equal(canvas.pixels, frame.pixels)
    # And it is measured: to 1e-6 by the same numbers that the panel shows.
    window.store.update(changes.set_region, (top - 6, left - 3), (top + 31, left + 40))
    now = window.store.state
    size = window.compare.viewport()
    found = meter(Comparison(compared(now, 0, Area.REGION, size), part(now, 0, Area.REGION, size)))
    crop = (slice(top - 6, top + 31), slice(left - 3, left + 40))
    a, b = second[crop], first[crop]
    psnr = peak_signal_noise_ratio(a, b, data_range=255)
    ssim = structural_similarity(a, b, data_range=255, channel_axis=-1)
    assert found.psnr == pytest.approx(psnr, abs=1e-6)
    assert found.ssim == pytest.approx(ssim, abs=1e-6)
    assert found.max_error == 30
    row = cells(open_panel(qtbot, window, "metrics"))["Region: 43 x 37 source pixels at (68, 37)"][
        1
    ]
    assert row[1:] == [f"{psnr:.2f} dB", f"{ssim:.4f}", f"{found.mae:.4g}", "30"]


@pytest.mark.parametrize("kernel", ["box", "random"])
def test_scenario_08_find_the_checkerboard(qtbot, window, kernel):
    """The preset opens the spectra; the transposed convolution stands out, nothing else does."""
    window.open_path(str(SAMPLE))
    settle(qtbot, window)
    assert load(str(SAMPLE)).size == window.store.state.source.size
    window.store.update(panes.preset, "Checkerboard hunt")
    assert window.store.state.panel == "spectrum"
    methods = [pane.method for pane in window.store.state.panes]
    assert methods == [
        "bilinear", "conv_transpose:box:k=3", "resize_conv:random", "pixel_shuffle:icnr"
    ]  # fmt: skip
    window.store.update(panes.set_method, 1, f"conv_transpose:{kernel}:k=3")
    panel = open_panel(qtbot, window, "spectrum")
    panel.area.chosen.emit("whole")
    finish(qtbot, window)
    bilinear, transposed, resized, icnr = (
        panel._spectra.get(wanted).value for wanted in panel._parts(window.compare.shot())
    )
    assert transposed.spectrum.peak > bilinear.spectrum.peak + 20
    assert transposed.spectrum.patterns
    for other in (bilinear, resized, icnr):
        assert other.spectrum.peak < PATTERN
    assert transposed.score > 0.01
    assert icnr.score == pytest.approx(0, abs=1e-6)
    assert bilinear.score is None
    texts = [tile.verdict.text() for tile in panel.tiles]
    assert texts[1].startswith("a pattern of period 2: +")
    assert all(text.startswith("no pattern of period 2") for text in (texts[0], *texts[2:]))
    # The rings are drawn, at the edges, which are half a cycle for an output.
    assert [bool(tile.picture.patterns) for tile in panel.tiles] == [False, True, False, False]
    grabbed = drive.pixels_of(panel.tiles[1].picture.grab().toImage())
    assert (grabbed == 0xFFFF5DB1).any()
