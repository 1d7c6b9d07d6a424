"""Long axes in pieces: the same bits, and the same tables for all pieces of the inside."""

from itertools import pairwise

import numpy as np
import pytest

from upsampler import interpolate, pieces, plan, small_calls
from upsampler.axis import AxisRule
from upsampler.spec import resample_spec

from .kernels import same_bits

MODES = ("nearest", "nearest-exact", "linear", "area", "bicubic", "lanczos3")


@pytest.fixture
def short(monkeypatch):
    """Axes are long from some dozens of outputs on."""
    monkeypatch.setattr(pieces, "SHARED", 64)
    monkeypatch.setattr(pieces, "PIECE", 60)
    forget()
    yield
    forget()


def forget():
    for cache in (plan._PLANS, plan._TABLES):
        cache.forget()
    small_calls._small_call.cache_clear()


def whole(monkeypatch, *args, **kwargs):
    """The result without pieces, nor what is remembered of calls with them."""
    with monkeypatch.context() as patch:
        patch.setattr(pieces, "SHARED", 1 << 30)
        patch.setattr(pieces, "PIECE", 1 << 30)
        out = interpolate(*args, **kwargs)
    forget()
    return out


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "factor", [{"scale_factor": 2}, {"scale_factor": 3}, {"scale_factor": 1.7}, {"size": 601}]
)
def test_pieces_have_the_bits_of_the_whole(backend, mode, factor, short, monkeypatch):
    rng = np.random.default_rng(31)
    if mode in ("bicubic", "lanczos3"):
        x = rng.normal(size=(3, 401)).astype(np.float32)
        factor = {"size": (3, factor["size"])} if "size" in factor else {
            "scale_factor": (1, factor["scale_factor"])
        }  # fmt: skip
        layout = "HW"
    else:
        x, layout = rng.normal(size=(3, 401)).astype(np.float32), "CW"
    want = whole(monkeypatch, x, mode=mode, layout=layout, **factor)
    same_bits(interpolate(x, mode=mode, layout=layout, **factor), want)
    length = want.shape[-1]
    for lo, hi in ((0, length), (1, length - 1), (63, 64 * 3 + 1), (length - 70, length)):
        window = ((0, 3), (lo, hi)) if layout == "HW" else ((lo, hi),)
        got = interpolate(x, mode=mode, layout=layout, window=window, **factor)
        same_bits(got, want[:, lo:hi])


@pytest.mark.parametrize("n", [1, 2, 3, 40, 64, 65])
@pytest.mark.parametrize("mode", ["nearest", "linear", "area"])
def test_signals_of_few_samples_and_many_outputs(n, mode, short, monkeypatch):
    x = np.random.default_rng(n).normal(size=(2, n)).astype(np.float32)
    want = whole(monkeypatch, x, 300, mode=mode, layout="CW")
    same_bits(interpolate(x, 300, mode=mode, layout="CW"), want)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic", "area", "lanczos3"])
def test_all_pieces_of_the_inside_are_one(mode, short):
    rule = AxisRule(1001, 2002, mode, resample_spec((1001,), np.dtype("f4"), None, 2).rules[0].step)
    parts = list(pieces.pieces(rule, 5, 1990))
    ends = [(part.target.start, part.target.stop) for part in parts]
    assert ends[0][0] == 0
    assert ends[-1][1] == 1985
    assert all(a[1] == b[0] for a, b in pairwise(ends))
    inside = {(part.rule, part.window) for part in parts if part.source != slice(None)}
    assert len(inside) == 1
    assert sum(part.source != slice(None) for part in parts) >= len(parts) - 4


def test_steps_that_never_repeat_have_tables_of_their_own(short):
    (rule,) = resample_spec((1001,), np.dtype("f4"), None, 1.7).rules
    assert not pieces.shares(rule)
    assert all(part.rule == rule for part in pieces.pieces(rule, 0, rule.m))


def test_a_second_call_makes_no_tables(short, monkeypatch):
    x = np.zeros((2, 5000), np.float32)
    interpolate(x, scale_factor=2, mode="linear", layout="CW")

    def forbidden(*args):
        raise AssertionError("a table was made")

    monkeypatch.setattr(AxisRule, "table", forbidden)
    interpolate(x, scale_factor=2, mode="linear", layout="CW")
