"""What an output pixel costs, from small results to huge ones, in units of memset's cost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

import upsampler

from .contest import LIMIT
from .limits import memset
from .study import Study, counted
from .timing import measure, settling

SIDES = tuple(64 << k for k in range(9))  # of the result: up to 16384
QUICK_SIDES = SIDES[:7]
FLAT = 512  # the side from which the cost should be flat
WAYS = (  # mode, dtype
    ("nearest", "float32"),
    ("bilinear", "float32"),
    ("bicubic", "float32"),
    ("bilinear", "uint8"),
)


def ratios(side: int, threads: int, share: float) -> list[float]:
    """Times memset of the same result, by way: twice as large as its source, into given memory."""
    found = []
    with ThreadPoolExecutor(max(1, threads - 1)) as pool:
        for mode, dtype in WAYS:
            x = np.ones((side // 2, side // 2), dtype)
            out = np.ones((side, side), dtype)
            runs: dict[str, Callable[[], Any]] = {
                LIMIT: partial(memset, out.view(np.uint8).reshape(-1), pool, threads),
                mode: partial(
                    upsampler.interpolate, x, scale_factor=2, mode=mode, out=out,
                    num_threads=threads,
                ),
            }  # fmt: skip
            times = measure(runs, share, settle=settling(threads))
            found.append(times[mode].median / times[LIMIT].median)
    return found


def spread(rows: list[list[float]]) -> list[float]:
    """How far the largest of a column is from its least.

    >>> spread([[1.0, 2.0], [2.0, 3.0]])
    [2.0, 1.5]
    """
    return [max(column) / min(column) for column in zip(*rows, strict=True)]


def study(threads: int, quick: bool, share: float) -> Study:
    sides = QUICK_SIDES if quick else SIDES
    found = {side: ratios(side, threads, share) for side in sides}
    names = [f"{mode} {dtype}" for mode, dtype in WAYS]
    flat = spread([found[side] for side in sides if side >= FLAT])
    ends = ", ".join(f"{n} {f:.2g}x" for n, f in zip(names, flat, strict=True))
    return Study(
        name="growth",
        title=f"Cost by size, {counted(threads)}, in times memset",
        text=f"Gray pictures enlarged twice into given memory; from {FLAT} on the largest is above "
        f"the least by: {ends}.",
        heads=("result", *names),
        rows=[(f"{side} x {side}", *found[side]) for side in sides],
    )
