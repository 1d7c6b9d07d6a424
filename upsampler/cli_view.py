"""``upsampler view``: the viewer, or the contact sheet where no window can be opened."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import click

from .console import note
from .picture import shown


@dataclass(frozen=True)
class Wish:
    """What the options of ``upsampler view`` ask for."""

    methods: tuple[str, ...] = ()
    reference: str | None = None
    mode: str = "grid"
    at: tuple[float, float] | None = None
    zoom: float | None = None


def open_viewer(files: list[str], wish: Wish = Wish()) -> int:  # it is frozen
    """Run the viewer until its window is closed; without one, write the contact sheet."""
    problem = viewer_problem()
    if problem is None:
        app = importlib.import_module("upsampler_gui.app")
        return int(app.main(files) if wish == Wish() else app.main(files, _launch(wish)))
    from .charts import SAMPLE
    from .cli_compare import compare_files

    note(f"no viewer: {problem}")
    source = files[0] if files else str(SAMPLE)
    name = shown(source) if files else "the built-in photograph"
    note(f"writing the contact sheet of {name} instead")
    compare_files(source, None)
    return 0


def export_view(
    files: list[str], wish: Wish, target: str, size: tuple[int, int] | None, force: bool
) -> None:
    """Write what the viewer would show, without a screen."""
    from .cli import check_target

    if len(files) > 1:
        raise click.UsageError("--export takes one file: what it writes shows one")
    check_target(target, force)
    app = importlib.import_module("upsampler_gui.app")
    arguments = () if size is None else ((size[1], size[0]),)
    app.export(files[0] if files else None, _launch(wish), target, *arguments)
    click.echo(f"view: {shown(target)}")


def _launch(wish: Wish) -> Any:
    launch = importlib.import_module("upsampler_gui.launch")
    settings = importlib.import_module("upsampler_gui.settings")
    for method in wish.methods:
        launch.split(method)  # what is wrong with it is told before anything is read
    return launch.Launch(wish.methods, wish.reference, settings.Mode(wish.mode), wish.at, wish.zoom)


def viewer_problem() -> str | None:
    """Why no window can be opened here and what to do about it, or None."""
    try:
        app = importlib.import_module("upsampler_gui.app")
    except ImportError as error:
        return f"the package upsampler_gui cannot be imported ({error}); install upsampler anew"
    reason: str | None = app.why_not()
    return reason
