"""The pool of buffers below any result: blocks, sizes, limits, and NumPy's calls of the handler."""

import gc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import upsampler
from upsampler import buffer_pool_info, buffers, set_buffer_pool

pytestmark = pytest.mark.kernel

BYTE = np.dtype(np.uint8)
LEAST = 64 << 10
MB = 1 << 20


@pytest.fixture(autouse=True)
def pool():
    """An empty pool of 64 MB, and the usual one afterwards."""
    set_buffer_pool(0)
    set_buffer_pool(64 * MB)
    yield
    set_buffer_pool(0)
    set_buffer_pool(None)


def address(x):
    return x.__array_interface__["data"][0]


def block(n, value=0):
    x = buffers.empty((n,), BYTE)
    x[...] = value
    return x


@pytest.mark.parametrize("n", [LEAST, LEAST + 1, 100_003, MB, 2 * MB - 1, 2 * MB, 7 * MB + 13])
def test_memory_goes_round(n):
    x = block(n, 1)
    first, before = address(x), buffer_pool_info()
    assert first % 64 == 0
    assert not buffers.is_recycled(x)
    del x
    held = buffer_pool_info()["held"] - before["held"]
    assert n <= held <= n + max(n, LEAST) / 8
    assert buffers.holds(n)
    y = block(n, 2)
    assert address(y) == first
    assert buffers.is_recycled(y)
    assert not buffers.holds(n)
    after = buffer_pool_info()
    assert (after["reused"], after["held"]) == (before["reused"] + 1, before["held"])


@pytest.mark.parametrize(
    ("bound", "n"), [(64 * MB, LEAST - 1), (MB, MB + 1), (0, MB), (64 * MB, 0)]
)
def test_what_the_pool_leaves_to_numpy(bound, n):
    set_buffer_pool(bound)
    before = buffer_pool_info()
    x = block(n)
    assert x.size == n
    assert not buffers.is_recycled(x)
    del x
    assert buffer_pool_info() == before


def test_arrays_of_others_come_from_numpy():
    handler = np._core.multiarray.get_handler_name
    x = block(MB)
    assert handler(x) == "upsampler"
    assert handler() == handler(np.empty(MB, BYTE)) == handler(x.copy()) == "default_allocator"


def test_no_block_is_handed_out_twice():
    """Many arrays alive at once: each keeps its own pattern to its last byte."""
    rng = np.random.default_rng(40)
    alive = {}
    for step in range(400):
        if len(alive) > 12 or (alive and rng.random() < 0.45):
            key = list(alive)[rng.integers(len(alive))]
            assert (alive.pop(key) == key).all()
        else:
            alive[step % 251 + 1] = block(int(rng.integers(LEAST, 5 * LEAST)), step % 251 + 1)
            spans = sorted((address(x), address(x) + x.size) for x in alive.values())
            assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert all((x == key).all() for key, x in alive.items())
    assert buffer_pool_info()["reused"] > 100


def test_memory_stays_as_long_as_any_view_of_it():
    x = block(2 * MB, 7)
    view = x.view(np.uint16).reshape(2, -1)[1:, ::-1]
    before = buffer_pool_info()["blocks"]
    del x
    gc.collect()
    assert buffer_pool_info()["blocks"] == before
    other = block(2 * MB, 9)
    assert (view == 0x0707).all()
    del view
    assert buffer_pool_info()["blocks"] == before + 1
    assert (other == 9).all()


def test_memory_returns_from_cycles_that_are_collected():
    class Holder:
        pass

    gc.collect()
    gc.disable()
    try:
        holder = Holder()
        holder.me, holder.x = holder, block(MB)
        del holder
        assert not buffers.holds(MB)
        gc.collect()
        assert buffers.holds(MB)
    finally:
        gc.enable()


def test_resize_in_place():
    """NumPy moves the array by the handler, keeps what it held and clears what it gains."""
    del_me = block(3 * MB, 0xEE)  # what the larger block is made of
    del del_me
    x = block(MB, 5)
    x.resize((3 * MB,), refcheck=False)
    assert (x[:MB] == 5).all()
    assert not x[MB:].any()
    assert buffers.holds(MB)
    x.resize((3 * MB - 1,), refcheck=False)
    assert (x[:MB] == 5).all()
    x.resize((3,), refcheck=False)
    assert x.tolist() == [5, 5, 5]
    assert buffers.holds(3 * MB)
    x.resize((2 * MB,), refcheck=False)
    assert x[:3].tolist() == [5, 5, 5]
    assert not x[3:].any()


def test_memory_that_must_be_clear_is():
    """Types with references in them are cleared by NumPy, through the handler."""
    stale = block(MB, 0xFF)
    del stale
    x = buffers.empty((MB // 8,), np.dtype(object))
    assert all(item is None for item in x.tolist())


def test_lowering_the_bound_frees_at_once_and_the_oldest_first():
    blocks = [block(n * MB) for n in (1, 2, 3, 4)]
    while blocks:
        blocks.pop()  # returns the block of 4 MB first
    assert buffer_pool_info()["held"] == 10 * MB
    set_buffer_pool(7 * MB)
    assert buffer_pool_info()["held"] == 6 * MB
    assert [buffers.holds(n * MB) for n in (1, 2, 3, 4)] == [True, True, True, False]
    set_buffer_pool(0)
    assert (buffer_pool_info()["held"], buffer_pool_info()["blocks"]) == (0, 0)


def test_more_blocks_than_the_list_has_places():
    alive = [block(LEAST, k % 256) for k in range(1030)]
    set_buffer_pool(1 << 40)
    assert all((x == k % 256).all() for k, x in enumerate(alive))
    alive.clear()
    assert buffer_pool_info()["blocks"] == 1024
    assert buffer_pool_info()["held"] == 1024 * LEAST


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("new"), st.integers(0, 3 * MB)),
            st.tuples(st.just("drop"), st.integers(0, 30)),
            st.tuples(st.just("bound"), st.sampled_from([0, LEAST, MB, 5 * MB, 1 << 70])),
        ),
        max_size=40,
    )
)
def test_the_bound_is_kept_whatever_happens(steps):
    set_buffer_pool(4 * MB)
    alive = []
    for what, n in steps:
        if what == "new":
            alive.append((len(alive) % 256, block(n, len(alive) % 256)))
        elif what == "bound":
            set_buffer_pool(n)
        elif alive:
            value, x = alive.pop(n % len(alive))
            assert (x == value).all()
            del x
        info = buffer_pool_info()
        assert 0 <= info["held"] <= info["bound"] == upsampler.get_buffer_pool()
        assert (info["held"] > 0) == (info["blocks"] > 0)
    assert all((x == value).all() for value, x in alive)
