"""Means over boxes of what a transposed convolution makes, without making it.

An output is a weighted sum of pixels, so the mean of a box of them is one, too.  The pixels whose
whole kernel falls into the box all have the same weight: their plain sum does.  Only those beside
the edges of the box have weights of their own, and they are few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Edges = np.ndarray  # int64, increasing
Pair = tuple[int, int]

_NOTHING = 1e-13  # of the largest singular value of a kernel: what is smaller is rounding


@dataclass(frozen=True, eq=False)
class _Axis:
    """The boxes of one axis.

    Attributes
    ----------
    cuts : (segments + 1,) int64
        Between them pixels are summed up; they may lie beyond the picture, whose border pixels
        go on there.
    begin, end : (boxes,) int64
        The segments that each box is made of.
    pieces : (boxes, most) int64
        The same, one by one; the number of all segments stands for none.
    weights : (terms, boxes, most) float64
        Of each piece, 0 where there is none.
    """

    cuts: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    pieces: np.ndarray
    weights: np.ndarray


def box_means(
    pixels: np.ndarray,
    kernel: np.ndarray,
    scale: Pair,
    padding: Pair,
    row_edges: Edges,
    column_edges: Edges,
) -> np.ndarray:
    """Means over boxes of a transposed convolution whose border pixels go on for ever.

    Parameters
    ----------
    pixels : ndarray
        (H, W) or (H, W, C).
    kernel : ndarray
        (1, 1, kH, kW), or (C, 1, kH, kW) with a kernel for each channel.
    scale, padding : (int, int)
        Input i and tap t meet at output ``i * scale - padding + t``.
    row_edges, column_edges : ndarray of int64
        Box i is the outputs ``edges[i]`` up to ``edges[i + 1]``.

    Returns
    -------
    ndarray of float64, shape (boxes down, boxes across[, C])
    """
    boxes = len(row_edges) - 1, len(column_edges) - 1
    if min(boxes) < 1:
        return np.empty((max(boxes[0], 0), max(boxes[1], 0), *pixels.shape[2:]))
    planes = pixels if pixels.ndim == 3 else pixels[:, :, None]
    means = np.empty((*boxes, planes.shape[2]))
    for c, weight in enumerate(kernel[:, 0].astype(np.float64)):
        columns, rows = _terms(weight)
        down = _axis(rows, row_edges, scale[0], padding[0])
        across = _axis(columns, column_edges, scale[1], padding[1])
        channels = slice(None) if len(kernel) == 1 else slice(c, c + 1)
        sums = _sums(planes[:, :, channels], down.cuts, across.cuts)
        means[:, :, channels] = _combined(sums, down, across)
    means /= np.diff(row_edges)[:, None, None] * np.diff(column_edges)[:, None]
    return means if pixels.ndim == 3 else means[:, :, 0]


def _terms(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(terms, kW) and (terms, kH): a kernel as a sum of products of a column and a row."""
    down, strength, across = np.linalg.svd(kernel, full_matrices=False)
    count = max(int((strength > _NOTHING * strength[0]).sum()), 1)
    return across[:count], (down * strength).T[:count]


def _axis(taps: np.ndarray, edges: Edges, scale: int, padding: int) -> _Axis:
    k = taps.shape[1]
    # Pixels from the first whose kernel reaches beyond an edge up to the first that lies behind
    # it altogether: each of them is cut off by itself.
    first, last = (edges + padding - k) // scale + 1, -((-edges - padding) // scale)
    beside = np.arange(int((last - first).max()) + 1)
    cuts = np.unique(np.minimum(first[:, None] + beside, last[:, None]))
    begin, end = np.searchsorted(cuts, first[:-1]), np.searchsorted(cuts, last[1:])
    pieces = begin[:, None] + np.arange(int((end - begin).max()))
    none = pieces >= end[:, None]
    # Of the first pixel of each segment the taps from one edge of the box to the other; the other
    # pixels of a segment have the same, which are all.
    at = cuts[np.where(none, 0, pieces)] * scale - padding
    start, stop = (np.clip(edge[:, None] - at, 0, k) for edge in (edges[:-1], edges[1:]))
    sums = np.cumsum(np.pad(taps, ((0, 0), (1, 0))), axis=1)
    weights = np.where(none, 0, sums[:, stop] - sums[:, start])
    return _Axis(cuts, begin, end, np.where(none, len(cuts) - 1, pieces), weights)


def _sums(planes: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(segments across + 1, segments down, C): sums between cuts; the last line is zeros."""
    # Of bytes the sums of up to 65793 are exact.
    work = np.float32 if planes.dtype.itemsize == 1 else np.float64
    planes = _continued(planes, 0, int(rows[0]), int(rows[-1]))
    lines = np.empty((len(rows) - 1, *planes.shape[1:]), work)
    # `add.reduceat` along the first axis takes ten times as long.
    for line, a, b in zip(lines, rows[:-1] - rows[0], rows[1:] - rows[0], strict=True):
        np.add.reduce(planes[a:b], axis=0, dtype=work, out=line)
    across = _continued(lines, 1, int(columns[0]), int(columns[-1]))
    sums = np.zeros((len(columns), len(lines), planes.shape[2]))
    if lines.size:
        across = np.ascontiguousarray(across.transpose(0, 2, 1))  # with the columns side by side
        found = np.add.reduceat(across, columns[:-1] - columns[0], axis=2)
        sums[:-1] = found.transpose(2, 0, 1)
    return sums


def _continued(values: np.ndarray, axis: int, start: int, stop: int) -> np.ndarray:
    """What lies from `start` up to `stop`; beyond the border the nearest line stands in."""
    n, most = values.shape[axis], stop - start - 1
    before, behind = max(min(-start, most), 0), max(min(stop - n, most), 0)
    first, last = min(max(start, 0), n - 1), max(min(stop, n), 1)
    inside = values[first:last] if axis == 0 else values[:, first:last]
    if not (before or behind):
        return inside
    ends = np.split(inside, [1, inside.shape[axis] - 1], axis)
    return np.concatenate([ends[0]] * before + [inside] + [ends[2]] * behind, axis)


def _combined(sums: np.ndarray, down: _Axis, across: _Axis) -> np.ndarray:
    """(boxes down, boxes across, C): the weighted sums of the segments of each box."""
    width, height, channels = sums.shape
    terms, boxes, _ = across.weights.shape
    gathered = sums.reshape(width, height * channels)[across.pieces]
    lines = across.weights.transpose(1, 0, 2) @ gathered
    lines = lines.reshape(boxes, terms, height, channels).transpose(1, 2, 0, 3)
    lines = lines.reshape(terms, height, boxes * channels)
    made = np.empty((len(down.begin), boxes * channels))
    for box, (a, b) in enumerate(zip(down.begin, down.end, strict=True)):
        parts = down.weights[:, box, None, : b - a] @ lines[:, a:b]
        made[box] = parts.sum(axis=(0, 1))
    return made.reshape(-1, boxes, channels)
