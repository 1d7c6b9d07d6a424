"""Scenario 10: text can be read in both themes."""

import numpy as np
import pytest
from PySide6.QtGui import QPalette
from upsampler_gui import theme
from upsampler_gui.panels.plot import Curve, Plot
from upsampler_gui.state import THEMES


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1 from ``#rrggbb``."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measure():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_theme_of_the_state_is_there():
    assert set(THEMES) == set(theme.THEMES)


@pytest.mark.parametrize("name", THEMES)
def test_scenario_10_text_has_a_contrast_of_4_5(name):
    pairs = theme.THEMES[name].pairs
    assert len(pairs) >= 16
    for text, ground in pairs:
        assert contrast(text, ground) >= 4.5, (text, ground)
    assert contrast(theme.WARNING.name(), "#17191c") >= 4.5


@pytest.mark.parametrize("name", THEMES)
def test_what_is_painted_is_of_the_theme(qapp, name):
    chosen = theme.THEMES[name]
    theme.apply(qapp, chosen)
    try:
        palette = qapp.palette()
        assert palette.windowText().color().name() == chosen.text
        assert palette.window().color().name() == chosen.ground
        assert theme.current() is chosen
        assert set(chosen.chips) == {"exact", "averaged", "computing", "failed"}
    finally:
        theme.apply(qapp)


def test_axes_tell_the_same_in_every_theme(qtbot):
    plot = Plot("step", "error")
    qtbot.addWidget(plot)
    plot.draw([Curve(np.arange(3.0), np.array([0.2, 0.01, 0.0006]), "red")], logarithmic=True)
    plot.grab()  # now the axis has its range
    axis = plot._plot.getAxis("left")
    before = axis.tickStrings([-3, -2, -1], axis.autoSIPrefixScale * axis.scale, 1)
    palette = plot.palette()
    palette.setColor(QPalette.ColorRole.Base, "#ffffff")
    plot.setPalette(palette)
    assert axis.tickStrings([-3, -2, -1], axis.autoSIPrefixScale * axis.scale, 1) == before
    assert before == ["0.001", "0.01", "0.1"]
