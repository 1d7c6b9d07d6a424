"""Values along a line through a pane: the outputs themselves, at their places in the source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parts import Part, unit

ALONG = ("row", "column")


@dataclass(frozen=True, eq=False)
class Profile:
    """One pane's values along a line.

    Attributes
    ----------
    places : (k,) float64
        Where the middles of the outputs are, in source pixels, so that panes of different scales
        can be laid over each other.
    values : (k, C) float64
        In the units of the file.
    """

    places: np.ndarray
    values: np.ndarray


def line_part(part: Part, along: str, at: int) -> Part:
    """The one output row (or column) number `at` of a part's pane, as long as the part."""
    if along == "row":
        return Part(part.source, part.pane, (at, at + 1), part.cols)
    return Part(part.source, part.pane, part.rows, (at, at + 1))


def profile(line: Part) -> Profile:
    """The values of a part one output wide."""
    down = line.shape[1] == 1 and line.shape[0] != 1
    axis, (start, stop) = (0, line.rows) if down else (1, line.cols)
    n = line.source.size[axis]
    m = line.pane.output_size(line.source.size)[axis]
    places = (np.arange(start, stop) + 0.5) * n / m
    values = line.values().reshape(-1, line.shape[2])
    return Profile(places, values.astype(np.float64) * unit(line.source))


def envelope(found: Profile, most: int) -> Profile:
    """The same in no more than `most` values: of each stretch the smallest and the largest.

    Drawing all of a line of 100,000 outputs takes seconds, leaving some out would lose the peaks.
    """
    if found.places.size <= most:
        return found
    first = np.arange(most // 2) * found.places.size // (most // 2)
    ends = [of.reduceat(found.values, first) for of in (np.minimum, np.maximum)]
    places = np.linspace(found.places[0], found.places[-1], 2 * first.size)
    return Profile(places, np.stack(ends, axis=1).reshape(places.size, -1))
