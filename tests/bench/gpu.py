"""Times the kernels of the GPU beside a copy on the device and beside PyTorch.

Times are medians between events of the stream, without the first calls, which compile.  "of copy"
is the time of a device copy that moves as many bytes over ours: 1 is as fast as memory goes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import upsampler
from upsampler.backends import connect

WARM, TIMED = 3, 20  # calls
SHAPE = (8, 256, 128, 128)


@dataclass(frozen=True)
class Case:
    """An operation on one array of random numbers; `peer` names what PyTorch calls it."""

    name: str
    ours: Callable[[Any], Any]
    shape: tuple[int, ...] = SHAPE
    dtype: str = "float32"
    peer: str | None = None


@dataclass(frozen=True)
class Row:
    """What was measured; times in seconds."""

    name: str
    dtype: str
    ours: float
    copy: float
    torch: float | None


doubled = partial(upsampler.interpolate, scale_factor=2)


def _reduced(mode: str) -> Callable[[Any], Any]:
    def backward(grad: Any) -> Any:
        small = (*grad.shape[:2], grad.shape[2] // 2, grad.shape[3] // 2)
        return upsampler.interpolate_backward(grad, small, scale_factor=2, mode=mode)

    return backward


def cases(shape: tuple[int, ...] = SHAPE) -> list[Case]:
    n, c, h, w = shape
    found = []
    for dtype in ("float32", "float16"):
        for mode in ("nearest", "bilinear", "bicubic"):
            found.append(Case(f"{mode} x2", partial(doubled, mode=mode), shape, dtype, mode))
        last = (n, h, w, c)
        found.append(
            Case("bilinear x2 NHWC", partial(doubled, mode="bilinear", layout="NHWC"), last, dtype)
        )
        large = (n, c, 2 * h, 2 * w)
        found.append(Case("bilinear x2 backward", _reduced("bilinear"), large, dtype))
        shuffled = partial(upsampler.pixel_shuffle, upscale_factor=2)
        found.append(Case("pixel shuffle x2", shuffled, shape, dtype))
    return found


def timed(xp: Any, call: Callable[[], Any]) -> float:
    """The median time of a call on the current stream, in seconds."""
    times = []
    for number in range(WARM + TIMED):
        start, stop = xp.cuda.Event(), xp.cuda.Event()
        start.record()
        call()
        stop.record()
        stop.synchronize()
        if number >= WARM:
            times.append(xp.cuda.get_elapsed_time(start, stop) / 1000)
    return median(times)


def measured(xp: Any, case: Case) -> Row:
    rng = np.random.default_rng(0)
    x = xp.asarray(rng.random(case.shape, np.float32).astype(case.dtype))
    y = case.ours(x)
    moved = xp.empty((x.nbytes + y.nbytes) // 2, np.uint8)
    target = xp.empty(moved.shape, np.uint8)
    moved.fill(0)
    return Row(
        case.name,
        case.dtype,
        timed(xp, lambda: case.ours(x)),
        timed(xp, lambda: xp.copyto(target, moved)),
        _torch_time(case),
    )


def _torch_time(case: Case) -> float | None:
    try:
        import torch
    except ImportError:
        return None
    if case.peer is None or not torch.cuda.is_available():
        return None
    x = torch.rand(case.shape, dtype=getattr(torch, case.dtype), device="cuda")
    times = []
    for number in range(WARM + TIMED):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        torch.nn.functional.interpolate(x, scale_factor=2, mode=case.peer)
        stop.record()
        stop.synchronize()
        if number >= WARM:
            times.append(start.elapsed_time(stop) / 1000)
    return median(times)


def table(rows: list[Row]) -> Table:
    found = Table()
    for name in ("case", "dtype", "ours us", "copy us", "of copy", "torch us"):
        found.add_column(name, justify="left" if name in ("case", "dtype") else "right")
    for row in rows:
        numbers = (1e6 * row.ours, 1e6 * row.copy, row.copy / row.ours)
        peer = "" if row.torch is None else f"{1e6 * row.torch:.0f}"
        found.add_row(
            row.name, row.dtype, *(f"{v:.3g}" if v < 10 else f"{v:.0f}" for v in numbers), peer
        )
    return found


def main(path: Path | None, shape: tuple[int, ...] = SHAPE) -> int:
    xp = connect().xp
    rows = [measured(xp, case) for case in cases(shape)]
    devices = upsampler.backends()["gpu"]["devices"]
    console = Console()
    console.print(f"{devices[0]}, {shape}")
    console.print(table(rows))
    if path is not None:
        found = {"device": devices[0], "shape": shape, "rows": [asdict(row) for row in rows]}
        path.write_text(json.dumps(found, indent=2), encoding="utf-8")
    return 0
