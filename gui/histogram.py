"""How often each value occurs in a part of a pane; nothing is lost that no bin is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod

import numpy as np

from .parts import Part, unit
from .render import never
from .source import Source

BINS = 256
MOST = 1 << 25  # samples that are counted: a second or so


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of one part.

    Attributes
    ----------
    edges : (bins + 1,) float64
        Of the bins, in the units of the file; of integers half way between two of them.
    counts : (C, bins) int64
    below, above, nan : (C,) int64
        What lies outside of all bins, infinite values included, and what is no number.
    every : int
        Of large parts every so manyth row is counted.
    """

    edges: np.ndarray
    counts: np.ndarray
    below: np.ndarray
    above: np.ndarray
    nan: np.ndarray
    every: int = 1

    @property
    def totals(self) -> np.ndarray:
        """(C,) int64: all values of each channel."""
        return self.counts.sum(axis=1) + self.below + self.above + self.nan


def bin_edges(source: Source) -> np.ndarray:
    """The bins for a picture and all that is made of it, in the units of its file.

    8-bit pictures have one for each level.  Others get at most `BINS` over the range of the
    picture, of 16-bit ones with equally many levels in each; overshoot falls outside.
    """
    if np.uint8 in (source.dtype, source.values.dtype):
        return np.arange(257) - 0.5
    # Weighed by opacity, colours go down to black.
    low, high = (0.0, unit(source)) if source.weighted else (source.low, source.high)
    if source.dtype.kind in "iu":
        width = ceil((high - low + 1) / BINS)
        return low - 0.5 + width * np.arange(ceil((high - low + 1) / width) + 1)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def histogram(part: Part, cancelled: Callable[[], bool] = never) -> Histogram:
    """Count the values of a part, of some of its rows where there are more than `MOST`.

    Raises
    ------
    Cancelled
        Soon after `cancelled` began to return True.
    """
    edges, scale = bin_edges(part.source), unit(part.source)
    channels, bins = part.shape[2], edges.size - 1
    counts = np.zeros((channels, bins), np.int64)
    outside = np.zeros((3, channels), np.int64)
    levels = part.source.values.dtype.name in ("uint8", "uint16")
    every = max(-(-prod(part.shape) // MOST), 1)
    for block in part.blocks(cancelled, every):
        for c in range(channels):
            values = block[..., c].ravel()
            found = _levels(values, edges) if levels else _numbers(values, edges, scale)
            counts[c] += found[0]
            outside[:, c] += found[1]
    return Histogram(edges, counts, *outside, every)


def _levels(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Of 8 and 16-bit integers, by way of a count for each level: much faster than by searching."""
    each = np.bincount(values, minlength=np.iinfo(values.dtype).max + 1)
    at = np.searchsorted(edges, np.arange(each.size), "right") - 1
    inside = (at >= 0) & (at < edges.size - 1)
    counts = np.bincount(at[inside], each[inside], edges.size - 1).astype(np.int64)
    below, above = int(each[at < 0].sum()), int(each[at >= edges.size - 1].sum())
    return counts, (below, above, 0)


def _numbers(
    values: np.ndarray, edges: np.ndarray, scale: float
) -> tuple[np.ndarray, tuple[int, int, int]]:
    known = values[~np.isnan(values)].astype(np.float64) * scale
    counts, _ = np.histogram(known, edges)  # its last bin holds both of its edges
    below, above = int((known < edges[0]).sum()), int((known > edges[-1]).sum())
    return counts, (below, above, values.size - known.size)
