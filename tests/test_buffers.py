"""Results in recycled memory: the same bits, in any thread, across forks, within the bound."""

import contextvars
import copy
import ctypes
import gc
import os
import pickle
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import upsampler
from upsampler import (
    buffer_pool_info,
    buffers,
    get_buffer_pool,
    interpolate,
    set_buffer_pool,
    small_calls,
)
from upsampler.backends import get

from .test_threads import QUIET, run

MB = 1 << 20
BYTE = np.dtype(np.uint8)


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


X = np.random.default_rng(41).normal(size=(2, 3, 131, 67)).astype(np.float32)
WEIGHT = np.random.default_rng(42).normal(size=(3, 4, 3, 2)).astype(np.float32)
FILTER = np.random.default_rng(43).normal(size=(4, 3, 3, 2)).astype(np.float32)
SHUFFLED = np.random.default_rng(44).normal(size=(2, 12, 67, 131)).astype(np.float32)


def unpool(x):
    return upsampler.max_unpool2d(*upsampler.max_pool2d(x, 2, return_indices=True), 2)


OPERATIONS = {
    "nearest": lambda: interpolate(X, scale_factor=2),
    "bilinear": lambda: interpolate(X, scale_factor=2, mode="bilinear"),
    "bicubic": lambda: interpolate(X, (301, 97), mode="bicubic"),
    "identity": lambda: interpolate(X, X.shape[2:], mode="bilinear"),
    "window": lambda: interpolate(X, scale_factor=4, mode="area", window=((3, 500), (1, 200))),
    "memory order": lambda: interpolate(X.transpose(0, 1, 3, 2), scale_factor=2, mode="lanczos3"),
    "backward": lambda: upsampler.interpolate_backward(X, (2, 3, 131, 67), (131, 67), mode="area"),
    "narrower backward": lambda: upsampler.interpolate_backward(
        X, (2, 3, 263, 101), (131, 67), mode="bilinear"
    ),
    "nothing upstream": lambda: upsampler.interpolate_backward(
        X[..., :0, :0], (2, 3, 131, 67), (131, 67), window=((5, 5), (7, 7))
    ),
    "conv_transpose2d": lambda: upsampler.conv_transpose2d(X, WEIGHT, None, 2),
    "no channels": lambda: upsampler.conv_transpose2d(X[:, :0], WEIGHT[:0], None, 2),
    "dilated holes": lambda: upsampler.conv_transpose2d(X, WEIGHT, None, 3, dilation=3),
    "conv_transpose2d_backward": lambda: upsampler.conv_transpose2d_backward(
        upsampler.conv_transpose2d(X, WEIGHT, None, 2), X, WEIGHT, 2
    )[0],
    "no channels backward": lambda: upsampler.conv_transpose2d_backward(
        np.ones((2, 0, 263, 134), np.float32), X, WEIGHT[:, :0], 2
    )[0],
    "resize_conv2d": lambda: upsampler.resize_conv2d(X, FILTER),
    "resize_conv2d bilinear": lambda: upsampler.resize_conv2d(X, FILTER, mode="bilinear"),
    "resize_conv2d_backward": lambda: upsampler.resize_conv2d_backward(
        upsampler.resize_conv2d(X, FILTER), X, FILTER
    )[0],
    "pixel_shuffle": lambda: upsampler.pixel_shuffle(SHUFFLED, 2),
    "pixel_unshuffle": lambda: upsampler.pixel_unshuffle(SHUFFLED[..., :66, :130], 2),
    "avg_pool2d": lambda: upsampler.avg_pool2d(X, 3, 1, 1),
    "avg_pool2d_backward": lambda: upsampler.avg_pool2d_backward(X, (2, 3, 263, 135), 2),
    "max_pool2d indices": lambda: upsampler.max_pool2d(X, 3, 1, 1, return_indices=True)[1],
    "max_pool2d_backward": lambda: upsampler.max_pool2d_backward(
        *upsampler.max_pool2d(X, 3, 1, 1, return_indices=True), X.shape
    ),
    "max_unpool2d": lambda: unpool(X[..., :130, :66]),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_of_what_was_there_shows(backend, name):
    """Results in memory full of NaN have the bits of results in new memory."""
    set_buffer_pool(0)
    want = OPERATIONS[name]()
    assert want.nbytes >= buffers._buffers.LEAST, "otherwise the pool has no part in it"
    set_buffer_pool(64 * MB)
    for _ in range(2):
        for _ in range(3):  # all that the operation takes: inner results too
            kept = [buffers.empty((n,), BYTE) for n in _sizes(want.nbytes)]
            for x in kept:
                x[...] = 0xFF
            del kept, x
        before = buffer_pool_info()["reused"]
        got = OPERATIONS[name]()
        assert buffer_pool_info()["reused"] > before
        assert got.tobytes() == want.tobytes()
        assert got.strides == want.strides
        assert got.flags.owndata == want.flags.owndata


def _sizes(n):
    """The size of a result thrice, and all classes of inner results up to a few of its size."""
    return [n] * 3 + [max(n, 1 << 16) * k // 4 for k in range(1, 17)]


def test_a_result_is_an_array_like_any_other():
    y = interpolate(X, scale_factor=2)
    assert buffer_pool_info()["made"] > 0
    assert y.base is None
    assert y.flags.owndata
    assert y.flags.writeable
    assert sys.getsizeof(y) > y.nbytes
    for other in (copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert other.tobytes() == y.tobytes()
        assert not np.shares_memory(other, y)
    y.resize((3, 5))
    assert y.tobytes() == interpolate(X, scale_factor=2).ravel()[:15].tobytes()


HANDLER_BYTES = 127 + 1 + 5 * 8  # name, version, context and four functions of `PyDataMem_Handler`


@pytest.mark.skipif(sys.maxsize < 2**32, reason="the handler's size above is that of 64 bits")
def test_a_handler_chosen_for_all_arrays_is_left_alone():
    """Whoever told NumPy where arrays have to lie gets results there too."""
    api = ctypes.pythonapi
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
    api.PyCapsule_New.restype = ctypes.py_object
    api.PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    table = api.PyCapsule_GetPointer(np._core._multiarray_umath._ARRAY_API, None)
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(
        ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))[304]
    )
    usual = ctypes.cast(table, ctypes.POINTER(ctypes.POINTER(ctypes.py_object)))[306][0]
    copy_of_it = ctypes.create_string_buffer(
        ctypes.string_at(api.PyCapsule_GetPointer(usual, b"mem_handler"), HANDLER_BYTES)
    )
    copy_of_it[:7] = b"theirs\0"
    theirs = api.PyCapsule_New(ctypes.addressof(copy_of_it), b"mem_handler", None)
    name = np._core.multiarray.get_handler_name
    before = set_handler(theirs)
    try:
        assert name(interpolate(X, scale_factor=2)) == "theirs"
        assert name() == "theirs"
    finally:
        set_handler(before)
    assert name(interpolate(X, scale_factor=2)) == "upsampler"


def test_a_result_kept_is_left_alone():
    kept = [interpolate(X + k, scale_factor=2) for k in range(8)]
    prints = [x.tobytes() for x in kept]
    for k in range(40):
        interpolate(X - k, scale_factor=2)
    assert [x.tobytes() for x in kept] == prints


def test_memory_returns_from_another_thread():
    box = [interpolate(X, scale_factor=2)]
    place, dead = address(box[0]), weakref.ref(box[0])
    other = threading.Thread(target=box.clear)
    other.start()
    other.join()
    assert dead() is None
    assert address(interpolate(X, scale_factor=2)) == place


def test_memory_returns_when_another_library_lets_go_of_it():
    import torch

    y = interpolate(X, scale_factor=2)
    place = address(y)
    tensor = torch.from_numpy(y)[1:]
    del y
    gc.collect()
    assert address(interpolate(X, scale_factor=2)) != place
    del tensor
    gc.collect()
    assert any(address(y) == place for y in [interpolate(X, scale_factor=2) for _ in range(2)])


def test_threads_that_make_and_drop(cpu):
    """Results travel between threads, die in any of them, and are whole when they do."""
    want = [interpolate(X + k, scale_factor=2, num_threads=1).tobytes() for k in range(7)]
    shared, lock = [], threading.Lock()
    start = threading.Barrier(6)

    def work(part):
        rng = np.random.default_rng(part)
        start.wait()
        for _ in range(25):
            k = int(rng.integers(7))
            made = interpolate(X + k, scale_factor=2, num_threads=1 + part % 2)
            with lock:
                shared.append((k, made))
                taken = shared.pop(int(rng.integers(len(shared)))) if len(shared) > 5 else None
            del made
            if taken is not None:
                assert taken[1].tobytes() == want[taken[0]]
            if part == 0:
                set_buffer_pool(int(rng.integers(3)) * 4 * MB)
        return True

    with ThreadPoolExecutor(6) as workers:
        futures = [workers.submit(contextvars.copy_context().run, work, p) for p in range(6)]
        assert all(future.result(timeout=300) for future in futures)
    assert all(made.tobytes() == want[k] for k, made in shared)


def test_threads_that_fight_for_the_list():
    """Nothing but taking and giving, of three sizes and with the bound going up and down."""
    start, stop = threading.Barrier(5), threading.Event()

    def work(part):
        start.wait()
        for step in range(3000):
            n = (1 + step % 3) * buffers._buffers.LEAST
            x = buffers.empty((n,), BYTE)
            x[0] = x[-1] = part
            x[n // 2] = step % 256
            assert (x[0], x[-1], x[n // 2]) == (part, part, step % 256)
        return True

    def turn():
        start.wait()
        while not stop.is_set():
            for bound in (0, MB, 64 * MB):
                set_buffer_pool(bound)
                buffer_pool_info()

    with ThreadPoolExecutor(5) as workers:
        turning = workers.submit(turn)
        futures = [workers.submit(work, part) for part in range(1, 5)]
        try:
            assert all(future.result(timeout=300) for future in futures)
        finally:
            stop.set()
        turning.result(timeout=60)
    info = buffer_pool_info()
    assert info["held"] <= info["bound"]


@pytest.mark.parametrize(
    ("value", "want"),
    [("1000000", 1000000), ("0", 0), (" 5 ", 5), ("", 256 * MB), ("lots", 256 * MB),
     ("-1", 256 * MB), ("1" + "0" * 30, 1 << 62)],
)  # fmt: skip
def test_environment(value, want):
    code = """
        import upsampler
        first = upsampler.get_buffer_pool()
        upsampler.set_buffer_pool(7)
        upsampler.set_buffer_pool(None)
        assert upsampler.get_buffer_pool() == first == upsampler.buffer_pool_info()["bound"]
        print(first)
    """
    assert int(run(code, UPSAMPLER_BUFFER_POOL=value)) == want


def test_set_and_get():
    set_buffer_pool(np.int64(12345))
    assert get_buffer_pool() == 12345
    assert type(get_buffer_pool()) is int
    set_buffer_pool(2**80)
    assert get_buffer_pool() == 2**62
    for bad in (-1, 1.5, "2", False):
        with pytest.raises((TypeError, ValueError), match=r"^bytes: got"):
            set_buffer_pool(bad)
    assert get_buffer_pool() == 2**62


LEAK = """
    import numpy as np, upsampler

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    upsampler.set_buffer_pool(40_000_000)
    rng = np.random.default_rng(0)
    x = np.ones((8, 450, 310), np.float32)

    def step():
        channels, rows = rng.integers(1, 9), rng.integers(50, 450)
        return upsampler.interpolate(x[:channels, :rows], scale_factor=2, layout="CHW")

    kept = [step() for _ in range(5)]
    base = None
    for k in range(600):
        kept[k % 5] = step()
        if k == 100:
            base = resident()
    kept.clear()
    assert upsampler.buffer_pool_info()["held"] <= 40_000_000
    grown = resident() - base  # 600 results of 9 MB on average went through
    assert grown < 60_000_000, grown
    upsampler.set_buffer_pool(0)
    assert resident() < base, "nothing held, nothing alive"
    print("alive")
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell")
def test_no_leak():
    assert run(LEAK, UPSAMPLER_NUM_THREADS="1") == "alive"


FORKED = """
    import os, signal, threading
    import numpy as np, upsampler

    x = np.arange(120 * 200, dtype=np.float32).reshape(120, 200) % 251

    def compute(k=0):
        return upsampler.interpolate(x + k, scale_factor=3, mode="bilinear", num_threads=2)

    want = [compute(k).tobytes() for k in range(5)]
    stop = threading.Event()

    def busy():
        kept = []
        while not stop.is_set():
            kept.append(compute())
            if len(kept) > 3:
                kept.clear()

    others = [threading.Thread(target=busy) for _ in range(3)]
    for other in others:
        other.start()
    statuses = []
    kept = [compute(k) for k in range(5)]
    for _ in range(40):
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)  # a lock held by a thread that does not exist here is held for good
            ok = upsampler.buffer_pool_info()["held"] == 0
            ok = ok and [y.tobytes() for y in kept] == want
            kept.clear()  # memory of the parent's time returns to the child's pool
            ok = ok and [compute(k).tobytes() for k in range(5)] == want
            upsampler.set_buffer_pool(0)
            os._exit(0 if ok and upsampler.buffer_pool_info()["held"] == 0 else 1)
        statuses.append(os.waitpid(pid, 0)[1])
        assert [y.tobytes() for y in kept] == want
    stop.set()
    for other in others:
        other.join()
    assert statuses == [0] * 40, statuses
    print("alive")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_while_other_threads_make_and_drop():
    assert run(QUIET + FORKED) == "alive"


def test_the_interpreter_ends_with_results_alive():
    code = """
        import numpy as np, upsampler

        class Holder:
            def __del__(self):
                self.x.sum()

        holder = Holder()
        holder.me, holder.x = holder, upsampler.interpolate(np.ones((500, 500)), scale_factor=3)
        kept = upsampler.interpolate(np.ones((500, 500)), scale_factor=3)
        print("done")
    """
    assert run(code) == "done"


SHORT = """
    import resource
    import numpy as np, upsampler
    from upsampler import buffers

    x = np.ones((1000, 1000), np.float32)
    upsampler.set_buffer_pool(400_000_000)
    y = upsampler.interpolate(x, scale_factor=8)  # 256 MB
    del y
    assert upsampler.buffer_pool_info()["held"] > 250_000_000
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + 100_000_000, resource.RLIM_INFINITY))
    y = upsampler.interpolate(x, scale_factor=FACTOR)
    assert y.all()
    assert upsampler.buffer_pool_info()["held"] == 0
    try:
        upsampler.interpolate(x, scale_factor=10)
    except MemoryError as error:
        assert "(10000, 10000)" in str(error), error
        print("alive")
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell")
@pytest.mark.parametrize("factor", ["7", "(8, 7)"])
def test_the_pool_is_emptied_before_memory_is_said_to_be_short(factor):
    assert run(SHORT.replace("FACTOR", factor), UPSAMPLER_NUM_THREADS="1") == "alive"


def test_memory_that_the_pool_holds_counts_as_free(monkeypatch):
    """A machine that is full because of the pool: a large result is refused only after it."""
    asked = []

    def available():
        asked.append(buffer_pool_info()["held"])
        return 10**18 if asked[-1] == 0 else 0

    monkeypatch.setattr("upsampler.arrays.available_memory", available)
    monkeypatch.setattr("upsampler.arrays.LARGE", MB)
    block = buffers.empty((3 * MB,), BYTE)
    del block
    y = interpolate(np.ones((300, 500), np.float32), scale_factor=4)
    assert y.all()
    assert asked == [3 * MB, 0]
    asked.clear()
    del y
    interpolate(np.ones((300, 500), np.float32), scale_factor=4)
    assert asked == [], "memory that is there need not be looked for"


def test_large_results_are_streamed_into_memory_that_was_used_before(monkeypatch):
    seen = []

    def resample(self, plan, x, out, threads, fresh):
        seen.append(fresh)
        out[...] = 0

    monkeypatch.setattr(type(get("cpu")), "resample", resample)
    monkeypatch.setattr(small_calls, "SMALL", 0)
    for _ in range(2):
        interpolate(X, scale_factor=2)
    interpolate(X.transpose(0, 2, 3, 1), scale_factor=2, layout="NHWC")
    interpolate(X, scale_factor=2, out=np.empty((2, 3, 262, 134), np.float32))
    assert seen == [True, False, False, False]
