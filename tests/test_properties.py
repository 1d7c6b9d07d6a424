"""Properties of every mode, dtype, layout and kind of memory, by hypothesis."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from upsampler import interpolate, interpolate_backward

from . import cases
from .strategies import MEMORY, memories, operations, same_bits, seeds, windows

dtypes = st.sampled_from(cases.NUMBERS)
floats = st.sampled_from(cases.FLOATS)


def native(x):
    return x.astype(x.dtype.newbyteorder("=")) if x.dtype != cases.BFLOAT16 else x


@given(operations(), dtypes, memories, seeds)
def test_memory_does_not_matter(backend, op, dtype, memory, seed):
    """Any strides, any order, misaligned, foreign, read-only: the bits of the plain array."""
    x = cases.sample(np.random.default_rng(seed), op.shape, dtype)
    view = MEMORY[memory](x)
    before = view.tobytes()
    got = interpolate(view, **op.arguments)
    assert got.dtype == view.dtype
    assert got.shape == op.out_shape
    assert got.flags.writeable
    same_bits(native(got), interpolate(x, **op.arguments))
    assert view.tobytes() == before, "the input was written to"


@given(operations(), dtypes, seeds)
def test_broadcast_axes_of_stride_zero(backend, op, dtype, seed):
    rng = np.random.default_rng(seed)
    for axis in range(len(op.shape)):
        thin = cases.sample(
            rng, tuple(1 if a == axis else n for a, n in enumerate(op.shape)), dtype
        )
        view = np.broadcast_to(thin, op.shape)
        same_bits(interpolate(view, **op.arguments), interpolate(view.copy(), **op.arguments))


@given(operations(), dtypes, memories, seeds, st.data())
def test_window_equals_crop(backend, op, dtype, memory, seed, data):
    x = MEMORY[memory](cases.sample(np.random.default_rng(seed), op.shape, dtype))
    window = data.draw(windows(op.size))
    full = interpolate(x, **op.arguments)
    same_bits(interpolate(x, window=window, **op.arguments), full[op.crop(window)])


@given(operations(longest=40), dtypes, seeds, st.sampled_from([2, 3, 7, 64]))
def test_threads_do_not_matter(backend, op, dtype, seed, threads):
    x = cases.sample(np.random.default_rng(seed), op.shape, dtype)
    one = interpolate(x, num_threads=1, **op.arguments)
    same_bits(interpolate(x, num_threads=threads, **op.arguments), one)


@given(operations(), dtypes, seeds, st.data())
def test_layouts_do_not_matter(backend, op, dtype, seed, data):
    """The same axes in another order give the same bits in that order."""
    letters = sorted(op.layout)
    others = [t for t in cases.LAYOUTS[len(op.size)] if sorted(t) == letters]
    target = data.draw(st.sampled_from(others))
    x = cases.sample(np.random.default_rng(seed), op.shape, dtype)
    want = interpolate(x, **op.arguments)
    for copy in (False, True):
        moved = cases.to_layout(x, op.layout, target)
        moved = np.ascontiguousarray(moved) if copy else moved
        got = interpolate(moved, **op.arguments | {"layout": target})
        same_bits(cases.to_layout(got, target, op.layout), want)


@given(operations(), dtypes, memories, seeds)
def test_out_of_any_memory(backend, op, dtype, memory, seed):
    x = cases.sample(np.random.default_rng(seed), op.shape, dtype)
    want = interpolate(x, **op.arguments)
    out = MEMORY[memory](np.zeros(op.out_shape, dtype))
    out.flags.writeable = True
    assert interpolate(x, out=out, **op.arguments) is out
    same_bits(native(out), want)


@given(operations(), st.sampled_from(cases.NUMBERS), st.integers(-100, 100))
def test_constants(backend, op, dtype, value):
    value = abs(value) if dtype.kind == "u" else value
    x = np.full(op.shape, value, dtype)
    got = interpolate(x, **op.arguments).astype(np.float64)
    exact = dtype.kind in "iu" and dtype.itemsize < 8
    exact |= op.mode.startswith("nearest") or (
        op.mode == "linear" and "antialias" not in op.keywords
    )
    eps = {2: 2.0**-7, 4: 2.0**-19}.get(dtype.itemsize, 2.0**-48)
    np.testing.assert_allclose(got, float(x.flat[0]), rtol=0 if exact else eps, atol=0)


@given(operations(), floats, memories, seeds, st.data())
def test_adjoint(backend, op, dtype, memory, seed, data):
    """<forward(x), g> == <x, backward(g)>, for any window."""
    rng = np.random.default_rng(seed)
    x = cases.sample(rng, op.shape, dtype)
    window = data.draw(st.none() | windows(op.size))
    y = interpolate(x, window=window, **op.arguments)
    grad = MEMORY[memory](cases.sample(rng, y.shape, dtype))
    back = interpolate_backward(grad, op.shape, window=window, **op.arguments)
    assert back.shape == op.shape
    assert back.dtype == grad.dtype
    terms = y.astype(np.float64) * grad.astype(np.float64)
    other = x.astype(np.float64) * back.astype(np.float64)
    eps = {np.dtype(np.float16): 2.0**-11, cases.BFLOAT16: 2.0**-8, np.dtype("f"): 2.0**-22}
    scale = np.abs(terms).sum() + np.abs(other).sum() + 1.0
    assert abs(terms.sum() - other.sum()) <= 4 * eps.get(dtype, 2.0**-46) * scale


@given(operations(), floats, seeds, st.sampled_from([2, 5]))
def test_gradients_do_not_depend_on_layout_and_threads(backend, op, dtype, seed, threads):
    grad = cases.sample(np.random.default_rng(seed), op.out_shape, dtype)
    want = interpolate_backward(grad, op.shape, num_threads=1, **op.arguments)
    got = interpolate_backward(grad, op.shape, num_threads=threads, **op.arguments)
    same_bits(got, want)
    for target in cases.LAYOUTS[len(op.size)]:
        if sorted(target) == sorted(op.layout):
            moved = np.ascontiguousarray(cases.to_layout(grad, op.layout, target))
            shape = tuple(op.shape[op.layout.index(c)] for c in target)
            got = interpolate_backward(moved, shape, **op.arguments | {"layout": target})
            same_bits(cases.to_layout(got, target, op.layout), want)


@given(operations(longest=24), floats, seeds, st.data())
def test_gradient_of_a_window_is_that_of_zeros_around_it(backend, op, dtype, seed, data):
    """The same sums in the same arithmetic, however few outputs of a sample are in the window."""
    window = data.draw(windows(op.size))
    grad = np.zeros(op.out_shape, dtype)
    part = grad[op.crop(window)]
    part[...] = cases.sample(np.random.default_rng(seed), part.shape, dtype)
    got = interpolate_backward(part, op.shape, window=window, **op.arguments)
    want = interpolate_backward(grad, op.shape, **op.arguments)
    np.testing.assert_array_equal(got, want)


@given(operations(cases.COMPUTED), seeds, st.data())
def test_linear_in_its_input(backend, op, seed, data):
    """Powers of two scale exactly; a sum of pictures is interpolated to the sum."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=op.shape), rng.normal(size=op.shape)
    got = interpolate(x, **op.arguments)
    same_bits(interpolate(x * 8, **op.arguments), got * 8)
    total = interpolate(x + y, **op.arguments)
    np.testing.assert_allclose(total, got + interpolate(y, **op.arguments), rtol=0, atol=1e-13)


SYMMETRIC = [rule for rule in cases.COMPUTED if rule[1] != cases.SMOOTH | cases.ALIGN]


@given(operations(SYMMETRIC), seeds)
def test_mirrored_input_gives_mirrored_output(backend, op, seed):
    """To rounding.  Not PyTorch's antialias with align_corners, and not its single output."""
    assume("align_corners" not in op.keywords or 1 not in op.size)
    x = np.random.default_rng(seed).normal(size=op.shape)
    axes = tuple(range(op.first, op.first + len(op.size)))
    got = interpolate(np.flip(x, axes), **op.arguments)
    want = np.flip(interpolate(x, **op.arguments), axes)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)
