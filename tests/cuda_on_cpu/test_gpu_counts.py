"""Executed instructions per output at a real problem's size, on sampled blocks; huge arrays.

The limits are the budget: more of them and kernels no longer hide behind the memory.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import fakecupy as cp
import numpy as np
import pytest

import upsampler

SHAPE = (8, 256, 128, 128)
LAST = (8, 128, 128, 256)
LARGE, LARGE_LAST = (8, 256, 256, 256), (8, 256, 256, 256)


def per_item(function: Any, shapes: tuple[tuple[int, ...], ...], dtype: str) -> float:
    """Instructions for each item of the result, on some blocks."""
    given = [cp.empty(shape, dtype) for shape in shapes]
    for array in given:
        if array._buffer.watched:
            array[...] = 0
    cp.launches.clear()
    with cp.settings.changed(check=False, max_blocks=24), cp.installed():
        result = function(*given)
    total = 0.0
    for done in cp.launches:
        total += done.instructions * float(np.prod(done.how.grid)) / done.blocks
    return total / result.size


up2 = partial(upsampler.interpolate, scale_factor=2)
back2 = partial(upsampler.interpolate_backward, scale_factor=2, mode="bilinear")
bilinear_back = partial(back2, input_size=SHAPE)
k4s2 = partial(upsampler.conv_transpose2d, stride=2, padding=1)

# (what, function, shapes, float32, float16)
BUDGET = [
    ("nearest x2", up2, (SHAPE,), 3, 3),
    ("bilinear x2", partial(up2, mode="bilinear"), (SHAPE,), 12, 12),
    ("bilinear x2 NHWC", partial(up2, mode="bilinear", layout="NHWC"), (LAST,), 18, 16),
    ("bicubic x2", partial(up2, mode="bicubic"), (SHAPE,), 32, 30),
    ("bilinear backward x2", bilinear_back, (LARGE,), 46, 46),
    ("bilinear backward x2 NHWC", partial(back2, input_size=LAST, layout="NHWC"), (LARGE_LAST,),
     64, 72),
    ("bilinear backward x2, corners aligned", partial(bilinear_back, align_corners=True), (LARGE,),
     66, 72),
    ("pixel shuffle x2", partial(upsampler.pixel_shuffle, upscale_factor=2), (SHAPE,), 9, 9),
    ("mean of 2 x 2", partial(upsampler.avg_pool2d, kernel_size=2), (SHAPE,), 75, 80),
    ("maximum of 2 x 2", partial(upsampler.max_pool2d, kernel_size=2), (SHAPE,), 105, 115),
    ("transposed k4s2 depthwise", partial(k4s2, groups=256), (SHAPE, (256, 1, 4, 4)), 110, 116),
    ("transposed k4s2 depthwise NHWC", partial(k4s2, groups=256, layout="NHWC"),
     (LAST, (256, 1, 4, 4)), 77, 52),
    ("transposed k4s2, 64 to 32 channels, beside the products", k4s2,
     ((8, 64, 128, 128), (64, 32, 4, 4)), 86, 88),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "shapes", "dtype", "limit"),
    [
        pytest.param(function, shapes, dtype, limit, id=f"{name}-{dtype}")
        for name, function, shapes, *limits in BUDGET
        for dtype, limit in zip(("float32", "float16"), limits, strict=True)
    ],
)
def test_instructions_stay_within_the_budget(function, shapes, dtype, limit):
    # Per output forward, per input element backward: always the result.
    found = per_item(function, shapes, dtype)
    print(f"{found:.1f} of {limit}")
    assert found <= limit


def test_unpooling_does_not_take_longer_in_larger_planes():
    """Each place finds its value where a pooling leaves it, instead of looking at all of them."""
    found = []
    for size in (64, 256):
        x = np.random.default_rng(size).random((1, 1, size, size), np.float32)
        values, places = map(cp.asarray, upsampler.max_pool2d(x, 2, return_indices=True))
        cp.launches.clear()
        with cp.settings.changed(check=False), cp.installed():
            result = upsampler.max_unpool2d(values, places, 2)
        found.append(sum(done.instructions for done in cp.launches) / result.size)
    assert max(found) <= 165
    assert found[1] <= 1.02 * found[0]


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_more_than_2_to_31_items(mode, layout):
    """Blocks at both ends and some between: within bounds, and the last one at its place."""
    shape = (3, 1000, 512, 512) if layout == "NCHW" else (3, 512, 512, 1000)
    x = cp.empty(shape, np.uint8)
    x[-1, -2:] = 7
    with cp.settings.changed(max_blocks=12), cp.installed():
        y = upsampler.interpolate(x, scale_factor=2, mode=mode, layout=layout)
    assert y.size > 2**31
    corner = y[-1, -1, -1, -1]
    assert int(corner) == 7
    assert not y[0, 0, 0, :64].get().any()
