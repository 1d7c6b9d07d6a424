"""The measures of pictures that need not be in memory: some rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import numpy as np

from .metrics import Metrics, decibel, error_sums, ssim, ssim_window

BLOCK = 1 << 19  # samples between two looks at whether anybody waits: some 50 ms of SSIM

Rows = Callable[[int, int], np.ndarray]


def measure_rows(
    reference: Rows,
    test: Rows,
    shape: tuple[int, ...],
    data_range: float,
    progress: Callable[[int, int], None] | None = None,
) -> Metrics:
    """`measure` of two pictures that are made, or read, when their rows are asked for.

    Parameters
    ----------
    reference, test : callable
        ``rows(start, stop)`` gives these rows of the picture, (stop - start, W) or (stop - start,
        W, C), both of the same dtype.  Blocks follow each other and overlap by the window of SSIM.
    shape : tuple of int
        Of the pictures, (H, W) or (H, W, C).
    data_range : float
        Distance of black and white.
    progress : callable, optional
        Called as ``progress(done, total)`` in rows before each block and at the end; what it
        raises ends the work.

    Returns
    -------
    Metrics
        What `measure` says of the whole pictures, but for rounding.

    Raises
    ------
    TypeError, ValueError
        As `measure`, for a block.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler.metrics_rows import measure_rows
    >>> a, b = np.zeros((9, 7)), np.full((9, 7), 0.1)
    >>> found = measure_rows(lambda i, j: a[i:j], lambda i, j: b[i:j], (9, 7), 1.0)
    >>> round(found.psnr, 6), round(found.mae, 6), round(found.max_error, 6)
    (20.0, 0.1, 0.1)
    """
    height, width = shape[:2]
    channels = shape[2] if len(shape) == 3 else 1
    window = ssim_window(height, width)
    beside = (window or 1) // 2  # rows at each border in which no window has its middle
    step = max(BLOCK // (width * channels), window or 1)
    square = absolute = similar = 0.0
    largest = 0.0
    for start in range(0, height, step):
        if progress is not None:
            progress(start, height)
        stop = min(start + step, height)
        first, last = max(start - beside, 0), min(stop + beside, height)
        a, b = reference(first, last), test(first, last)
        own = slice(start - first, stop - first)
        errors = error_sums(a[own], b[own])
        square, absolute = square + errors[0], absolute + errors[1]
        largest = float(np.maximum(largest, errors[2]))  # which hands on a NaN
        middles = last - first - 2 * beside
        if window and middles > 0:
            similar += middles * ssim(a, b, data_range=data_range)
    if progress is not None:
        progress(height, height)
    samples = height * width * channels
    return Metrics(
        decibel(square / samples, data_range),
        similar / (height - 2 * beside) if window else nan,
        absolute / samples,
        largest,
    )
