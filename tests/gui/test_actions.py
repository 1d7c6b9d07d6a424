"""Every row of the table of actions that is a step, without a window."""

from dataclasses import replace
from fractions import Fraction

import pytest
from upsampler_gui import actions, devices, panes, state
from upsampler_gui.actions import ACTIONS
from upsampler_gui.settings import Diff, DiffKind, Geometry, Mode, Region, Split, Tone
from upsampler_gui.source import built_in, source
from upsampler_gui.state import TRUTH, Pane, ViewerState
from upsampler_gui.viewport import View

from upsampler.images import Picture

from . import drive

W, H = 640, 350
TWO, FOUR = (Fraction(2),) * 2, (Fraction(4),) * 2
STEPS = [row for row in ACTIONS if row.step is not None]


@pytest.fixture
def at():
    """A picture of 200 x 300 at 1:1 of the x4 result, restored to 800 x 1200; pane 2 focused."""
    opened = source(Picture(drive.noise(300, 200)), "noise")
    truth = source(Picture(drive.noise(1200, 800)), "truth")
    start = ViewerState(opened, focus=1, truth=truth, reference=1, region=Region(1, 2, 3, 5))
    return state.home(start, W, H)


def look(at, cy, cx, z):
    return replace(at, view=View(cy, cx, z))


def moved(at, dy, dx):
    """The view moved by device pixels at 4 for a source pixel."""
    return look(at, 150 + dy / 4, 100 + dx / 4, 4)


def nudged(at, dy, dx):
    changed = [*at.panes]
    changed[1] = replace(changed[1], nudge=(dy / 4, dx / 4))
    return replace(at, panes=tuple(changed))


def made_of(at, *methods, scale=FOUR, z=4, **rest):
    return replace(
        look(at, 150, 100, z), panes=tuple(Pane(m, scale) for m in methods), focus=0, **rest
    )


def diff(at, **changes):
    return replace(at, diff=replace(at.diff, **changes))


