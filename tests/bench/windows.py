"""A window costs its pixels, however large the whole is that it is cut from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import upsampler

from .study import Study, counted
from .timing import measure, settling

SIDES = (512, 1024, 2048, 4096)  # of the source
WINDOW = 512  # the side of the window


def calls(side: int, threads: int) -> dict[str, Callable[[], Any]]:
    """Twice as large as a source of `side`: a window from the middle."""
    rng = np.random.default_rng(0)
    x = rng.random((1, 2, side, side), np.float32)
    weight = rng.random((2, 2, 4, 4), np.float32)
    begin = side - WINDOW // 2
    where = {"window": ((begin, begin + WINDOW),) * 2, "num_threads": threads}
    return {
        "bilinear": partial(upsampler.interpolate, x, scale_factor=2, mode="bilinear", **where),
        "bicubic": partial(upsampler.interpolate, x, scale_factor=2, mode="bicubic", **where),
        "conv_transpose2d": partial(
            upsampler.conv_transpose2d, x, weight, stride=2, padding=1, **where
        ),
        "resize_conv2d": partial(upsampler.resize_conv2d, x, weight[:, :, :3, :3], **where),
    }


def study(threads: int, quick: bool, share: float) -> Study:
    sides = SIDES[:-1] if quick else SIDES
    rows = []
    for side in sides:
        times = measure(calls(side, threads), share, settle=settling(threads))
        rows.append([stats.median * 1e3 for stats in times.values()])
    names = list(calls(*SIDES[:1], threads))
    growth = ", ".join(
        f"{name} {last / first:.2g}x"
        for name, first, last in zip(names, rows[0], rows[-1], strict=True)
    )
    return Study(
        name="windows",
        title=f"Windows, {counted(threads)}, milliseconds",
        text=f"{WINDOW} x {WINDOW} pixels of a result twice as large as its source; from the "
        f"smallest source to the largest the cost grows by: {growth}.",
        heads=("source", *names),
        rows=[(f"2 x {side} x {side}", *row) for side, row in zip(sides, rows, strict=True)],
    )
