"""Small planes of float32, whose rows are resampled as one."""

import numpy as np
import pytest

from upsampler import interpolate
from upsampler.backends import use
from upsampler.backends.shuffles import JOINED, joined_rows

from .test_bits import pinned, rules

SIZES = [
    ((7, 7), (14, 14)),
    ((16, 16), (32, 32)),
    ((5, 9), (11, 31)),
    ((13, 20), (13, 47)),
    ((9, 30), (4, 17)),
    ((1, 24), (3, 48)),
    ((24, 1), (48, 3)),
    ((6, 5), (24, 20)),
    ((1, 4000), (1, 8000)),
]
MODES = [
    ("linear", {}),
    ("linear", {"align_corners": True}),
    ("linear", {"antialias": True}),
    ("bicubic", {}),
    ("area", {}),
    ("lanczos3", {}),
]


def planes(spatial):
    x = np.random.default_rng(3).standard_normal((3, 4, *spatial)).astype(np.float32)
    # A zero without a sign at the end of a row, and a number below it at the next one's begin.
    x[1, :, :, -1] = -0.0
    x[1, :, :, 0] = -1
    return x


@pytest.mark.parametrize("how", MODES, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_bits(cpu, sizes, how):
    spatial, size = sizes
    mode, keywords = how
    x = planes(spatial)
    expected = pinned(x, rules(spatial, size, mode, **keywords), first=2)
    for threads in (1, 3):
        y = interpolate(x, size, mode=mode, num_threads=threads, **keywords)
        assert y.tobytes() == expected.tobytes()
    wide = np.full((3, 4, size[0], size[1] + 5), 7, np.float32)
    interpolate(x, size, mode=mode, out=wide[..., 2:-3], **keywords)
    assert np.array_equal(wide[..., 2:-3], expected)
    assert (wide[..., [0, 1, -3, -2, -1]] == 7).all()
    window = ((size[0] // 3, size[0]), (1, max(2, size[1] - 2)))
    part = interpolate(x, size, mode=mode, window=window, **keywords)
    assert np.array_equal(part, expected[:, :, *(slice(*w) for w in window)])


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("mode", ["linear", "bicubic"])
def test_a_plane_that_is_not_finite(cpu, mode, value):
    """The planes beside it are as they were, and what lies beside it in memory, too."""
    x = planes((16, 16))
    x[1, 2, 7, -1] = value
    y = interpolate(x, 32, mode=mode)
    with use("cpu-baseline"):
        assert y.tobytes() == interpolate(x, 32, mode=mode).tobytes()
    assert np.isfinite(y[1, 2, :11]).all()
    assert np.isfinite(y[1, 2, :, :24]).all()


def table(n, m, *window):
    (rule,) = rules([n], [m], "linear")
    return rule.table(*window)


def test_which_are_joined():
    assert joined_rows(table(16, 32), table(16, 32), 16).rows == 16
    part = joined_rows(table(16, 32), table(16, 32, 8, 16), 16)
    assert (part.first, part.rows, part.n) == (3, 6, 16)
    n = JOINED // 32
    assert joined_rows(table(16, 32), table(n, 2 * n), 16) is not None
    for w, h in [
        (table(16, 32), table(n + 1, 2 * n)),  # too many numbers
        (table(3, 5), table(3, 4)),  # not a register
        (table(400, 40), table(16, 32)),  # columns that nothing reads
        (table(16, 32), table(100, 10)),  # rows
        (table(16, 16), table(16, 32)),  # nothing to do along W
    ]:
        assert joined_rows(w, h, 16) is None
