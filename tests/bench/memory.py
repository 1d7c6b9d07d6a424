"""The most memory a call takes beyond its arguments and its result.

Measured in a process of its own for each call: Linux tells the largest resident size since it was
last reset.  A small call of the same kind goes before, so that code and threads are there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import upsampler

from .study import Study, counted

Call = Callable[[], Any]


def filled(shape: Sequence[int], dtype: str) -> np.ndarray:
    """An array whose pages are there."""
    return np.ones(shape, dtype)


def interpolate(mode: str, dtype: str, layout: str, big: bool, **more: Any) -> Call:
    height, width = (1080, 1920) if big else (12, 20)
    lengths = {"N": 1, "C": 3, "H": height, "W": width}
    shape = [lengths[letter] for letter in layout]
    result = [n * 2 if letter in "HW" else n for n, letter in zip(shape, layout, strict=True)]
    x, out = filled(shape, dtype), filled(result, dtype)
    return partial(
        upsampler.interpolate, x, scale_factor=2, mode=mode, layout=layout, out=out, **more
    )


def gradient(big: bool, **more: Any) -> Call:
    side = 512 if big else 8
    shape = (1, 16, side, side)
    grad, out = filled((1, 16, 2 * side, 2 * side), "float32"), filled(shape, "float32")
    return partial(
        upsampler.interpolate_backward, grad, shape, scale_factor=2, mode="bilinear", out=out,
        **more,
    )  # fmt: skip


def transposed(kernel: int, channels: int, big: bool, **more: Any) -> Call:
    side = 256 if big else 8
    x = filled((1, channels, side, side), "float32")
    weight = filled((channels, 32, kernel, kernel), "float32")
    padding = (kernel - 2) // 2
    out = filled((1, 32, 2 * side, 2 * side), "float32")
    return partial(
        upsampler.conv_transpose2d, x, weight, stride=2, padding=padding, out=out, **more
    )


def resized(mode: str, big: bool, **more: Any) -> Call:
    side = 256 if big else 8
    x, weight = filled((1, 64, side, side), "float32"), filled((32, 64, 3, 3), "float32")
    out = filled((1, 32, 2 * side, 2 * side), "float32")
    return partial(upsampler.resize_conv2d, x, weight, mode=mode, out=out, **more)


def shuffled(big: bool, **more: Any) -> Call:
    side = 256 if big else 8
    x, out = (filled(s, "float32") for s in ((1, 64, side, side), (1, 16, 2 * side, 2 * side)))
    return partial(upsampler.pixel_shuffle, x, 2, out=out)


CALLS: dict[str, Callable[..., Call]] = {
    "bilinear f32 NCHW x2": partial(interpolate, "bilinear", "float32", "NCHW"),
    "bicubic f32 NCHW x2": partial(interpolate, "bicubic", "float32", "NCHW"),
    "lanczos3 f32 NCHW x2": partial(interpolate, "lanczos3", "float32", "NCHW"),
    "bilinear u8 HWC x2": partial(interpolate, "bilinear", "uint8", "HWC"),
    "bicubic u8 HWC x2": partial(interpolate, "bicubic", "uint8", "HWC"),
    "bilinear f32 x2 backward": gradient,
    "conv_transpose2d 64 -> 32 k2s2": partial(transposed, 2, 64),
    "conv_transpose2d 64 -> 32 k4s2p1": partial(transposed, 4, 64),
    "resize_conv2d 64 -> 32 k3 nearest": partial(resized, "nearest"),
    "resize_conv2d 64 -> 32 k3 bilinear": partial(resized, "bilinear"),
    "pixel_shuffle f32": shuffled,
}


def status(field: str) -> int:
    """A number of bytes that the system knows of this process."""
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    assert found, field
    return int(found[1]) * 1024


def extra(name: str, threads: int) -> int:
    """Bytes; of this process, so only once."""
    # Small calls are remembered, and go a way of their own, unless a number is not a plain int.
    CALLS[name](big=False, num_threads=np.int64(threads))()
    call = CALLS[name](big=True, num_threads=threads)
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    before = status("VmRSS")
    call()
    return max(0, status("VmHWM") - before)


def measured(name: str, threads: int) -> int:
    """`extra` of a process of its own."""
    command = [sys.executable, "-m", __name__, name, str(threads)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def study(threads: int) -> Study | None:
    """None where the system does not tell."""
    if not Path("/proc/self/clear_refs").exists():
        return None
    rows = []
    for name, make in CALLS.items():
        result = make(big=True).keywords["out"].nbytes
        found = measured(name, threads)
        rows.append((name, result / 1e6, found / 1e6, found / result))
    return Study(
        name="memory",
        title=f"Extra memory, {counted(threads)}",
        text="The most that a call takes beyond arguments and result: with out=, the first one of "
        f"its size. At most {max(row[3] for row in rows):.1%} of the result.",
        heads=("call", "result, MB", "extra, MB", "extra / result"),
        rows=rows,
    )


if __name__ == "__main__":
    print(extra(sys.argv[1], int(sys.argv[2])))
