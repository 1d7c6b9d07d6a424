"""Calls of the public API on arrays of the device, small but through every kernel.

Shared by the tests that compare engines, architectures and the CPU, and by the planted bugs.
Sizes are odd and aligned, planes more than the forced limits of the grid, some views begin off a
16-byte border.
"""

from __future__ import annotations

import itertools
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np

import upsampler

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
F32, F64, F16 = (np.dtype(c) for c in "fde")
# Relative to the largest value: sums of at most some hundred products.
TOLERANCE = {F32: 2e-6, F64: 1e-14, F16: 2e-3, BFLOAT16: 1.6e-2}
FLOATS = [F32, F64, F16, BFLOAT16]
INTEGERS = [np.dtype(c) for c in "bBhHiIqQ"]


@dataclass(frozen=True)
class Call:
    """``function(*arrays)`` on arrays made from a seed, of the given shapes and types."""

    name: str
    function: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    dtype: np.dtype
    exact: bool = True  # the same bits as on the CPU
    shift: int = 0  # items by which views begin after the start of their memory
    infinite: bool = False  # some items are infinite or NaN

    def __str__(self) -> str:
        return f"{self.name}-{self.dtype}" + (f"-shift{self.shift}" if self.shift else "")

    def arrays(self) -> list[np.ndarray]:
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        made = [_sample(rng, shape, self.dtype) for shape in self.shapes]
        if self.infinite:
            for array in made:
                array[..., ::3, ::5] = np.inf
                array[..., 1::4, ::6] = np.nan
        return made

    def on_host(self) -> list[np.ndarray]:
        return _results(self.function(*self.arrays()))

    def on_device(self, cp: Any) -> list[np.ndarray]:
        """The results, computed by the package on arrays of `cp`."""
        given = [self._shifted(cp, array) for array in self.arrays()]
        with cp.installed():
            return [result.get() for result in _results(self.function(*given))]

    def _shifted(self, cp: Any, array: np.ndarray) -> Any:
        memory = cp.empty(array.size + self.shift, array.dtype)
        view = memory[self.shift :].reshape(array.shape)
        view[...] = cp.asarray(array)
        return view


