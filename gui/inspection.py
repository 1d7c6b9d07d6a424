"""What one output is, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .prepared import prepared
from .render import output
from .source import Source
from .state import Pane

MOST = 15  # pixels along a side of the grid: of larger ones the middle is shown


@dataclass(frozen=True)
class Place:
    """An output of a pane."""

    source: Source
    pane: Pane
    row: int
    column: int


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
    sum : (C,) float64
        Of the products: the output before it is rounded.
    """

    told: tuple[str, ...]
    rows: tuple[int, int]
    columns: tuple[int, int]
    weights: np.ndarray
    pixels: np.ndarray
    sum: np.ndarray


def values_at(place: Place) -> tuple[str, ...]:
    """The values of an output, in the units of the file."""
    r, c = place.row, place.column
    return place.source.told(output(place.source, place.pane, (r, r + 1), (c, c + 1))[0, 0])


def inspect(place: Place) -> Inspection:
    """What the output at `place` is made of."""
    made = prepared(place.source, place.pane).contributions(place.row, place.column)
    pixels = np.asarray(place.source.values[slice(*made.rows), slice(*made.columns)])
    with np.errstate(invalid="ignore", over="ignore"):
        # Where the weight is 0 a pixel does not count, not even as NaN.
        products = made.weights[..., None] * np.where(
            made.weights[..., None] != 0, pixels.astype(np.float64), 0
        )
    channels = pixels.shape[2]
    total = np.array([products[c % len(products), ..., c].sum() for c in range(channels)])
    return Inspection(values_at(place), made.rows, made.columns, made.weights[0], pixels, total)


def middle(found: Inspection, most: int = MOST) -> tuple[slice, slice]:
    """The rows and columns of the grid that are drawn: all, or those in the middle."""
    sides = []
    for n in found.weights.shape:
        length = min(n, most)
        sides.append(slice((n - length) // 2, (n - length) // 2 + length))
    return sides[0], sides[1]
