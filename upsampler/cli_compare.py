"""``upsampler compare``: read, degrade, restore, measure, draw."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from .comparison import Comparison, Outcome, compare, degrade
from .console import Progress, stoppable, table_console
from .crops import Crop
from .images import write
from .methods import DEFAULT_METHODS, Method
from .picture import ImageError, Picture, shown
from .sheet import contact_sheet, milliseconds, score_text

DEFAULT_SHEET = "upsampler-sheet.png"
DEFAULT_SCALE = Fraction(4)


@stoppable()
def compare_files(
    image: str,
    output: str | None,
    methods: Sequence[Method] = (),
    scale: Fraction | None = None,
    reference: str | None = None,
    crops: Sequence[str] = (),
    linear_light: bool = False,
    threads: int | None = None,
) -> Path:
    """Compare `methods` on the file `image`: prints the table and returns the sheet's place."""
    from .cli import naming, read_noting

    rectangles = [_crop(text) for text in crops]
    small = read_noting(image)
    truth = None if reference is None else read_noting(reference)
    with Progress("comparing") as progress, naming(image):
        if truth is None:
            try:
                truth, small = degrade(small, scale or DEFAULT_SCALE)
            except ValueError as error:
                raise ImageError(f"{shown(image)}: {error}") from None
        comparison = compare(
            truth,
            small,
            methods or DEFAULT_METHODS,
            degraded=reference is None,
            linear_light=linear_light,
            num_threads=threads,
            progress=lambda name, done, total: progress.update(done, total, name),
        )
        progress.stage("drawing")
        sheet = contact_sheet(comparison, shown(Path(image).name), rectangles or None)
        target = Path(output or DEFAULT_SHEET)
        write(target, Picture(sheet))
    _print_table(comparison)
    click.echo(f"contact sheet: {shown(target)}")
    return target


def _crop(text: str) -> Crop:
    match = re.fullmatch(r"\s*(\d{1,9}),(\d{1,9}),(\d{1,5})(?:x(\d{1,5}))?\s*", text)
    if match is None:
        raise click.UsageError(
            f"--crop: got {text!r}; allowed: X,Y,SIZE such as 120,80,48 or 120,80,24x12"
        )
    x, y, width, height = (int(group or match[3]) for group in match.groups())
    return Crop(y, x, height, width)


_COLUMNS: dict[str, Callable[[Outcome], str]] = {
    "checkerboard": lambda o: "-" if o.score is None else score_text(o.score),
    "time": lambda o: milliseconds(o.seconds),
    "PSNR [dB]": lambda o: f"{o.metrics.psnr:.2f}",
    "SSIM": lambda o: f"{o.metrics.ssim:.4f}",
    "mean error": lambda o: f"{o.metrics.mae:.4g}",
    "max error": lambda o: f"{o.metrics.max_error:.4g}",
}
_DISPENSABLE = ("max error", "mean error", "time", "SSIM")  # the first goes first


def _print_table(comparison: Comparison) -> None:
    console = table_console()
    # The methods are what it is about: in a narrow terminal columns go, not their letters.
    roomy = console.options.update(width=1000)  # measured in its own width, every table fits
    for left_out in range(len(_DISPENSABLE) + 1):
        table = _table(comparison, _DISPENSABLE[:left_out])
        if console.measure(table, options=roomy).maximum <= console.width:
            break
    console.print(table)


def _table(comparison: Comparison, left_out: Sequence[str]) -> Any:
    """The table less some columns, whose names are told below it."""
    from rich.table import Table

    small, truth = comparison.small, comparison.truth
    columns = {name: cell for name, cell in _COLUMNS.items() if name not in left_out}
    if all(outcome.score is None for outcome in comparison.outcomes):
        del columns["checkerboard"]
    table = Table(
        title=f"{small.width} x {small.height} -> {truth.width} x {truth.height} pixels",
        title_justify="left",
        caption=f"in a wider terminal: {', '.join(left_out)}" if left_out else None,
        caption_justify="left",
    )
    table.add_column("method", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    best = max((o.metrics.psnr for o in comparison.outcomes), default=None)
    for outcome in comparison.outcomes:
        is_best = outcome.metrics.psnr == best and len(comparison.outcomes) > 1
        cells = [cell(outcome) for cell in columns.values()]
        table.add_row(outcome.method.name, *cells, style="bold green" if is_best else None)
    return table
