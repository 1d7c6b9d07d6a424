"""Values of every rule, dtype and layout over sizes around the lanes of vectors."""

import itertools

import numpy as np
import pytest

from upsampler import interpolate, interpolate_backward
from upsampler.backends import use

from . import cases
from .kernels import (
    FEW,
    FULL,
    SHAPES,
    SIZES,
    arguments,
    assert_near,
    magnitude,
    reference,
    same_bits,
    seeded,
    shape_of,
)

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("dtype", cases.NUMBERS, ids=str)
@pytest.mark.parametrize("rule", FULL, ids=cases.name)
def test_forward(cpu, rule, dtype):
    for k, ((old, new), (layout, others)) in enumerate(itertools.product(SIZES, SHAPES)):
        x = cases.sample(seeded(k), shape_of(layout, others, old), dtype)
        keywords = arguments(rule, new) | {"layout": layout}
        exact = reference(interpolate, x, **keywords)
        got = interpolate(x, **keywords)
        assert got.dtype == dtype
        if rule[0].startswith("nearest"):
            with use("reference"):
                same_bits(got, interpolate(x, **keywords))
        else:
            assert_near(got, exact, magnitude(x))


@pytest.mark.parametrize("dtype", cases.FLOATS, ids=str)
@pytest.mark.parametrize("rule", FULL, ids=cases.name)
def test_backward(cpu, rule, dtype):
    for k, ((old, new), (layout, others)) in enumerate(itertools.product(SIZES, SHAPES)):
        shape = shape_of(layout, others, old)
        keywords = arguments(rule, new) | {"layout": layout}
        grad = cases.sample(seeded(k), interpolate(np.zeros(shape), **keywords).shape, dtype)
        exact = reference(interpolate_backward, grad, shape, **keywords)
        got = interpolate_backward(grad, shape, **keywords)
        assert got.dtype == dtype
        # A sample's gradient sums as many terms as it has outputs.
        assert_near(got, exact, magnitude(grad) * max(1, grad.size / np.prod(shape)) * 8)


@pytest.mark.parametrize("dtype", cases.FLOATS, ids=str)
@pytest.mark.parametrize("rule", cases.COMPUTED, ids=cases.name)
def test_non_finite(cpu, rule, dtype):
    for k, (old, new) in enumerate(SIZES):
        rng = seeded(k)
        x = cases.sample(rng, (2, *old), dtype)
        x[rng.random(x.shape) < 0.1] = [np.inf, -np.inf, np.nan][k % 3]
        keywords = arguments(rule, new) | {"layout": "CHW"}
        assert_near(interpolate(x, **keywords), reference(interpolate, x, **keywords), magnitude(x))


@pytest.mark.parametrize("rule", FULL[:-2], ids=cases.name)
@pytest.mark.parametrize(
    ("layout", "old", "new"),
    [
        ("W", (37,), (74,)),
        ("WC", (19, 3), (6,)),
        ("NCW", (2, 3, 8), (33,)),
        ("DHW", (3, 5, 7), (6, 10, 14)),
        ("NDHWC", (2, 4, 3, 5, 2), (3, 7, 9)),
        ("CDHW", (2, 1, 5, 9), (4, 5, 3)),
    ],
)
def test_other_ranks(cpu, rule, layout, old, new):
    for dtype in FEW:
        x = cases.sample(seeded(layout), old, dtype)
        keywords = arguments(rule, new) | {"layout": layout}
        full = interpolate(x, **keywords)
        assert_near(full, reference(interpolate, x, **keywords), magnitude(x))
        if dtype.kind == "f":
            exact = reference(interpolate_backward, full, old, **keywords)
            got = interpolate_backward(full, old, **keywords)
            assert_near(got, exact, magnitude(full) * max(1, full.size / x.size) * 8)


ITEMS = ["?", "V1", "V2", "V3", "F", "V5", "V7", "D", "V9", "V16", "V17", "V31", "V32", "V64"]


@pytest.mark.parametrize("item", [*ITEMS, "U3", "i8,f4,u1"])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_items_of_any_size_are_moved(cpu, item, mode):
    dtype = np.dtype(item)
    for k, ((old, new), (layout, others)) in enumerate(itertools.product(SIZES, SHAPES)):
        shape = shape_of(layout, others, old)
        raw = seeded(k).integers(0, 2, (*shape, dtype.itemsize), np.uint8)  # valid as bool and U
        x = raw.view(dtype)[..., 0] if dtype.kind != "U" else raw[..., :1].astype(dtype)[..., 0]
        with use("reference"):
            wanted = interpolate(x, new, mode=mode, layout=layout)
        same_bits(interpolate(x, new, mode=mode, layout=layout), wanted)
