"""Sweeps over the loops of resize-convolution; see kernels.py for where they run."""

import ml_dtypes
import numpy as np
import pytest

from upsampler import resize_conv2d, resize_conv2d_backward
from upsampler.backends import use

from .conv_cases import ints
from .resize_conv_cases import random_case
from .test_kernels_conv import DTYPES, strided

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_against_the_reference(cpu, dtype, many):
    rng = np.random.default_rng([DTYPES.index(dtype), many])
    for _ in range(25 if many else 40):
        x, weight, bias, arguments, out = random_case(rng, dtype, many)
        window = [tuple(sorted(ints(rng, 0, m + 1, 2))) for m in out]
        x, weight = strided(x, rng), strided(weight, rng)
        y = resize_conv2d(x, weight, bias, *arguments, window=window)
        grad = strided(rng.standard_normal(y.shape).astype(dtype), rng)
        target = strided(np.zeros_like(y), rng)
        resize_conv2d(x, weight, bias, *arguments, window=window, out=target)
        assert target.tobytes() == y.tobytes()
        ours = [y, *resize_conv2d_backward(grad, x, weight, *arguments, window=window)]
        with use("reference"):
            expected = [
                resize_conv2d(x, weight, bias, *arguments, window=window),
                *resize_conv2d_backward(grad, x, weight, *arguments, window=window),
            ]
        # An ulp of the type, and what the order of float32 sums may change.
        eps = {8: 1e-12, 4: 1e-5}.get(y.itemsize) or float(ml_dtypes.finfo(dtype).eps)
        for a, b in zip(ours, expected, strict=True):
            a, b = a.astype(float), b.astype(float)
            assert np.abs(a - b).max(initial=0) <= eps * max(1.0, np.abs(b).max(initial=0))
