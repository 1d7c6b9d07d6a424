"""The table of actions: a row for everything that a key or a menu does.

It feeds the menus, the shortcuts, the sheet of F1 and the tests, so none of them can disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from . import state as change
from .state import ViewerState

PAN = 32  # device pixels for an arrow key; ten times that with Shift
PANES = 4

Step = Callable[[ViewerState, int, int], ViewerState]


@dataclass(frozen=True)
class Action:
    """One row.

    Attributes
    ----------
    name : str
        Of the row; where `step` is None the window has a method of this name.
    text, menu : str
        As they are read in the menu bar.
    keys : tuple of str
        As Qt writes key sequences.
    step : callable, optional
        From a state and the width and height of a pane in device pixels to the next state.
    """

    name: str
    text: str
    menu: str
    keys: tuple[str, ...]
    step: Step | None = None


def _zoom(notches: int, state: ViewerState, width: int, height: int) -> ViewerState:
    return change.zoom(state, notches, width / 2, height / 2, width, height)


def _n_to_one(k: int, state: ViewerState, width: int, height: int) -> ViewerState:
    return change.n_to_one(state, k)


def _pan(dx: int, dy: int, state: ViewerState, width: int, height: int) -> ViewerState:
    return change.pan(state, dx, dy)


def _focus(pane: int, state: ViewerState, width: int, height: int) -> ViewerState:
    return change.focus(state, pane)


def _dismiss(state: ViewerState, width: int, height: int) -> ViewerState:
    return change.dismissed(state)


def _pans() -> list[Action]:
    # An arrow moves the view, hence the picture the other way.
    arrows = {"Left": (1, 0), "Right": (-1, 0), "Up": (0, 1), "Down": (0, -1)}
    rows = []
    for key, (dx, dy) in arrows.items():
        for keys, factor, far in ((key, 1, ""), (f"Shift+{key}", 10, " far")):
            step = partial(_pan, dx * PAN * factor, dy * PAN * factor)
            name = f"pan_{key.lower()}{far.replace(' ', '_')}"
            rows.append(Action(name, f"Move {key.lower()}{far}", "&Go", (keys,), step))
    return rows


ACTIONS = (
    Action("open_dialog", "&Open...", "&File", ("Ctrl+O",)),
    Action("reload", "&Reload", "&File", ("F5",)),
    Action("open_kernel", "Open &kernel...", "&File", ("Ctrl+K",)),
    Action("open_chart", "Test &chart", "&File", ()),
    Action("close", "&Quit", "&File", ("Ctrl+Q",)),
    Action("fit", "&Fit", "&Zoom", ("F",), change.fit),
    Action("one_to_one", "&1:1", "&Zoom", ("0", "Ctrl+1"), partial(_n_to_one, 1)),
    Action("zoom_in", "Zoom &in", "&Zoom", ("+", "="), partial(_zoom, 1)),
    Action("zoom_out", "Zoom &out", "&Zoom", ("-",), partial(_zoom, -1)),
    *(
        Action(f"zoom_{n}", f"{n}:1", "&Zoom", (f"Ctrl+{n}",), partial(_n_to_one, n))
        for n in range(2, 10)
    ),
    *_pans(),
    *(
        Action(f"focus_{i + 1}", f"Focus pane {i + 1}", "&Go", (f"{i + 1}",), partial(_focus, i))
        for i in range(PANES)
    ),
    Action("toggle_full_screen", "Full &screen", "&Window", ("F11",)),
    Action("dismiss", "Dismiss the &message", "&Window", ("Esc",), _dismiss),
    Action("show_keys", "&Keys", "&Window", ("F1",)),
)


def plain(text: str) -> str:
    """A menu text without the mark of its access key."""
    return text.replace("&", "").replace("...", "")
