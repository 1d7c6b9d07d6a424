"""What one output is, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .prepared import prepared
from .render import Request, output, render
from .settings import PLAIN, Tone
from .source import Source
from .state import UNCHANGED, Pane
from .viewport import Axis

MOST = 15  # pixels along a side of the grid: of larger ones the middle is shown


@dataclass(frozen=True)
class Place:
    """An output of a pane, and how the pane is shown."""

    source: Source
    pane: Pane
    row: int
    column: int
    tone: Tone = PLAIN


@dataclass(frozen=True, eq=False)
class Inspection:
    """What an output is made of.

    Attributes
    ----------
    told : tuple of str
        Its values, in the units of the file.
    rows, columns : (start, stop)
        The pixels of the source that count.
    weights : (h, w) float64
        What each is multiplied by; of a kernel for each channel that of the first.
    pixels : (h, w, C) ndarray
        Those of `source.values`.
    colours : (h, w) uint32
        The same as they are shown.
    sum : (C,) float64
        Of the products: the output before it is rounded.
    """

    told: tuple[str, ...]
    rows: tuple[int, int]
    columns: tuple[int, int]
    weights: np.ndarray
    pixels: np.ndarray
    colours: np.ndarray
    sum: np.ndarray


def values_at(place: Place) -> tuple[str, ...]:
    """The values of an output, in the units of the file."""
    r, c = place.row, place.column
    return place.source.told(output(place.source, place.pane, (r, r + 1), (c, c + 1))[0, 0])


def inspect(place: Place) -> Inspection:
    """What the output at `place` is made of."""
    made = prepared(place.source, place.pane).contributions(place.row, place.column)
    pixels = output(place.source, UNCHANGED, made.rows, made.columns)
    weights = made.weights[..., None]
    with np.errstate(invalid="ignore", over="ignore"):
        # Where the weight is 0 a pixel does not count, not even as NaN.
        products = weights * np.where(weights != 0, pixels.astype(np.float64), 0)
    total = np.array([products[c % len(products), ..., c].sum() for c in range(pixels.shape[2])])
    axes = [
        Axis(n, n, stop - start, (start + stop) / 2, 1.0)
        for n, (start, stop) in zip(place.source.size, (made.rows, made.columns), strict=True)
    ]
    colours = render(Request(place.source, UNCHANGED, *axes, look=place.tone)).pixels
    return Inspection(
        values_at(place), made.rows, made.columns, made.weights[0], pixels, colours, total
    )


def middle(found: Inspection, most: int = MOST) -> tuple[slice, slice]:
    """The rows and columns of the grid that are drawn: all, or those in the middle."""
    sides = []
    for n in found.weights.shape:
        length = min(n, most)
        sides.append(slice((n - length) // 2, (n - length) // 2 + length))
    return sides[0], sides[1]
