"""``upsampler compare``: read, degrade, restore, measure, draw."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import click

from .comparison import Comparison, compare, degrade
from .console import Progress
from .crops import Crop
from .images import write
from .methods import DEFAULT_METHODS, Method
from .picture import ImageError, Picture, shown
from .sheet import contact_sheet, milliseconds

DEFAULT_SHEET = "upsampler-sheet.png"
DEFAULT_SCALE = Fraction(4)


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
    from .cli import read_noting

    rectangles = [_crop(text) for text in crops]
    picture = read_noting(image)
    if reference is None:
        try:
            truth, small = degrade(picture, scale or DEFAULT_SCALE)
        except ValueError as error:
            raise ImageError(f"{shown(image)}: {error}") from None
    else:
        truth, small = read_noting(reference), picture
    with Progress("comparing") as progress:
        comparison = compare(
            truth,
            small,
            methods or DEFAULT_METHODS,
            degraded=reference is None,
            linear_light=linear_light,
            num_threads=threads,
            progress=lambda name, done, total: progress.update(done, total, name),
        )
        sheet = contact_sheet(comparison, Path(image).name, rectangles or None)
    target = Path(output or DEFAULT_SHEET)
    write(target, Picture(sheet))
    _print_table(comparison)
    click.echo(f"contact sheet: {target}")
    return target


def _crop(text: str) -> Crop:
    match = re.fullmatch(r"\s*(\d{1,9}),(\d{1,9}),(\d{1,5})\s*", text)
    if match is None:
        raise click.UsageError(f"--crop: got {text!r}; allowed: Y,X,SIZE such as 120,80,48")
    y, x, side = (int(group) for group in match.groups())
    return Crop(y, x, side, side)


def _print_table(comparison: Comparison) -> None:
    from rich.console import Console
    from rich.table import Table

    small, truth = comparison.small, comparison.truth
    table = Table(
        title=f"{small.width} x {small.height} -> {truth.width} x {truth.height} pixels",
        title_justify="left",
    )
    table.add_column("method", overflow="fold")
    for name in ("time", "PSNR [dB]", "SSIM", "mean error", "max error"):
        table.add_column(name, justify="right", no_wrap=True)
    best = max((o.metrics.psnr for o in comparison.outcomes), default=None)
    for outcome in comparison.outcomes:
        m = outcome.metrics
        table.add_row(
            outcome.method.name,
            milliseconds(outcome.seconds),
            f"{m.psnr:.2f}",
            f"{m.ssim:.4f}",
            f"{m.mae:.4g}",
            f"{m.max_error:.4g}",
            style="bold green" if m.psnr == best and len(comparison.outcomes) > 1 else None,
        )
    # Where no terminal sets a width (a pipe, a file) names shall not be cut at rich's 80.
    Console(width=None if sys.stdout.isatty() else 120).print(table)
