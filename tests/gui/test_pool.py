"""Recycled memory is never in two hands."""

import threading

import numpy as np
from upsampler_gui.pool import MOST, SMALL, Pool


def test_memory_in_use_is_not_handed_out():
    pool = Pool()
    rng = np.random.default_rng(0)
    held = []
    for _ in range(300):
        shape = [(300, 400), (400, 300), (100, 1200), (512, 512)][rng.integers(4)]
        dtype = [np.uint32, np.float32][rng.integers(2)]
        array = pool.empty(shape, dtype)
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.flags.writeable
        array[...] = len(held)
        # Views keep memory as arrays do.
        part = (array, array[::2], array.view(np.uint8), array.ravel())[rng.integers(4)]
        held.append((part, part.copy()))
        del array, part
        if len(held) > 20:
            held.pop(int(rng.integers(20)))
        for kept, copy in held:
            np.testing.assert_array_equal(kept, copy)


def test_memory_is_used_again():
    pool = Pool()
    places = set()
    for _ in range(50):
        array = pool.empty((300, 400), np.uint32)
        places.add(array.ctypes.data)
        del array
    assert len(places) == 1


def test_what_is_held_is_bounded():
    pool = Pool()
    held = [pool.empty((4 << 20,), np.uint8) for _ in range(40)]
    for i, array in enumerate(held):
        array[:] = i
    assert pool._held <= MOST
    assert sum(buffer.nbytes for buffer in pool._buffers) == pool._held
    assert [int(array[-1]) for array in held] == list(range(40))


def test_small_and_huge_arrays_are_not_its_business():
    pool = Pool()
    assert pool.empty((SMALL - 1,), np.uint8).base is None
    assert pool.empty((0, 5), np.uint32).shape == (0, 5)
    assert pool.empty((MOST + 1,), np.uint8).base is None
    assert pool._buffers == []


def test_several_threads():
    pool, wrong = Pool(), []

    def work(number):
        for _ in range(200):
            array = pool.empty((300, 300), np.uint32)
            array.fill(number)
            if not (array == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
