"""The table of actions: a row for everything that a key, a menu or a button does.

It feeds the menus, the toolbars, the shortcuts, the sheet of F1, the palette of Ctrl+Shift+P and
the tests, so none of them can disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import changes, panes
from . import state as change
from .devices import no_gpu
from .settings import DiffKind, Geometry, Mode, Split
from .sources.slices import next_channel
from .state import TRUTH, ViewerState

PAN = 32  # device pixels for an arrow key; ten times that with Shift
LINE = 0.02  # parts of a pane that an arrow moves the line of a split
GAIN = 2.0
EXPOSURE = 0.5  # stops
DEGRADE = (2, 3, 4, 8)
# The panels at the right: name, title, key.
PANELS = (
    ("inspector", "&Inspector", "I"), ("metrics", "&Metrics", "K"),
    ("histogram", "&Histogram", "J"), ("profile", "&Profile", "P"),
    ("spectrum", "&Spectrum", "T"), ("navigator", "&Navigator", "O"),
)  # fmt: skip

Step = Callable[[ViewerState, int, int], ViewerState]


@dataclass(frozen=True)
class Action:
    """One row.

    Attributes
    ----------
    name : str
        Of the row; where `step` is None the window has a method of this name.
    text : str
        As it is read in the menu.
    menu : str
        Where that is: the path of the menu, its parts parted by slashes.
    keys : tuple of str
        As Qt writes key sequences.
    step : callable, optional
        From a state and the width and height of a pane in device pixels to the next state.
    checked : callable, optional
        Whether what the row stands for is so.
    blocked : callable, optional
        Why the row cannot be used now, in a sentence; "" where it can.
    held : bool
        Whether the key acts while it is held down, so that it is no shortcut.
    """

    name: str
    text: str
    menu: str
    keys: tuple[str, ...] = ()
    step: Step | None = None
    checked: Callable[[ViewerState], bool] | None = None
    blocked: Callable[[ViewerState], str] | None = None
    held: bool = False


def _plainly(function: Callable[..., ViewerState], *args: Any) -> Step:
    """A step that does not ask how large a pane is."""
    return partial(_applied, function, args)


def _applied(
    function: Callable[..., ViewerState], args: tuple, state: ViewerState, _w: int, _h: int
) -> ViewerState:
    return function(state, *args)


def _zoom(notches: int, state: ViewerState, width: int, height: int) -> ViewerState:
    return change.zoom(state, notches, width / 2, height / 2, width, height)


def _line(dy: float, dx: float, state: ViewerState, _w: int, _h: int) -> ViewerState:
    return changes.set_line(state, state.line[0] + dy, state.line[1] + dx)


def _nudge(dx: int, dy: int, state: ViewerState, _w: int, _h: int) -> ViewerState:
    return panes.nudge(state, state.focus, dx, dy)


# What the rows above do in bursts is one step for undo.
for _step in (_zoom, _line, _nudge):
    change.continuous(_step)


def _is(attribute: str, value: Any) -> Callable[[ViewerState], bool]:
    return lambda state: bool(getattr(state, attribute) == value)


def _no_file(state: ViewerState) -> str:
    return "" if state.source.path else "What is shown did not come from a file."


def _no_truth(state: ViewerState) -> str:
    return "" if state.truth else "There is no truth: open a reference, or degrade and restore."


def _no_region(state: ViewerState) -> str:
    return "" if state.region else "There is no region: press C and drag one."


def _no_diff(state: ViewerState) -> str:
    return "" if state.mode is Mode.DIFF else "Differences have a gain: press D for them."


def _few(state: ViewerState) -> str:
    return "" if len(state.panes) > 1 else "The last pane stays."


def _many(state: ViewerState) -> str:
    return "" if len(state.panes) < panes.MOST else f"There are {panes.MOST} panes already."


def _pane_missing(pane: int, state: ViewerState) -> str:
    return "" if pane < len(state.panes) else f"There is no pane {pane + 1}."


def _no_gpu(_state: ViewerState) -> str:
    return no_gpu()


def _arrows() -> Iterator[Action]:
    # An arrow moves the view, hence the picture the other way.
    for key, (dx, dy) in {"Left": (1, 0), "Right": (-1, 0), "Up": (0, 1), "Down": (0, -1)}.items():
        side = key.lower()
        for keys, factor, far in ((key, 1, ""), (f"Shift+{key}", 10, " far")):
            step = _plainly(change.pan, dx * PAN * factor, dy * PAN * factor)
            name = f"pan_{side}{far.replace(' ', '_')}"
            yield Action(name, f"Move {side}{far}", "&View/&Go", (keys,), step)
        shift = partial(_nudge, -dx, -dy)
        yield Action(
            f"nudge_{side}", f"Shift this pane {side}", "&Panes/&Shift", (f"Alt+{key}",), shift
        )
        line = partial(_line, -dy * LINE, -dx * LINE)
        yield Action(
            f"line_{side}", f"Line of the split {side}", "&Compare/&Split", (f"Ctrl+{key}",), line
        )


def _few_channels(state: ViewerState) -> str:
    source = state.source
    known = next_channel(source, 1) or next_channel(source, -1)
    return "" if known else "There are no channels to choose from."


FILE = (
    Action("open_dialog", "&Open...", "&File", ("Ctrl+O",)),
    Action("reload", "&Reload", "&File", ("F5",), blocked=_no_file),
    Action("open_kernel", "Open &kernel...", "&File", ("Ctrl+K",)),
    Action("open_chart", "Test &chart", "&File"),
    Action("paste", "&Paste", "&File", ("Ctrl+V",)),
    Action("open_session", "Open s&ession...", "&File", ("Ctrl+Shift+S",)),
    Action("save_session", "&Save session...", "&File", ("Ctrl+S",)),
    Action("close", "&Quit", "&File", ("Ctrl+Q",)),
)
EXPORT = (
    Action("export_view", "&View...", "&File/&Export", ("Ctrl+E",)),
    Action("export_strip", "&Strip of crops...", "&File/&Export"),
    Action("export_sheet", "Contact s&heet...", "&File/&Export"),
    Action("export_blink", "&Blinking picture...", "&File/&Export"),
    Action("export_result", "Whole &result...", "&File/&Export", ("Ctrl+Shift+E",)),
    Action("copy_view", "&Copy the view", "&File/&Export", ("Ctrl+C",)),
    Action("copy_call", "Copy the &Python call", "&File/&Export", ("Ctrl+Alt+C",)),
)
PANES = (
    Action("undo", "&Undo", "&Panes", ("Ctrl+Z",)),
    Action("redo", "&Redo", "&Panes", ("Ctrl+Shift+Z", "Ctrl+Y")),
    Action("add_pane", "&Add", "&Panes", ("Ins",), _plainly(panes.add), blocked=_many),
    Action(
        "duplicate_pane", "&Duplicate", "&Panes", ("Ctrl+D",), _plainly(panes.duplicate),
        blocked=_many,
    ),
    Action("remove_pane", "Re&move", "&Panes", ("Del",), _plainly(panes.remove), blocked=_few),
    Action(
        "pane_earlier", "Move &earlier", "&Panes", ("Ctrl+Shift+Left",), _plainly(panes.move, -1),
        blocked=_few,
    ),
    Action(
        "pane_later", "Move &later", "&Panes", ("Ctrl+Shift+Right",), _plainly(panes.move, 1),
        blocked=_few,
    ),
    Action(
        "clear_nudge", "Shift this pane &back", "&Panes/&Shift", ("Backspace",),
        _plainly(panes.clear_nudge),
    ),
    *(
        Action(
            f"preset_{name.split()[0].lower()}", name, "&Panes/&Preset",
            step=_plainly(panes.preset, name), blocked=_no_gpu if name == panes.GPU else None,
        )
        for name in panes.PRESETS
    ),
)  # fmt: skip
COMPARE = (
    *(
        Action(
            f"mode_{mode.value}", f"&{mode.value.capitalize()}", "&Compare", (key,),
            _plainly(changes.set_mode, mode), _is("mode", mode),
        )
        for mode, key in zip(Mode, ("G", "S", "B", "D", "X"), strict=True)
    ),
    *(
        Action(
            f"split_{split.value.replace('-', '')}", f"{split.value.capitalize()}",
            "&Compare/&Split", (key,), _plainly(changes.set_split, split), _is("split", split),
        )
        for split, key in zip(Split, ("V", "H", "Q"), strict=True)
    ),
    *(
        Action(
            f"diff_{kind.name.lower()}", f"{kind.value[0].upper()}{kind.value[1:]}",
            "&Compare/&Difference", (), _plainly(changes.set_diff, kind),
            lambda state, kind=kind: state.diff.kind is kind,
        )
        for kind in DiffKind
    ),
    Action(
        "next_diff", "&Next kind", "&Compare/&Difference", ("M",), _plainly(changes.next_diff)
    ),
    Action(
        "gain_down", "&Less gain", "&Compare/&Difference", (",",),
        _plainly(changes.multiply_gain, 1 / GAIN),
    ),
    Action(
        "gain_up", "&More gain", "&Compare/&Difference", (".",),
        _plainly(changes.multiply_gain, GAIN),
    ),
    Action(
        "fit_gain", "&Gain for what is seen", "&Compare/&Difference", ("/",), blocked=_no_diff
    ),
    Action(
        "next_threshold", "Next &threshold", "&Compare/&Difference", (";",),
        _plainly(changes.next_threshold),
    ),
    Action(
        "hold_reference", "Reference, while &held", "&Compare", ("Space",), held=True,
        checked=_is("holding", True),
    ),
    Action(
        "auto_blink", "&Auto-blink", "&Compare", ("Shift+B",), _plainly(changes.toggle_blinking),
        _is("blinking", True),
    ),
    Action("open_reference", "&Open...", "&Compare/&Reference", ("Ctrl+Shift+O",)),
    *(
        Action(f"degrade_{s}", f"&Degrade by {s} and restore", "&Compare/&Reference")
        for s in DEGRADE
    ),
    Action(
        "restore_original", "&The undegraded picture", "&Compare/&Reference", (),
        _plainly(changes.undegrade), blocked=_no_truth,
    ),
    Action(
        "refer_truth", "The &truth", "&Compare/&Reference", ("Shift+0",),
        _plainly(changes.refer, TRUTH), _is("reference", TRUTH), _no_truth,
    ),
    *(
        Action(
            f"refer_{i + 1}", f"Pane {i + 1}", "&Compare/&Reference", (f"Shift+{i + 1}",),
            _plainly(changes.refer, i), _is("reference", i), partial(_pane_missing, i),
        )
        for i in range(panes.MOST)
    ),
    Action(
        "select_region", "Draw a re&gion", "&Compare", ("C",),
        lambda state, _w, _h: changes.select(state, not state.selecting), _is("selecting", True),
    ),
    Action(
        "region_seen", "Region: what is see&n", "&Compare", ("Shift+C",), changes.region_seen
    ),
    Action(
        "clear_region", "&Clear the region", "&Compare", ("Ctrl+Shift+C",),
        _plainly(changes.clear_region), blocked=_no_region,
    ),
)  # fmt: skip
VIEW = (
    Action("fit", "&Fit", "&View/&Zoom", ("F",), change.fit),
    Action("one_to_one", "&1:1", "&View/&Zoom", ("0", "Ctrl+1"), _plainly(change.n_to_one, 1)),
    Action("zoom_in", "Zoom &in", "&View/&Zoom", ("+", "="), partial(_zoom, 1)),
    Action("zoom_out", "Zoom &out", "&View/&Zoom", ("-",), partial(_zoom, -1)),
    *(
        Action(f"zoom_{n}", f"{n}:1", "&View/&Zoom", (f"Ctrl+{n}",), _plainly(change.n_to_one, n))
        for n in range(2, 10)
    ),
    *_arrows(),
    *(
        Action(
            f"focus_{i + 1}", f"Pane {i + 1}", "&View/&Go", (f"{i + 1}",),
            _plainly(change.focus, i), _is("focus", i), partial(_pane_missing, i),
        )
        for i in range(panes.MOST)
    ),
    Action("point_centre", "&Cross in the middle", "&View", ("Z",), _plainly(change.point, (0, 0))),
    Action("loupe", "&Loupe", "&View", ("L",), _plainly(changes.toggle_loupe), _is("loupe", True)),
    Action(
        "numbers", "&Numbers in large pixels", "&View", ("N",), _plainly(changes.toggle_numbers),
        _is("numbers", True),
    ),
    Action(
        "geometry", "&Samples at their true places", "&View", ("A",),
        _plainly(changes.toggle_geometry), _is("geometry", Geometry.SAMPLES),
    ),
    Action("next_channel", "Next cha&nnel", "&View", ("]",), blocked=_few_channels),
    Action("previous_channel", "Previous channel", "&View", ("[",), blocked=_few_channels),
    Action("brighter", "&Brighter", "&View", ("E",), _plainly(changes.expose, EXPOSURE)),
    Action("darker", "&Darker", "&View", ("Shift+E",), _plainly(changes.expose, -EXPOSURE)),
    Action("next_gamma", "Next ga&mma", "&View", ("Y",), _plainly(changes.next_gamma)),
    Action("reset", "&Reset exposure, gamma, gain", "&View", ("R",), _plainly(changes.reset)),
)  # fmt: skip
WINDOW = (
    *(
        Action(
            f"panel_{name}", title, "P&anels", (key,), _plainly(changes.toggle_panel, name),
            _is("panel", name),
        )
        for name, title, key in PANELS
    ),
    Action(
        "learning", "&Learning", "P&anels", ("W",), _plainly(changes.toggle_learning),
        _is("learning", True),
    ),
    Action("toggle_full_screen", "Full &screen", "&Window", ("F11",)),
    Action("toggle_methods", "&Methods at the left", "&Window", ("F9",)),
    Action(
        "light_theme", "&Light theme", "&Window", ("Ctrl+T",), _plainly(changes.toggle_theme),
        _is("theme", "light"),
    ),
    Action("cancel", "&Cancel", "&Window", ("Esc",)),
    Action("show_palette", "&All actions...", "&Window", ("Ctrl+Shift+P",)),
    Action("show_keys", "&Keys", "&Window", ("F1",)),
)  # fmt: skip
ACTIONS = (*FILE, *EXPORT, *PANES, *COMPARE, *VIEW, *WINDOW)
# What the mouse does, for the sheet of keys.
GESTURES = (
    ("Zoom about the cursor", "wheel"),
    ("Move", "drag"),
    ("Shift one pane", "Alt+drag"),
    ("Move the line of a split", "drag the line"),
    ("Draw a region", "C, then drag"),
)


def plain(text: str) -> str:
    """A menu text without the mark of its access key."""
    return text.replace("&", "").replace("...", "")


def place(row: Action) -> str:
    """Menu and text of a row, to be read."""
    return f"{plain(row.menu).replace('/', ' > ')} > {plain(row.text)}"
