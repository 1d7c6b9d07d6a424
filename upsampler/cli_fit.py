"""``upsampler fit``: read, degrade, learn, measure, save."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import click

from .analysis import checkerboard
from .console import Progress, stoppable, table_console
from .conv_layers import ConvTranspose2d
from .fitting import (
    FIXED,
    HOLD_OUT,
    LEARNED,
    Example,
    check_kernel_size,
    learn_kernel,
    measure_methods,
    parted,
)
from .learn import REACH
from .picture import ImageError, shown

Row = tuple[str, dict[str, float]]  # a picture, and PSNR by method


@stoppable()
def fit_files(
    images: Sequence[str],
    output: str,
    scale: int = 2,
    kernel_size: int | None = None,
    ridge: float = 0.0,
    hold_out: int = HOLD_OUT,
    threads: int | None = None,
) -> ConvTranspose2d:
    """Learn from the files `images`, write the kernel to `output`, and print how good it is."""
    try:
        check_kernel_size(kernel_size or REACH * scale, scale)
    except ValueError as error:
        raise click.UsageError(str(error).replace("kernel_size", "--kernel-size")) from None
    if not isfinite(ridge):
        raise click.UsageError(f"--ridge: got {ridge}; allowed: a finite number of at least 0")
    _check_distinct(images)
    with Progress("learning") as progress:
        plan = (
            _parted_tiles(images[0], scale)
            if len(images) == 1
            else _parted_files(images, scale, hold_out)
        )
        steps = len(plan.learn) + len(plan.held)

        def loaded(sources: Sequence[_Source], doing: str, done: int) -> Iterator[Example]:
            for number, source in enumerate(sources, done):
                progress.update(number, steps, f"{doing} {source.name}")
                yield source.load()

        kernel = learn_kernel(loaded(plan.learn, "learning from", 0), scale, kernel_size, ridge)
        examples = loaded(plan.held, "measuring on", len(plan.learn))
        scores = [measure_methods(example, kernel, threads) for example in examples]
        kernel.save(output)
    _print_table([(s.name, psnr) for s, psnr in zip(plan.held, scores, strict=True)], scale)
    click.echo(plan.told)
    side, score = kernel.kernel_size[0], checkerboard(kernel.weight, scale).score
    click.echo(
        f"kernel: {side} x {side} for x{scale}, checkerboard score {score:.1g}: {shown(output)}"
    )
    return kernel


class _Source(NamedTuple):
    """Something to learn from or to measure on; it is read when its turn comes."""

    name: str
    load: Callable[[], Example]


class _Plan(NamedTuple):
    learn: list[_Source]
    held: list[_Source]
    told: str


def _parted_files(images: Sequence[str], scale: int, hold_out: int) -> _Plan:
    sources = [_Source(shown(Path(p).name), partial(_example, p, scale)) for p in images]
    learn, held = ([sources[i] for i in chosen] for chosen in parted(len(images), hold_out))
    names = ", ".join(source.name for source in held)
    return _Plan(learn, held, f"learned from {len(learn)} of {len(images)}; held out: {names}")


def _parted_tiles(path: str, scale: int) -> _Plan:
    whole = _example(path, scale)
    try:
        learn, held = whole.halves()
    except ValueError as error:
        raise ImageError(f"{shown(path)}: {error}") from None
    name = shown(Path(path).name)
    return _Plan(
        [_Source(name, lambda: learn)],
        [_Source(name, lambda: held)],
        "learned from every other tile of the picture; held out: the tiles between",
    )


def _example(path: str, scale: int) -> Example:
    from .cli import naming, read_noting

    picture = read_noting(path)
    with naming(path):
        try:
            return Example.of(picture, scale)
        except ValueError as error:
            raise ImageError(f"{shown(path)}: {error}") from None


def _check_distinct(images: Sequence[str]) -> None:
    """A picture that is learned from must not be measured on, either."""
    seen: set[str] = set()
    for path in images:
        if (place := os.path.realpath(path)) in seen:
            raise click.UsageError(f"IMAGES: got {shown(path)} twice; allowed: different pictures")
        seen.add(place)


def _print_table(rows: Sequence[Row], scale: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"PSNR [dB] of what was held out, x{scale}", title_justify="left")
    table.add_column("picture", overflow="fold")
    methods = (*FIXED, LEARNED)
    for method in methods:
        table.add_column(method, justify="right", no_wrap=True)
    means = {method: fmean(psnr[method] for _, psnr in rows) for method in methods}
    for name, psnr in [*rows, *([("mean", means)] if len(rows) > 1 else [])]:
        best = max(psnr.values())
        styles = ["bold green" if psnr[method] == best else "" for method in methods]
        cells = [Text(f"{psnr[m]:.2f}", style) for m, style in zip(methods, styles, strict=True)]
        table.add_row(name, *cells)
    table_console().print(table)
