"""What leaves the viewer as a file or as text; without Qt.

Every pixel of an exported picture is one that is shown: values go through the same requests.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod

import numpy as np

from upsampler.color import round_to, unpremultiply
from upsampler.comparison import Comparison, compare, degrade
from upsampler.crops import Crop
from upsampler.methods import parse
from upsampler.picture import ImageError, Picture, available_memory, full_scale, shown
from upsampler.sheet import contact_sheet
from upsampler.streams import check_streamed, writing

from .blocks import Cancelled
from .prepared import prepared
from .settings import Region
from .source import Source
from .state import Pane, ViewerState

BLOCK = 1 << 20  # outputs between two looks at whether the export is still wanted: a few ms
CROP = 48  # outputs of a side of the crops of a sheet, if no region says otherwise
Progress = Callable[[int, int], None]


def picture_of(source: Source) -> Picture:
    """The source as the rest of the package knows it."""
    if not source.weighted:
        return Picture(source.values)
    return Picture(straight(source, source.values), alpha=True)


def straight(source: Source, values: np.ndarray) -> np.ndarray:
    """Values made from those of a source, in the dtype and the units of its file."""
    if not source.weighted:
        return values
    white = values.dtype.type(full_scale(source.dtype))
    return round_to(unpremultiply(values) * white, source.dtype)


def result_shape(source: Source, pane: Pane) -> tuple[int, int, int]:
    """(H, W, C) of the whole result of a pane."""
    return (*pane.output_size(source.size), source.values.shape[2])


def check_result(source: Source, pane: Pane, path: str) -> int:
    """Bytes of the whole result; `ImageError` where the file cannot hold it."""
    shape, dtype = result_shape(source, pane), source.dtype if source.weighted else None
    dtype = dtype or source.values.dtype
    check_streamed(path, shape, dtype, source.weighted)
    return prod(shape) * dtype.itemsize


def write_result(
    source: Source,
    pane: Pane,
    path: str,
    cancelled: Callable[[], bool],
    progress: Progress,
    threads: int | None = None,
) -> None:
    """Write the whole result of a pane, in blocks of rows: no more of it is ever in memory.

    Raises
    ------
    Cancelled
        Soon after `cancelled` began to return True; then there is no file.
    ImageError, OSError
        If the file cannot hold the result or cannot be written.
    """
    check_result(source, pane, path)
    shape = result_shape(source, pane)
    dtype = source.dtype if source.weighted else source.values.dtype
    ready = prepared(source, pane)
    step = max(BLOCK // (shape[1] * shape[2]), 1)
    with writing(path, shape, dtype, source.weighted) as write:
        for top in range(0, shape[0], step):
            if cancelled():
                raise Cancelled
            source.check()
            bottom = min(top + step, shape[0])
            block = ready.window((top, bottom), (0, shape[1]), None, threads)
            write(straight(source, block))
            progress(bottom, shape[0])
        if cancelled():
            raise Cancelled


def sheet(state: ViewerState, seen: Region | None, progress: Progress) -> np.ndarray:
    """(H, W, 3) uint8: the contact sheet of the panes, measured against the truth.

    Where none is open the picture is made smaller by the scale of the focused pane, and restored.

    Parameters
    ----------
    seen : Region or None
        Source pixels of which the sheet is to show the middle; by default it chooses itself.

    Raises
    ------
    ValueError
        If a method cannot have the picture, or memory does not suffice: a sentence.
    """
    methods = tuple(dict.fromkeys(parse(pane.method) for pane in state.panes))
    comparison = _comparison(state, methods, progress)
    crops = None if seen is None else _crops(comparison, seen, state.source.size)
    return contact_sheet(comparison, shown(state.source.name), crops)


def _comparison(state: ViewerState, methods: tuple, progress: Progress) -> Comparison:
    scale = state.panes[state.focus].scale
    small = picture_of(state.source)
    if state.truth is not None:
        truth, degraded = picture_of(state.truth), state.degraded
    elif scale[0] == scale[1]:
        truth, small = degrade(small, Fraction(scale[0]))
        degraded = True
    else:
        raise ValueError(
            "scale: a sheet without a reference wants one scale for both axes; open a reference, "
            "or give the focused pane such a scale"
        )
    need = truth.pixels.nbytes * (len(methods) + 4)
    room = available_memory()
    if room is not None and need > room:
        raise ImageError(
            f"a sheet of {len(methods)} methods needs {need / 1e9:.1f} GB, {room / 1e9:.1f} GB of "
            "memory are available; export a strip of crops instead"
        )
    return compare(
        truth, small, methods, degraded=degraded,
        progress=lambda name, done, total: progress(done, total),
    )  # fmt: skip


def _crops(comparison: Comparison, seen: Region, n: tuple[int, int]) -> tuple[Crop]:
    """The middle of what is seen, in pixels of the truth."""
    truth = comparison.truth
    ends = zip((seen.top, seen.left), (seen.bottom, seen.right), strict=True)
    m = truth.height, truth.width
    spans = [(a * k / length, b * k / length) for (a, b), k, length in zip(ends, m, n, strict=True)]
    sides = [max(min(round(b - a), CROP, k), 1) for (a, b), k in zip(spans, m, strict=True)]
    starts = [
        min(max(round((a + b - side) / 2), 0), k - side)
        for (a, b), side, k in zip(spans, sides, m, strict=True)
    ]
    return (Crop(*starts, *sides),)
