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
LARGE = (8, 256, 256, 256)


def per_item(function: Any, shape: tuple[int, ...], dtype: str) -> float:
    """Instructions for each item of the result, on some blocks."""
    x = cp.empty(shape, dtype)
    cp.launches.clear()
    with cp.settings.changed(check=False, max_blocks=24), cp.installed():
        result = function(x)
    total = 0.0
    for done in cp.launches:
        total += done.instructions * float(np.prod(done.how.grid)) / done.blocks
    return total / result.size


up2 = partial(upsampler.interpolate, scale_factor=2)
back2 = partial(upsampler.interpolate_backward, input_size=SHAPE, scale_factor=2)

# (what, function, shape, float32, float16)
BUDGET = [
    ("nearest x2", up2, SHAPE, 3, 3),
    ("bilinear x2", partial(up2, mode="bilinear"), SHAPE, 12, 14),
    ("bilinear x2 NHWC", partial(up2, mode="bilinear", layout="NHWC"), (8, 128, 128, 256), 24, 24),
    ("bilinear backward x2", partial(back2, mode="bilinear"), LARGE, 62, 68),
]


@pytest.mark.parametrize(
    ("function", "shape", "dtype", "limit"),
    [
        pytest.param(function, shape, dtype, limit, id=f"{name}-{dtype}")
        for name, function, shape, *limits in BUDGET
        for dtype, limit in zip(("float32", "float16"), limits, strict=True)
    ],
)
def test_instructions_stay_within_the_budget(function, shape, dtype, limit):
    # Per output forward, per input element backward: always the result.
    found = per_item(function, shape, dtype)
    print(f"{found:.1f} of {limit}")
    assert found <= limit


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
