"""Titles of panes: nothing is cut in the middle, and the name is given up last."""

import pytest
from PySide6.QtWidgets import QApplication
from upsampler_gui import changes, state, theme
from upsampler_gui.pane import PaneWidget
from upsampler_gui.source import built_in
from upsampler_gui.state import TRUTH, Pane
from upsampler_gui.title import ROUNDING

from upsampler.methods import MENU

from . import drive

METHODS = [method.name for group in MENU.values() for method in group]
WIDTHS = [130, 150, 200, 239, 240, 270, 330, 420, 600, 900]


@pytest.fixture
def titled(qtbot, themed):
    """The pane of a method, so many points wide."""

    made = {}

    def titled(method, width, reference=False, nudge=(0.0, 0.0), chip="exact 1:1", index=0):
        if index not in made:
            made[index] = PaneWidget(index)
            qtbot.addWidget(made[index])
            made[index].show()
        pane = made[index]
        pane.resize(width, 160)
        if index == TRUTH:
            pane.show_truth(built_in(), reference)
        else:
            pane.show_pane(Pane(method, nudge=nudge), False, reference)
        pane.show_chip(chip, 0.0123)
        QApplication.processEvents()
        return pane

    return titled


def parts(pane):
    """What is seen of a title, from the left."""
    title = pane.title
    known = (title.number, title.name, title.method, title.parameters, title.scale, title.role,
             title.shifted, title.milliseconds, title.chip)  # fmt: skip
    return [part for part in known if part.isVisible()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("chip", ["exact 1:1", "averaged 1:37", "computing", "failed"])
def test_no_part_of_a_title_is_cut(titled, width, reference, chip):
    for method in METHODS:
        pane = titled(method, width, reference, chip=chip)
        seen = parts(pane)
        assert pane.title.method in seen
        assert pane.method.text()[0] == method[0]
        right = 0
        for part in seen:
            # A button that is cut is as wide as its text with an ellipsis, which Qt does not know.
            assert part.width() >= part.sizeHint().width(), (method, part.text())
            assert part.x() >= right
            right = part.geometry().right()
        assert right < pane.title.width()
        longest = max(map(pane.chip.natural, ("averaged 1:6", pane.chip.text())))
        assert pane.chip.width() <= longest + ROUNDING
        assert pane.chip.accessibleName() == chip


def test_a_name_is_whole_as_long_as_anything_can_be_given_up(titled):
    for method, name in (("nearest", "nearest"), ("bilinear:align_corners", "bilinear")):
        for width in range(240, 520):
            pane = titled(method, width, True)
            title = pane.title
            optional = (title.milliseconds, title.scale, title.parameters)
            if any(part.isVisible() for part in optional):
                assert title.method.text()[:-2].startswith(name), width
                assert "\N{HORIZONTAL ELLIPSIS}" not in title.method.text()


def test_the_richer_the_wider(titled):
    counts = [len(parts(titled("conv_transpose:box:k=3", width, True))) for width in WIDTHS]
    assert counts == sorted(counts)
    assert counts[0] == 3  # number, name, chip
    assert counts[-1] == 7


@pytest.mark.parametrize(
    ("method", "width", "name", "parameters"),
    [
        ("bilinear:align_corners", 900, "bilinear", "align corners"),
        ("bilinear:align_corners", 330, "bilinear  align corners", None),
        ("conv_transpose:box:k=3", 900, "conv transpose  box", "k=3"),
        ("nearest", 900, "nearest", "default"),
        ("nearest", 320, "nearest", None),
    ],
)
def test_parameters_have_a_button_or_belong_to_the_name(titled, method, width, name, parameters):
    pane = titled(method, width)
    assert pane.method.text()[:-2] == name
    assert pane.parameters.isVisible() == (parameters is not None)
    if parameters is not None:
        assert pane.parameters.text()[:-2] == parameters


def test_a_narrow_chip_says_the_same_in_few_letters(titled):
    texts = {
        chip: titled("nearest", 200, chip=chip).chip.text()
        for chip in ("exact x8", "averaged 1:3", "computing", "failed")
    }
    assert list(texts.values()) == ["x8", "~1:3", "...", "!"]
    assert titled("nearest", 300, chip="exact x8").chip.text() == "exact x8"


@pytest.mark.parametrize("width", [130, 300, 800])
def test_the_truth_has_its_name(titled, width):
    pane = titled("", width, True, index=TRUTH)
    assert pane.title.name.text().startswith("tr")
    assert not pane.method.isVisible()
    for part in parts(pane):
        assert part.width() >= part.sizeHint().width()


def test_a_shift_is_told_wherever_there_is_a_pane(titled):
    pane = titled("bilinear", 300, nudge=(-2.0, 6.0))
    assert pane.shifted.isVisible()
    assert pane.shifted.text() == "shifted +6, -2"


def test_scores_are_cut_between_words(titled):
    pane = titled("bilinear", 124)
    pane.show_score("24.73 dB  SSIM 0.7205", True)
    assert pane.score.text() == "24.73 dB"
    pane.resize(300, 160)
    QApplication.processEvents()
    assert pane.score.text() == "24.73 dB  SSIM 0.7205"


def test_a_chip_takes_the_colours_of_another_theme(window):
    chip = window.compare.panes[0].chip
    try:
        window.store.update(changes.toggle_theme)
        QApplication.processEvents()
        assert chip.colours == theme.LIGHT.chips["exact"]
        text, ground = (0xFF000000 | int(c[1:], 16) for c in chip.colours)
        image = drive.pixels_of(chip.grab().toImage())
        assert (image == ground).sum() > 200
        assert (image == text).any()
    finally:
        window.store.update(changes.toggle_theme)
        QApplication.processEvents()
    assert chip.colours == theme.DARK.chips["exact"]
    assert theme.current() is theme.DARK


def test_a_focused_pane_has_another_frame(window):
    first, second = window.compare.panes[:2]
    assert (first.property("focused"), second.property("focused")) == (True, False)
    window.store.update(state.focus, 1)
    window.compare.refresh()
    assert (first.property("focused"), second.property("focused")) == (False, True)
