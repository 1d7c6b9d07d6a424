"""Axis tables themselves: slices, transposes, promises that the loops rely on, far positions."""

from fractions import Fraction

import numpy as np
import pytest

from upsampler.axis import AxisRule

from . import exact

METHODS = [
    ("nearest", False, False),
    ("nearest", True, False),
    ("nearest-exact", False, False),
    ("linear", False, False),
    ("linear", True, False),
    ("linear", False, True),
    ("linear", True, True),
    ("cubic", False, False),
    ("cubic", True, False),
    ("cubic", False, True),
    ("cubic", True, True),
    ("area", False, False),
    ("lanczos3", False, False),
]
every_method = pytest.mark.parametrize(("method", "align", "smooth"), METHODS)


def rule(n, m, method, align, smooth, step=None):
    return AxisRule(n, m, method, Fraction(n, m) if step is None else step, align, smooth)


@every_method
def test_all_small_tables_are_the_rational_ones(method, align, smooth):
    for n in range(1, 15):
        for m in range(1, 15):
            want = exact.dense(exact.weights(n, m, method, align, smooth), n)
            got = rule(n, m, method, align, smooth).table().dense()
            np.testing.assert_allclose(got, want, rtol=0, atol=2e-15, err_msg=f"{n} -> {m}")


@every_method
def test_transpose_is_the_transposed_matrix(method, align, smooth):
    """For all pairs of sizes: filters that are zero at whole distances leave holes in rows."""
    wrong = []
    for n in range(1, 41):
        for m in range(1, 41):
            table = rule(n, m, method, align, smooth).table()
            if not np.array_equal(table.transpose().dense(), table.dense().T):
                wrong.append((n, m))
            lo, hi = m // 3, m - m // 4
            if not np.array_equal(table.transpose(lo, hi).dense(), table.dense()[lo:hi].T):
                wrong.append((n, m, lo, hi))
    assert not wrong


@every_method
def test_a_slice_is_made_of_the_same_rows(method, align, smooth):
    rng = np.random.default_rng(30)
    for n, m, step in [(7, 19, None), (19, 7, None), (13, 29, 1 / 2.3), (97, 9, 10.0), (5, 5, 0.9)]:
        whole = rule(n, m, method, align, smooth, step)
        full = whole.table()
        for _ in range(10):
            lo, hi = sorted(rng.integers(0, m, 2, endpoint=True))
            part = whole.table(int(lo), int(hi))
            assert (part.kind, part.taps) == (full.kind, full.taps)
            np.testing.assert_array_equal(part.start, full.start[lo:hi])
            assert part.weights.tobytes() == full.weights[lo:hi].tobytes()


@every_method
def test_tables_stay_inside_of_the_input(method, align, smooth):
    for n in (1, 2, 3, 5, 12, 61):
        for m in (1, 2, 3, 7, 12, 41, 122):
            table = rule(n, m, method, align, smooth).table()
            assert table.start.dtype == np.int64
            assert table.start.min() >= 0
            last = table.start + (1 if table.kind in ("copy", "linear") else table.taps)
            assert last.max() <= n
            if table.kind == "linear":
                assert (table.weights >= 0).all()
                assert (table.weights < 1).all()


@pytest.mark.parametrize(("method", "align", "smooth"), METHODS)
def test_positions_are_exact_far_out(method, align, smooth):
    """Rows at the end of an axis of 2^40 samples, where float32 has long lost the neighbours."""
    n, m = 2**40 + 7, 2**41 + 3
    table = rule(n, m, method, align, smooth).table(m - 9, m)
    # Filters that stretch take a float64 centre: 2^-13 of a sample at 2^40.
    tolerance = 2e-3 if smooth or method == "lanczos3" else 2e-15
    full = table.as_sum()
    for at, i in enumerate(range(m - 9, m)):
        want = exact.row(i, n, m, method, align, smooth)
        got = {int(full.start[at]) + t: w for t, w in enumerate(full.weights[at]) if abs(w) > 2e-3}
        assert set(got) == {k for k, w in want.items() if abs(w) > 2e-3}
        for k, w in got.items():
            assert abs(w - float(want[k])) <= tolerance
