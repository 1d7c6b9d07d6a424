"""Sweeps over the loops of transposed convolutions; see kernels.py for where they run."""

import ml_dtypes
import numpy as np
import pytest

from upsampler.backends import use

from .conv_cases import BACKWARD, FORWARD, ints, random_case

pytestmark = pytest.mark.kernel
DTYPES = [np.float64, np.float32, np.float16, ml_dtypes.bfloat16]


def strided(a, rng):
    """`a` with other strides, some negative, in memory that ends where it does."""
    steps = [int(rng.choice([1, 2, -1])) for _ in a.shape]
    room = np.empty([n * abs(s) - abs(s) + 1 if n else 0 for n, s in zip(a.shape, steps, strict=True)], a.dtype)  # noqa: E501  # fmt: skip
    view = room[tuple(slice(None, None, s) for s in steps)]
    view[...] = a
    return view


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_against_the_reference(cpu, rank, dtype):
    rng = np.random.default_rng([rank, DTYPES.index(dtype)])
    for _ in range(25):
        x, weight, bias, arguments, out = random_case(rng, rank, dtype)
        window = [tuple(sorted(ints(rng, 0, m + 1, 2))) for m in out]
        x, weight = strided(x, rng), strided(weight, rng)
        y = FORWARD[rank](x, weight, bias, *arguments, window=window)
        grad = strided(rng.standard_normal(y.shape).astype(dtype), rng)
        target = strided(np.zeros_like(y), rng)
        FORWARD[rank](x, weight, bias, *arguments, window=window, out=target)
        assert target.tobytes() == y.tobytes()
        ours = [y, *BACKWARD[rank](grad, x, weight, *arguments, window=window)]
        with use("reference"):
            expected = [
                FORWARD[rank](x, weight, bias, *arguments, window=window),
                *BACKWARD[rank](grad, x, weight, *arguments, window=window),
            ]
        # An ulp of the type, and what the order of float32 sums may change.
        eps = {8: 1e-12, 4: 1e-5}.get(y.itemsize) or float(ml_dtypes.finfo(dtype).eps)
        for a, b in zip(ours, expected, strict=True):
            a, b = a.astype(float), b.astype(float)
            assert np.abs(a - b).max(initial=0) <= eps * max(1.0, np.abs(b).max(initial=0))
