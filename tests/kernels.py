"""What the sweeps over the kernels share: sizes, layouts, memory of all kinds, comparisons.

The sweeps (test_kernels*.py) reach every loop of the kernels.  They run everywhere, and besides
in a build with bounds checks and under the address and undefined-behaviour sanitizers
(`python -m tests.hardened`).  They therefore import nothing but NumPy, ml_dtypes, pytest and
hypothesis, keep arrays small enough for slow builds, and let arrays end where their memory
ends.  Values are held to the reference backend, variants of a call to the bits of the plain one.
"""

import ml_dtypes
import numpy as np

from upsampler.backends import use

from . import cases

FULL = [*cases.RULES, ("nearest", {"scale_factor": (2.5, 1.7)}), ("linear", {"scale_factor": 1.3})]
# (H, W) -> (H, W): single samples, x2, x4, x8 and others, growing, shrinking and both; widths
# around the 4, 8, 16 and 32 lanes of vectors.
SIZES = [
    ((1, 1), (1, 1)),
    ((1, 1), (3, 5)),
    ((5, 1), (2, 7)),
    ((1, 7), (4, 1)),
    ((2, 2), (4, 4)),
    ((7, 13), (14, 26)),
    ((3, 17), (12, 68)),
    ((2, 33), (16, 264)),
    ((3, 8), (9, 24)),
    ((4, 31), (7, 65)),
    ((13, 67), (5, 29)),
    ((9, 15), (9, 15)),
    ((11, 5), (3, 129)),
    ((2, 64), (2, 16)),
]
SHAPES = [  # layout, lengths of the axes besides H and W
    ("HW", ()),
    ("NCHW", (2, 3)),
    ("HWC", (2,)),
    ("HWC", (3,)),
    ("NHWC", (2, 4)),
    ("HWC", (5,)),
    ("HWC", (17,)),
    ("CHWN", (2, 3)),
]
FEW = [np.dtype(c) for c in "Bhefd"]


def shape_of(layout, others, spatial):
    lengths = iter(others)
    return tuple(spatial["HW".index(c)] if c in "HW" else next(lengths) for c in layout)


def arguments(rule, size):
    """Mode and keywords, with `size` unless the rule scales."""
    mode, keywords = rule
    return {"mode": mode, "size": size if "scale_factor" not in keywords else None, **keywords}


def seeded(*key):
    return np.random.default_rng([*map(ord, str(key))])


def reference(function, x, *args, **keywords):
    """The float64 result of the reference backend."""
    with use("reference"):
        return function(x.astype(np.float64), *args, **keywords)


def assert_near(got, exact, scale):
    """`got` is `exact` up to the arithmetic's rounding, and rounded to its dtype once."""
    dtype = got.dtype
    finite = np.isfinite(exact)
    if dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        exact = np.clip(exact, low, high)
        allowed = {1: 0.51, 2: 0.53}.get(dtype.itemsize, 0.51 + 32 * 2.0**-53 * scale)
    else:
        info = ml_dtypes.finfo(dtype)
        eps = 2.0**-53 if dtype == np.float64 else 2.0**-24
        with np.errstate(invalid="ignore", over="ignore"):
            special = exact.astype(dtype)
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(special))
        np.testing.assert_array_equal(got[~finite].astype(float), exact[~finite])
        finite &= np.isfinite(special)
        tiny = float(info.smallest_subnormal)
        allowed = 32 * eps * scale + 0.51 * float(info.eps) * np.abs(exact) + tiny
        allowed = np.broadcast_to(allowed, exact.shape)[finite]
    off = np.abs(got[finite].astype(np.float64) - exact[finite])
    assert (off <= allowed).all(), f"{off.max()} off, dtype {dtype}"


def magnitude(x):
    values = np.abs(x.astype(np.float64))
    return float(values[np.isfinite(values)].max(initial=0))


def same_bits(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def views(x):
    """`x` in other memory: strided, reversed, transposed, misaligned, foreign, read-only."""
    wide = np.zeros(tuple(2 * n + 1 for n in x.shape), x.dtype)
    strided = wide[tuple(slice(1, None, 2) for _ in x.shape)]
    strided[...] = x
    yield "strided", strided
    yield "reversed", np.flip(np.ascontiguousarray(np.flip(x)))
    yield "transposed", np.ascontiguousarray(x.T).T
    raw = np.zeros(x.nbytes + 1, np.uint8)
    misaligned = raw[1:].view(x.dtype).reshape(x.shape)
    misaligned[...] = x
    yield "misaligned", misaligned
    if x.dtype.kind in "iuf":
        yield "foreign", x.astype(x.dtype.newbyteorder())
    locked = x.copy()
    locked.flags.writeable = False
    yield "read-only", locked


def outs(shape, dtype):
    """Places for a result inside larger memory full of a pattern: (place, memory)."""
    for step in (1, 2, -1, -3):
        lengths = [n * abs(step) + 3 for n in shape]
        memory = np.full([*lengths, dtype.itemsize], 0xA5, np.uint8)
        memory = memory.view(dtype)[..., 0]
        inner = memory[tuple(slice(1, 1 + n * abs(step)) for n in shape)]
        yield inner[tuple(slice(None, None, step) for _ in shape)], memory
    memory = np.full([*shape[::-1], dtype.itemsize], 0xA5, np.uint8).view(dtype)[..., 0]
    yield memory.T, memory
