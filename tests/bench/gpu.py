"""Times the kernels of the GPU beside a copy on the device and beside PyTorch.

Between two events of the stream lie as many calls as keep the device busy while Python prepares the
next; times are medians, without the first calls, which compile.  "of copy" is the time of a device
copy that moves as many bytes over ours: 1 is as fast as memory goes.
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

WARM, TIMED, CALLS = 2, 5, 10
SHAPE = (8, 256, 128, 128)
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """An operation on arrays of random numbers; `peer` does it with PyTorch and its tensors."""

    name: str
    ours: Callable[..., Any]
    shapes: tuple[Shape, ...]
    dtype: str = "float32"
    peer: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Row:
    """What was measured; times in seconds."""

    name: str
    dtype: str
    ours: float
    copy: float
    torch: float | None


def cases(shape: Shape = SHAPE) -> list[Case]:
    n, c, h, w = shape
    large, last = (n, c, 2 * h, 2 * w), (n, h, w, c)
    up = partial(upsampler.interpolate, scale_factor=2)
    down = partial(upsampler.interpolate_backward, input_size=shape, scale_factor=2)
    few = (n, min(c, 64), h, w)
    found = []
    for dtype in ("float32", "float16"):

        def add(name: str, ours: Any, *shapes: Shape, peer: Any = None, dtype: str = dtype) -> None:
            found.append(Case(name, ours, shapes, dtype, peer))

        for mode in ("nearest", "bilinear", "bicubic"):
            add(f"{mode} x2", partial(up, mode=mode), shape, peer=partial(_resized, mode))
        add("bilinear x2 NHWC", partial(up, mode="bilinear", layout="NHWC"), last,
            peer=partial(_resized, "bilinear", last=True))  # fmt: skip
        add("bilinear x2 backward", partial(down, mode="bilinear"), large, peer=_reduced)
        add("pixel shuffle x2", partial(upsampler.pixel_shuffle, upscale_factor=2), shape,
            peer=_shuffled)  # fmt: skip
        add("max pooling", partial(upsampler.max_pool2d, kernel_size=2), shape, peer=_pooled)
        k4s2 = partial(upsampler.conv_transpose2d, stride=2, padding=1)
        depthwise = partial(k4s2, groups=c)
        add("transposed depthwise k4s2", depthwise, shape, (c, 1, 4, 4),
            peer=partial(_convolved, c))  # fmt: skip
        add("transposed k4s2", k4s2, few, (few[1], 32, 4, 4), peer=partial(_convolved, 1))
    return found


def _resized(mode: str, torch: Any, x: Any, last: bool = False) -> Any:
    x = x.permute(0, 3, 1, 2) if last else x
    return torch.nn.functional.interpolate(x, scale_factor=2, mode=mode)


def _reduced(torch: Any, grad: Any) -> Any:
    n, c, h, w = grad.shape
    sizes = (h, w), (n, c, h // 2, w // 2)
    return torch.ops.aten.upsample_bilinear2d_backward(grad, *sizes, False, 2.0, 2.0)


def _shuffled(torch: Any, x: Any) -> Any:
    return torch.nn.functional.pixel_shuffle(x, 2)


def _pooled(torch: Any, x: Any) -> Any:
    return torch.nn.functional.max_pool2d(x, 2)


def _convolved(groups: int, torch: Any, x: Any, weight: Any) -> Any:
    function = torch.nn.functional.conv_transpose2d
    return function(x, weight, stride=2, padding=1, groups=groups)


def timed(event: Callable[[], Any], elapsed: Callable[[Any, Any], float], call: Any) -> float:
    """The median time of a call on the current stream, in seconds."""
    times = []
    for number in range(WARM + TIMED):
        start, stop = event(), event()
        start.record()
        for _ in range(CALLS):
            call()
        stop.record()
        stop.synchronize()
        if number >= WARM:
            times.append(elapsed(start, stop) / 1000 / CALLS)
    return median(times)


def measured(xp: Any, case: Case) -> Row:
    rng = np.random.default_rng(0)
    given = [xp.asarray(rng.random(s, np.float32).astype(case.dtype)) for s in case.shapes]
    nbytes = given[0].nbytes + case.ours(*given).nbytes
    source, target = (xp.zeros(max(1, nbytes // 2), np.uint8) for _ in range(2))
    clock = partial(timed, xp.cuda.Event, xp.cuda.get_elapsed_time)
    ours = clock(partial(case.ours, *given))
    copy = clock(partial(xp.copyto, target, source))
    return Row(case.name, case.dtype, ours, copy, torch_time(case))


def torch_time(case: Case) -> float | None:
    """That of PyTorch, where it is there and has a GPU."""
    try:
        import torch
    except ImportError:
        return None
    if case.peer is None or not torch.cuda.is_available():
        return None
    kind = getattr(torch, case.dtype)
    given = [torch.rand(shape, dtype=kind, device="cuda") for shape in case.shapes]
    return timed(
        partial(torch.cuda.Event, enable_timing=True),
        lambda start, stop: start.elapsed_time(stop),
        partial(case.peer, torch, *given),
    )


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


def main(path: Path | None, shape: Shape = SHAPE) -> int:
    xp = connect().xp
    rows = []
    for case in cases(shape):
        rows.append(measured(xp, case))
        xp.get_default_memory_pool().free_all_blocks()
    devices = upsampler.backends()["gpu"]["devices"]
    console = Console()
    console.print(f"{devices[0]}, {shape}")
    console.print(table(rows))
    if path is not None:
        found = {"device": devices[0], "shape": shape, "rows": [asdict(row) for row in rows]}
        path.write_text(json.dumps(found, indent=2), encoding="utf-8")
    return 0
