"""``upsampler view``: the viewer, or the contact sheet where no window can be opened."""

from __future__ import annotations

import importlib

from .console import note
from .picture import shown


def open_viewer(files: list[str]) -> int:
    """Run the viewer until its window is closed; without one, write the contact sheet."""
    problem = viewer_problem()
    if problem is None:
        return int(importlib.import_module("upsampler_gui.app").main(files))
    from .charts import SAMPLE
    from .cli_compare import compare_files

    note(f"no viewer: {problem}")
    source = files[0] if files else str(SAMPLE)
    name = shown(source) if files else "the built-in photograph"
    note(f"writing the contact sheet of {name} instead")
    compare_files(source, None)
    return 0


def viewer_problem() -> str | None:
    """Why no window can be opened here and what to do about it, or None."""
    try:
        app = importlib.import_module("upsampler_gui.app")
    except ImportError as error:
        return f"the package upsampler_gui cannot be imported ({error}); install upsampler anew"
    reason: str | None = app.why_not()
    return reason
