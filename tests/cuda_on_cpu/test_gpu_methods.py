"""Methods on the GPU: pictures of the host in and out, what the rule makes in between."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest

from upsampler.methods import parse

RULES = ["nearest", "bilinear:align_corners", "bicubic:antialias", "lanczos3", "area"]


@pytest.fixture(autouse=True)
def installed():
    with cp.installed():
        yield


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("rule", RULES)
def test_the_gpu_makes_what_the_cpu_makes(rule, dtype):
    pixels = (np.random.default_rng(5).random((7, 11, 3)) * 255).astype(dtype)
    here, there = (parse(name).prepare(pixels, (17, 23)) for name in (rule, f"gpu:{rule}"))
    assert there.shape == here.shape
    window = (3, 9), (1, 20)
    made = there.window(*window)
    assert type(made) is np.ndarray
    assert made.dtype == dtype
    np.testing.assert_array_equal(made, here.window(*window))
    out = np.zeros((6, 38, 3), dtype)[:, ::2]
    assert there.window(*window, out) is out
    np.testing.assert_array_equal(out, made)
    found, wanted = (ready.contributions(4, 5) for ready in (there, here))
    np.testing.assert_array_equal(found.weights, wanted.weights)
