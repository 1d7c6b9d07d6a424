"""Pooling, unpooling and their gradients over layouts, dtypes and views."""

import itertools

import numpy as np
import pytest

import upsampler
from upsampler.backends import use

from . import cases
from .kernels import (
    SHAPES,
    assert_near,
    magnitude,
    reference,
    same_bits,
    seeded,
    shape_of,
    views,
)

pytestmark = pytest.mark.kernel

POOLS = [(2, None, 0), (3, 2, 1), ((2, 3), (1, 2), (1, 0)), ((1, 5), (3, 1), (0, 2)), (4, 5, 2)]
SPATIAL = [(7, 11), (5, 16), (33, 6)]


@pytest.mark.parametrize("dtype", cases.NUMBERS, ids=str)
@pytest.mark.parametrize(("kernel", "stride", "padding"), POOLS)
def test_pooling(cpu, kernel, stride, padding, dtype):
    geometry = {"stride": stride, "padding": padding}
    for (layout, others), spatial in itertools.product(SHAPES, SPATIAL):
        x = cases.sample(seeded(spatial), shape_of(layout, others, spatial), dtype)
        g = geometry | {"layout": layout}
        for _, view in [("plain", x), *views(x)]:
            got = upsampler.avg_pool2d(view, kernel, **g)
            assert_near(
                got.astype(dtype), reference(upsampler.avg_pool2d, x, kernel, **g), magnitude(x)
            )
            best, where = upsampler.max_pool2d(view, kernel, return_indices=True, **g)
            with use("reference"):
                wanted = upsampler.max_pool2d(x, kernel, return_indices=True, **g)
            same_bits(best.astype(dtype), wanted[0])
            np.testing.assert_array_equal(where, wanted[1])


@pytest.mark.parametrize("dtype", cases.FLOATS, ids=str)
@pytest.mark.parametrize(("kernel", "stride", "padding"), POOLS)
def test_pooling_backward(cpu, kernel, stride, padding, dtype):
    geometry = {"stride": stride, "padding": padding}
    for (layout, others), spatial in itertools.product(SHAPES, SPATIAL):
        x = cases.sample(seeded(spatial), shape_of(layout, others, spatial), dtype)
        best, where = upsampler.max_pool2d(
            x, kernel, return_indices=True, layout=layout, **geometry
        )
        grad = cases.sample(seeded("grad"), best.shape, dtype)
        cells = 25  # more outputs than these use no sample
        exact = reference(
            upsampler.avg_pool2d_backward, grad, x.shape, kernel, layout=layout, **geometry
        )
        for _, view in [("plain", grad), *views(grad)]:
            got = upsampler.avg_pool2d_backward(view, x.shape, kernel, layout=layout, **geometry)
            assert_near(got.astype(dtype), exact, magnitude(grad) * cells)
        exact = reference(upsampler.max_pool2d_backward, grad, where, x.shape, layout=layout)
        for _, view in [("plain", where), *views(where)]:
            got = upsampler.max_pool2d_backward(grad, view, x.shape, layout=layout)
            assert_near(got, exact, magnitude(grad) * cells)


@pytest.mark.parametrize("dtype", cases.NUMBERS, ids=str)
@pytest.mark.parametrize("index", ["i8", "i4", "u2", ">i8"])
def test_unpooling(cpu, index, dtype):
    for layout, others in SHAPES:
        x = cases.sample(seeded(layout), shape_of(layout, others, (4, 9)), dtype)
        best, where = upsampler.max_pool2d(x, (2, 3), return_indices=True, layout=layout)
        where = where.astype(index)
        up = upsampler.max_unpool2d(best, where, (2, 3), layout=layout)
        with use("reference"):
            same_bits(up, upsampler.max_unpool2d(best, where, (2, 3), layout=layout))
        if dtype in cases.FLOATS:
            # Where nothing overlaps, the gradient is the gather of what was scattered.
            same_bits(upsampler.max_unpool2d_backward(up, where, layout=layout), best)
