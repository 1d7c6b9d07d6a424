"""Small planes, whose rows are resampled, or moved, as one."""

import numpy as np
import pytest

from upsampler import interpolate
from upsampler.backends import cpu as cpu_backend
from upsampler.backends import get, use
from upsampler.backends.cpu import STREAM
from upsampler.backends.shuffles import JOINED, joined_picks, joined_rows

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
TYPES = [np.float32, np.float16, np.uint8, np.uint16]


@pytest.fixture(autouse=True)
def from_the_first_plane_on(monkeypatch):
    monkeypatch.setattr(cpu_backend, "PLANES", 0)


def planes(spatial, dtype=np.float32):
    rng = np.random.default_rng(3)
    if np.dtype(dtype).kind == "u":
        return rng.integers(0, np.iinfo(dtype).max, (3, 4, *spatial), dtype, endpoint=True)
    x = rng.standard_normal((3, 4, *spatial)).astype(dtype)
    # A zero without a sign at the end of a row, and a number below it at the next one's begin.
    x[1, :, :, -1] = -0.0
    x[1, :, :, 0] = -1
    return x


@pytest.mark.parametrize("how", MODES, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_bits(cpu, dtype, sizes, how):
    spatial, size = sizes
    mode, keywords = how
    x = planes(spatial, dtype)
    expected = pinned(x, rules(spatial, size, mode, **keywords), first=2)
    for threads in (1, 3):
        y = interpolate(x, size, mode=mode, num_threads=threads, **keywords)
        assert y.tobytes() == expected.tobytes()
    wide = np.full((3, 4, size[0], size[1] + 5), 7, dtype)
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


def test_it_begins_when_it_pays(cpu, monkeypatch):
    """With the plane that makes a hundred, and with the same bits."""
    made = []
    monkeypatch.setattr(cpu_backend, "PLANES", 100)
    monkeypatch.setattr(
        cpu_backend, "joined_rows", lambda *args: made.append(args) or joined_rows(*args)
    )
    x = np.random.default_rng(6).standard_normal((5, 8, 17, 23)).astype(np.float32)
    calls = [interpolate(x, (29, 37), mode="bilinear") for _ in range(5)]
    assert len(made) == (1 if get(cpu).loops.LANES else 0)
    assert len({y.tobytes() for y in calls}) == 1


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_planes_that_go_past_the_caches(cpu, dtype):
    """Nothing is written beside them, wherever they begin within a line."""
    x = planes((20, 21), dtype)
    size = (51, 47)
    want = interpolate(x, size, mode="bilinear")
    n = max(1, STREAM // want.nbytes) + 1
    many = np.tile(x, (n, 1, 1, 1))
    for offset in (0, 1, 5):
        memory = np.full(many.shape[0] * 4 * 51 * 47 + 12, 7, dtype)
        out = memory[offset : offset - 12].reshape(3 * n, 4, *size)
        interpolate(many, size, mode="bilinear", out=out, num_threads=2)
        assert np.array_equal(out[:3], want)
        assert np.array_equal(out[-3:], want)
        assert (memory[:offset] == 7).all()
        assert (memory[offset - 12 :] == 7).all()


ITEMS = [np.uint8, np.float16, "V3", np.float32, "V6", np.float64, "V24"]


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("sizes", [*SIZES, ((20, 20), (31, 33)), ((40, 12), (82, 18))], ids=str)
@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_moved(cpu, item, sizes, mode):
    spatial, size = sizes
    dtype = np.dtype(item)
    data = np.random.default_rng(4).integers(1, 100, 12 * np.prod(spatial) * dtype.itemsize)
    x = data.astype(np.uint8).view(dtype).reshape(3, 4, *spatial)
    h, w = (
        np.floor((np.arange(m) + (0.5 if mode == "nearest-exact" else 0)) * n / m).astype(int)
        for n, m in zip(spatial, size, strict=True)
    )
    want = x[:, :, h[:, None], w]
    assert interpolate(x, size, mode=mode).tobytes() == want.tobytes()
    memory = np.full((want.size + 8) * dtype.itemsize, 7, np.uint8)
    part = memory[3 * dtype.itemsize : -5 * dtype.itemsize].view(dtype).reshape(want.shape)
    interpolate(x, size, mode=mode, out=part, num_threads=2)
    assert part.tobytes() == want.tobytes()
    assert (memory[: 3 * dtype.itemsize] == 7).all()
    assert (memory[-5 * dtype.itemsize :] == 7).all()
    window = ((size[0] // 3, size[0]), (0, max(1, size[1] - 2)))
    rows, columns = (slice(*edges) for edges in window)
    got = interpolate(x, size, mode=mode, window=window)
    assert got.tobytes() == want[:, :, rows, columns].tobytes()


def test_which_are_moved_as_one():
    d, h, w = np.zeros(1, int), np.arange(40) // 2 + 3, np.arange(36) // 2
    found = joined_picks(d, h, w, 18, 4, 16)
    assert (found.first, found.rows) == (3, 20)
    for other in [
        (np.zeros(2, int), h, w, 18, 4, 16),  # a volume
        (d, h * 10, w, 18, 4, 16),  # rows that nothing reads
        (d, h, w, 40, 4, 16),  # columns
        (d, h, np.arange(36) // 2, 18, 8, 16),  # long rows
        (d, np.arange(4000), w, 18, 4, 16),  # many of them
        (d, h, w, 18, 64, 16),  # pixels of their own registers
    ]:
        assert joined_picks(*other) is None


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
        (table(16, 32), table(16, 16)),  # or along H
    ]:
        assert joined_rows(w, h, 16) is None