def _sample(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    return rng.standard_normal(shape).astype(dtype)


def is_close(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Up to rounding; what is not finite is so at the same places."""
    a, b = (v.astype(np.float64) for v in (found, wanted))
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite):
        return False
    a, b = a[finite], b[finite]
    return bool(np.abs(a - b).max(initial=0) <= TOLERANCE[wanted.dtype] * np.abs(b).max(initial=0))


def _results(found: Any) -> list[Any]:
    parts = found if isinstance(found, tuple) else (found,)
    return [part for part in parts if part is not None]


# Rows enough for two chunks, of which the last is not full.
INTERPOLATION = [
    ("nearest-x2", {"scale_factor": 2}, (8, 16)),
    ("nearest-x4", {"scale_factor": 4}, (5, 16)),
    ("nearest", {"size": (11, 7)}, (5, 6)),
    ("bilinear-x2", {"scale_factor": 2, "mode": "bilinear"}, (11, 16)),
    ("bilinear-x2-odd", {"scale_factor": 2, "mode": "bilinear"}, (5, 7)),
    ("bilinear", {"size": (9, 16), "mode": "bilinear"}, (5, 7)),
    ("bilinear-corners", {"size": (9, 5), "mode": "bilinear", "align_corners": True}, (4, 3)),
    ("bilinear-antialias", {"size": (3, 16), "mode": "bilinear", "antialias": True}, (7, 37)),
    ("bicubic", {"size": (11, 16), "mode": "bicubic"}, (5, 7)),
    ("area", {"size": (3, 5), "mode": "area"}, (7, 16)),
    ("lanczos3", {"size": (9, 8), "mode": "lanczos3"}, (5, 19)),
    ("window", {"size": (40, 30), "mode": "bicubic", "window": ((3, 20), (7, 23))}, (7, 9)),
]


def _shape(layout: str, spatial: tuple[int, int]) -> tuple[int, ...]:
    return (2, 3, *spatial) if layout == "NCHW" else (2, *spatial, 8)


def interpolation(dtypes: list[np.dtype]) -> Iterator[Call]:
    """Forward, and backward for floats."""
    for dtype, layout, (name, how, spatial) in itertools.product(
        dtypes, ("NCHW", "NHWC"), INTERPOLATION
    ):
        shape = _shape(layout, spatial)
        forward = partial(upsampler.interpolate, layout=layout, **how)
        for shift in (0, 1) if layout == "NCHW" or name in ("nearest", "bilinear") else (0,):
            yield Call(f"{name}-{layout}", forward, (shape,), dtype, shift=shift)
        if dtype.kind == "f" or dtype == BFLOAT16:
            out = forward(np.zeros(shape, dtype)).shape
            backward = partial(
                upsampler.interpolate_backward, input_size=shape, layout=layout, **how
            )
            yield Call(f"{name}-backward-{layout}", backward, (out,), dtype)


def views(dtypes: list[np.dtype]) -> Iterator[Call]:
    """Strided inputs, results in other memory, windows of specials and of axes that stay."""
    for dtype in dtypes:
        call = partial(upsampler.interpolate, size=(4, 3, 5))
        yield Call("nearest3d", call, ((2, 2, 3, 2, 4),), dtype)
        call = partial(upsampler.interpolate, size=(7, 9), mode="bicubic", layout="NHWC")
        yield Call("bicubic-odd", call, ((2, 4, 6, 3),), dtype)
    for dtype, mode in itertools.product(dtypes, ("nearest", "bilinear", "bicubic")):
        up = partial(upsampler.interpolate, mode=mode)
        yield Call(f"view-strided-{mode}", partial(_strided, up), ((2, 6, 9, 8),), dtype)
        for begin in (0, 1):
            call = partial(_into, up, begin)
            yield Call(f"view-out-{begin}-{mode}", call, ((2, 3, 5, 8),), dtype)
        window = partial(up, size=(10, 16), window=((2, 9), (3, 14)))
        yield Call(f"view-window-{mode}", window, ((2, 3, 5, 8),), dtype)
        window = partial(up, size=(9, 8), window=((0, 9), (3, 7)))
        yield Call(f"view-crop-{mode}", window, ((2, 3, 5, 8),), dtype)


def _strided(function: Callable[..., Any], x: Any) -> Any:
    return function(x[:, ::2, ::-1].swapaxes(0, 1), (11, 16))


def _into(function: Callable[..., Any], begin: int, x: Any) -> Any:
    """Into every other column of a larger array, and into all of one, off its begin."""
    xp = np if isinstance(x, np.ndarray) else sys.modules["cupy"]
    n, c, h, w = x.shape
    wide, flat = xp.zeros((n, c, 2 * h, 4 * w), x.dtype), xp.zeros(4 * x.size + 1, x.dtype)
    function(x, scale_factor=2, out=wide[..., begin::2])
    whole = flat[begin : begin + 4 * x.size].reshape(n, c, 2 * h, 2 * w)
    return wide, function(x, scale_factor=2, out=whole)


def infinite(dtypes: list[np.dtype]) -> Iterator[Call]:
    """Items that are not finite go another way through the kernels."""
    for dtype, (name, how, spatial) in itertools.product(dtypes, INTERPOLATION):
        forward = partial(upsampler.interpolate, **how)
        yield Call(f"{name}-infinite", forward, ((2, 3, *spatial),), dtype, infinite=True)


def pooling(dtypes: list[np.dtype]) -> Iterator[Call]:
    """Pooling and unpooling and their gradients."""
    for dtype in dtypes:
        shape, last = (2, 3, 9, 14), (2, 9, 14, 16)
        average = partial(upsampler.avg_pool2d, kernel_size=(3, 2), stride=2, padding=1)
        yield Call("avg_pool2d", average, (shape,), dtype)
        for shift in (0, 1):
            call = partial(average, layout="NHWC")
            yield Call("avg_pool2d-last", call, (last,), dtype, shift=shift)
        yield Call("max_pool2d", partial(_pooled, (3, 2), "NCHW"), (shape,), dtype)
        yield Call("max_pool2d-last", partial(_pooled, (3, 2), "NHWC"), (last,), dtype)
        yield Call("max_pool2d-wide", partial(_pooled, 2, "NCHW"), ((1, 2, 4, 70),), dtype)
        yield Call("max_pool2d-short", partial(_placed), ((2, 5, 8, 6),), dtype)
        yield Call("max_pool2d-even", partial(_even, (3, 2)), (shape,), dtype)
        if dtype.kind == "f" or dtype == BFLOAT16:
            yield Call("pool-backward", partial(_pooled_backward, "NCHW"), (shape,), dtype)
            yield Call("pool-backward-last", partial(_pooled_backward, "NHWC"), (last,), dtype)


def _pooled(kernel: Any, layout: str, x: Any) -> Any:
    best, where = upsampler.max_pool2d(x, kernel, return_indices=True, layout=layout)
    size = x.shape[2:] if layout == "NCHW" else x.shape[1:3]
    back = upsampler.max_unpool2d(best, where, kernel, output_size=size, layout=layout)
    return best, where, back


def _even(kernel: tuple[int, int], x: Any) -> Any:
    """The same of an array that is constant over stretches."""
    x[:, :, :, :10] = x[:, :, :1, :1]
    return _pooled(kernel, "NCHW", x)


def _placed(x: Any) -> Any:
    """Places in 32 bits."""
    best, where = upsampler.max_pool2d(x, 2, return_indices=True)
    return upsampler.max_unpool2d(best, where.astype(np.int32), 2)


def _pooled_backward(layout: str, x: Any) -> Any:
    kernel, stride = (3, 2), (2, 2)
    best, where = upsampler.max_pool2d(x, kernel, stride, return_indices=True, layout=layout)
    size = x.shape[2:] if layout == "NCHW" else x.shape[1:3]
    how = {"output_size": size, "layout": layout}
    unpooled = upsampler.max_unpool2d(best, where, kernel, stride, **how)
    return (
        upsampler.max_pool2d_backward(best, where, x.shape, layout=layout),
        upsampler.avg_pool2d_backward(best, x.shape, kernel, stride, layout=layout),
        upsampler.max_unpool2d_backward(unpooled, where, layout=layout),
    )


def shuffles(dtypes: list[np.dtype]) -> Iterator[Call]:
    for dtype, layout in itertools.product(dtypes, ("NCHW", "NHWC")):
        shape = (2, 12, 3, 8) if layout == "NCHW" else (2, 3, 8, 12)
        up = partial(upsampler.pixel_shuffle, upscale_factor=2, layout=layout)
        yield Call(f"pixel_shuffle-{layout}", up, (shape,), dtype)
        down = partial(upsampler.pixel_unshuffle, downscale_factor=2, layout=layout)
        shape = (2, 3, 6, 16) if layout == "NCHW" else (2, 6, 16, 3)
        yield Call(f"pixel_unshuffle-{layout}", down, (shape,), dtype)
        yield Call(f"pixel-strided-{layout}", partial(_turned, down), (shape,), dtype)
        yield Call(f"pixel-out-{layout}", partial(_beside, down), (shape,), dtype)


def _turned(function: Callable[..., Any], x: Any) -> Any:
    return function(x[:, ::-1])


def _beside(function: Callable[..., Any], x: Any) -> Any:
    """The result in every other column of a larger array."""
    xp = np if isinstance(x, np.ndarray) else sys.modules["cupy"]
    made = function(x)
    wide = xp.zeros((*made.shape[:-1], 2 * made.shape[-1]), x.dtype)
    function(x, out=wide[..., ::2])
    return wide


# (name, shape of x, of the weight, keywords); x and weight as in PyTorch
CONVOLUTIONS: list[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ("conv-2x2", (2, 3, 5, 7), (3, 4, 2, 2), {"stride": 2}),
    ("conv-4x4", (2, 3, 5, 7), (3, 4, 4, 4), {"stride": 2, "padding": 1}),
    ("conv-depthwise", (2, 4, 5, 6), (4, 1, 3, 3), {"stride": 2, "groups": 4}),
    ("conv-groups", (1, 4, 3, 5), (4, 3, 3, 2), {"stride": (3, 1), "groups": 2, "dilation": 2}),
    ("conv-1d", (2, 3, 11), (3, 2, 5), {"stride": 3, "output_padding": 1}),
    ("conv-3d", (1, 2, 3, 2, 5), (2, 3, 2, 3, 2), {"stride": 2, "padding": 1}),
    ("conv-many", (2, 9, 4, 5), (9, 10, 3, 2), {"stride": 2, "padding": 1}),
    ("conv-many-groups", (2, 18, 3, 4), (18, 3, 4, 3), {"stride": 2, "groups": 2}),
    ("conv-last", (2, 4, 5, 8), (8, 16, 3, 3), {"stride": 2, "layout": "NHWC"}),
    ("conv-last-odd", (2, 4, 5, 3), (3, 3, 3, 3), {"stride": 2, "layout": "NHWC"}),
    ("conv-last-many", (2, 4, 5, 16), (16, 8, 3, 3), {"stride": 2, "layout": "NHWC"}),
    ("conv-last-depthwise", (2, 4, 5, 8), (8, 1, 4, 4), {"groups": 8, "layout": "NHWC"}),
    ("resize-conv-nearest", (2, 3, 5, 4), (4, 3, 3, 3), {"mode": "nearest"}),
    ("resize-conv-bilinear", (1, 3, 4, 5), (2, 3, 3, 3), {"mode": "bilinear"}),
    (
        "resize-conv-odd",
        (2, 3, 4, 3),
        (2, 3, 2, 3),
        {"scale_factor": (2, 3), "mode": "bilinear", "padding_mode": "replicate"},
    ),
]


def convolutions(dtypes: list[np.dtype]) -> Iterator[Call]:
    """Forward with a bias, and the three gradients."""
    for dtype, (name, shape, weight, how) in itertools.product(dtypes, CONVOLUTIONS):
        rank = len(shape) - 2
        forward = upsampler.resize_conv2d if "resize" in name else _function(rank)
        channels = weight[0] if "resize" in name else weight[1] * how.get("groups", 1)
        call = partial(forward, **how)
        for shift in (0, 1) if name in ("conv-last", "conv-last-depthwise") else (0,):
            shapes = (shape, weight, (channels,))
            yield Call(name, call, shapes, dtype, exact=False, shift=shift)
        backward = upsampler.resize_conv2d_backward if "resize" in name else _gradient(rank)
        call = partial(backward, **how)
        zeros = (np.zeros(shape, dtype), np.zeros(weight, dtype))
        grad = forward(*zeros, **how).shape
        yield Call(f"{name}-backward", call, (grad, shape, weight), dtype, exact=False)
        if name in ("conv-many", "conv-last-many"):
            call = partial(_spoiled, backward, how)
            yield Call(f"{name}-infinite", call, (grad, shape, weight), dtype, exact=False)


def _spoiled(backward: Callable[..., Any], how: dict[str, Any], grad: Any, x: Any, w: Any) -> Any:
    """The gradient of the input where the first and the last tap are not finite."""
    w[1, 2, 0, 0], w[-1, -1, -1, -1] = np.inf, np.nan
    return backward(grad, x, w, **how)[0]


def _function(rank: int) -> Callable[..., Any]:
    return getattr(upsampler, f"conv_transpose{rank}d")


def _gradient(rank: int) -> Callable[..., Any]:
    return getattr(upsampler, f"conv_transpose{rank}d_backward")


def calls(dtypes: list[np.dtype]) -> list[Call]:
    """Everything for these types."""
    real = [d for d in dtypes if d.kind == "f" or d == BFLOAT16]
    made = [*interpolation(dtypes), *infinite(real), *pooling(dtypes), *shuffles(dtypes)]
    made += views([d for d in dtypes if d in (F32, F16, np.dtype(np.uint8))])
    return [*made, *convolutions(real)]
