"""The viewer from a script or a notebook."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .methods import Method


def compare(
    array: Any,
    methods: Sequence[str | Method] = (),
    reference: Any = None,
    *,
    layout: str | None = None,
    block: bool | None = None,
) -> None:
    """Open the viewer on an array, to compare methods on it.

    Parameters
    ----------
    array : array_like or path-like
        A picture, (H, W) or (H, W, C), a feature map, (C, H, W) or (N, C, H, W), or the path of a
        file.
    methods : sequence of str, optional
        Names as `upsampler.methods.parse` reads them, a scale behind them at will:
        ``"bilinear"``, ``"bicubic:align_corners:2"``, ``"conv_transpose:learned.npz:4"``; up to
        nine.  By default the four panes of the first start.
    reference : array_like or path-like, optional
        The ground truth, of the size of the results: methods without a scale make that size.
    layout : str, optional
        A letter for each axis of `array`, such as ``"CHW"``; by default what it most likely is.
    block : bool, optional
        Whether to come back only when the window is closed.  By default so in a script, and not
        where an interactive shell or a notebook runs Qt's loop.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed.
    RuntimeError
        If no window can be opened: a sentence that says why, and what would help.

    Notes
    -----
    PySide6 is imported by the first call; ``pip install 'upsampler[gui]'`` gets it.
    """
    try:
        launch = importlib.import_module("upsampler_gui.launch")
        app = importlib.import_module("upsampler_gui.app")
    except ImportError as error:
        raise RuntimeError(
            f"the package upsampler_gui cannot be imported ({error}); install upsampler anew"
        ) from error
    if isinstance(methods, str):
        raise TypeError(f"methods: got {methods!r}; allowed: a sequence of names")
    source = launch.source_of(array, "array", layout)
    truth = None if reference is None else launch.source_of(reference, "reference", None)
    wanted = launch.Launch(methods=launch.names_of(methods), reference=truth)
    app.open_window(wanted, source, _runs_no_loop() if block is None else bool(block))


def _runs_no_loop() -> bool:
    """Whether nobody but us will run Qt's loop; a notebook is asked to."""
    shell = sys.modules.get("IPython")
    interactive = None if shell is None else shell.get_ipython()
    if interactive is None:
        return True
    if hasattr(interactive, "kernel"):  # a notebook: its loop can take Qt's along
        interactive.enable_gui("qt")
        return False
    return not str(getattr(interactive, "active_eventloop", "") or "").startswith("qt")