FIRST = ("nearest", "bilinear", "bilinear:align_corners", "bicubic")
# What each row makes of the fixture's state, worked out by hand.
AFTER = {
    "add_pane": lambda s: replace(s, panes=(*s.panes, Pane("bicubic")), focus=4),
    "duplicate_pane": lambda s: replace(
        s, panes=(*s.panes[:2], s.panes[1], *s.panes[2:]), focus=2
    ),
    "remove_pane": lambda s: replace(
        s, panes=(s.panes[0], *s.panes[2:]), focus=1, reference=0
    ),
    "pane_earlier": lambda s: replace(
        s, panes=(s.panes[1], s.panes[0], *s.panes[2:]), focus=0, reference=0
    ),
    "pane_later": lambda s: replace(
        s, panes=(s.panes[0], s.panes[2], s.panes[1], s.panes[3]), focus=2, reference=2
    ),
    "clear_nudge": lambda s: s,
    "preset_interpolators": lambda s: made_of(
        s, "nearest", "bilinear", "bicubic", "area", "lanczos3", "bicubic:antialias", reference=0
    ),
    "preset_align_corners": lambda s: made_of(
        s, "bilinear", "bilinear:align_corners", "bicubic", "bicubic:align_corners", reference=0
    ),
    "preset_checkerboard": lambda s: made_of(
        s, "bilinear", "conv_transpose:box:k=3", "resize_conv:random", "pixel_shuffle:icnr",
        scale=TWO, reference=0, panel="spectrum",
    ),
    "mode_grid": lambda s: s,
    # The reference has the focus: the first pane that is another is seen beside it.
    "mode_split": lambda s: replace(s, mode=Mode.SPLIT, focus=0),
    "mode_blink": lambda s: replace(s, mode=Mode.BLINK, focus=0),
    "mode_diff": lambda s: replace(s, mode=Mode.DIFF),
    "mode_single": lambda s: replace(s, mode=Mode.SINGLE),
    "split_vertical": lambda s: replace(s, mode=Mode.SPLIT, focus=0),
    "split_horizontal": lambda s: replace(s, mode=Mode.SPLIT, focus=0, split=Split.HORIZONTAL),
    "split_2d": lambda s: replace(s, mode=Mode.SPLIT, focus=0, split=Split.QUARTERS),
    "line_left": lambda s: replace(s, line=(0.5, 0.48)),
    "line_right": lambda s: replace(s, line=(0.5, 0.52)),
    "line_up": lambda s: replace(s, line=(0.48, 0.5)),
    "line_down": lambda s: replace(s, line=(0.52, 0.5)),
    "next_diff": lambda s: replace(s, mode=Mode.DIFF),
    "gain_down": lambda s: diff(s, gain=0.5),
    "gain_up": lambda s: diff(s, gain=2.0),
    "next_threshold": lambda s: diff(s, threshold=0.5 / 255),
    "auto_blink": lambda s: replace(s, mode=Mode.BLINK, focus=0, blinking=True),
    "restore_original": lambda s: replace(s, truth=None),
    "refer_truth": lambda s: replace(s, reference=TRUTH),
    "select_region": lambda s: replace(s, selecting=True),
    # 350 and 640 device pixels at 4 to one of the source, of which 300 x 200 there are.
    "region_seen": lambda s: replace(s, region=Region(106, 20, 194, 180)),
    "clear_region": lambda s: replace(s, region=None),
    "fit": lambda s: look(s, 150, 100, 1),  # 350 / 1200 is between 1/4 and 1/3
    "one_to_one": lambda s: s,
    "zoom_in": lambda s: look(s, 150, 100, 8),
    "zoom_out": lambda s: look(s, 150, 100, 2),
    "point_centre": lambda s: replace(s, cursor=(0.0, 0.0)),
    "loupe": lambda s: replace(s, loupe=True),
    "numbers": lambda s: replace(s, numbers=False),
    "geometry": lambda s: replace(s, geometry=Geometry.SAMPLES),
    "brighter": lambda s: replace(s, tone=Tone(0.5)),
    "darker": lambda s: replace(s, tone=Tone(-0.5)),
    "next_gamma": lambda s: replace(s, tone=Tone(0.0, 1.8)),
    "reset": lambda s: s,
    "light_theme": lambda s: replace(s, theme="light"),
    "learning": lambda s: replace(s, learning=True),
}  # fmt: skip
AFTER["preset_cpu"] = lambda s: made_of(
    s, "bicubic", "gpu:bicubic", "lanczos3", "gpu:lanczos3", reference=0
)
for _n in range(2, 10):
    AFTER[f"zoom_{_n}"] = lambda s, n=_n: look(s, 150, 100, 4 * n)
for _i in range(9):
    known = _i < 4
    AFTER[f"focus_{_i + 1}"] = lambda s, i=_i, known=known: replace(s, focus=i) if known else s
    AFTER[f"refer_{_i + 1}"] = lambda s, i=_i, known=known: replace(s, reference=i) if known else s
for _side, (_dy, _dx) in {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}.items():
    AFTER[f"pan_{_side}"] = lambda s, y=_dy, x=_dx: moved(s, 32 * y, 32 * x)
    AFTER[f"pan_{_side}_far"] = lambda s, y=_dy, x=_dx: moved(s, 320 * y, 320 * x)
    AFTER[f"nudge_{_side}"] = lambda s, y=_dy, x=_dx: nudged(s, y, x)
for _kind in DiffKind:
    AFTER[f"diff_{_kind.name.lower()}"] = lambda s, kind=_kind: replace(
        s, mode=Mode.DIFF, diff=Diff(kind)
    )
for _name, _, _ in actions.PANELS:
    AFTER[f"panel_{_name}"] = lambda s, name=_name: replace(s, panel=name)


@pytest.mark.parametrize("row", STEPS, ids=lambda row: row.name)
def test_every_step_does_what_it_says(at, row):
    assert row.step(at, W, H) == AFTER[row.name](at)


@pytest.mark.parametrize("row", STEPS, ids=lambda row: row.name)
def test_no_step_fails_before_the_first_view(row):
    row.step(ViewerState(built_in()), W, H)


@pytest.mark.parametrize("row", [row for row in STEPS if row.checked], ids=lambda row: row.name)
def test_what_is_checked_is_so(at, row):
    """After a step its row is checked, unless it is one that turns off what is on at first."""
    blocked = row.blocked is not None and bool(row.blocked(at))
    assert row.checked(row.step(at, W, H)) is (row.name != "numbers" and not blocked)


BLOCKED = {
    "reload": lambda s: s,
    "add_pane": lambda s: replace(s, panes=s.panes * 2 + s.panes[:1]),
    "duplicate_pane": lambda s: replace(s, panes=s.panes * 2 + s.panes[:1]),
    "remove_pane": lambda s: replace(s, panes=s.panes[:1], focus=0),
    "pane_earlier": lambda s: replace(s, panes=s.panes[:1], focus=0),
    "pane_later": lambda s: replace(s, panes=s.panes[:1], focus=0),
    "restore_original": lambda s: replace(s, truth=None),
    "refer_truth": lambda s: replace(s, truth=None),
    "refer_9": lambda s: s,
    "focus_9": lambda s: s,
    "clear_region": lambda s: replace(s, region=None),
    "fit_gain": lambda s: s,
}


@pytest.mark.parametrize("name", BLOCKED)
def test_what_is_blocked_has_a_reason_and_does_nothing(at, name):
    row = next(row for row in ACTIONS if row.name == name)
    start = BLOCKED[name](at)
    assert row.blocked(start).endswith(".")
    if row.step is not None:
        after = row.step(start, W, H)
        assert replace(after, message=None) == start


def test_the_preset_for_the_gpu_tells_why_not(monkeypatch):
    row = next(row for row in ACTIONS if row.name == "preset_cpu")
    for known, reason in (
        ({}, "No GPU backend is installed."),
        ({"gpu": {"available": False, "reason": "CuPy is absent"}}, "CuPy is absent"),
        ({"gpu": {"available": True, "reason": None}}, ""),
    ):
        monkeypatch.setattr(devices.upsampler, "backends", lambda known=known: known)
        told = row.blocked(ViewerState(built_in()))
        assert reason in told
        assert bool(told) is bool(reason)


# Rows that are no steps, and where they are tested with real events, dialogs and files.
COMMANDS = {
    "test_controls.py": {
        "open_dialog", "reload", "open_chart", "toggle_full_screen", "show_keys", "fit_gain",
        "hold_reference", "undo", "cancel",
    },
    "test_comparing_window.py": {
        "open_reference", "open_session", "save_session", "show_palette", "toggle_methods",
        "close", *(f"degrade_{s}" for s in actions.DEGRADE),
    },
    "test_exporting.py": {
        "paste", "copy_view", "copy_call", "export_view", "export_strip", "export_sheet",
        "export_blink", "export_result", "next_channel", "previous_channel",
    },
    "test_kernels.py": {"open_kernel"},
    "test_scenarios.py": {"redo"},
}  # fmt: skip


def test_every_row_is_exercised():
    """Steps above; a new command wants a test, and a place here that says where."""
    commands = {row.name for row in ACTIONS if row.step is None}
    assert set(AFTER) == {row.name for row in STEPS}
    assert set().union(*COMMANDS.values()) == commands


def test_the_table_is_sound():
    names = [row.name for row in ACTIONS]
    keys = [key for row in ACTIONS for key in row.keys]
    assert len(set(names)) == len(names)
    assert len(set(keys)) == len(keys)
    # Every key that the specification of the viewer names.
    wanted = {
        *"GSBDXVHQMEYRPLTNCF0", "Space", "+", "-", "Backspace", ",", ".", "Shift+E", "F5", "F11",
        "F1", "Esc", "Left", "Right", "Up", "Down", "Shift+Left", "Shift+Right", "Shift+Up",
        "Shift+Down", "Ctrl+O", "Ctrl+V", "Ctrl+C", "Ctrl+E", "Ctrl+S", "Ctrl+Z", "Ctrl+Shift+Z",
        "Ctrl+Shift+P",
    }  # fmt: skip
    wanted |= {f"{n}" for n in range(1, 10)} | {f"Shift+{n}" for n in range(1, 10)}
    wanted |= {f"Ctrl+{n}" for n in range(1, 10)}
    assert wanted <= set(keys)
    assert actions.plain("&Open...") == "Open"
    assert actions.place(ACTIONS[0]) == "File > Open"


def test_presets_have_names_of_methods(at):
    for name in panes.PRESETS:
        made = panes.preset(at, name)
        assert 2 <= len(made.panes) <= panes.MOST
