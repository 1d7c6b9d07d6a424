"""Threads: their number, several Python threads at once, and what comes after fork."""

import contextvars
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import upsampler
from upsampler import get_num_threads, interpolate, interpolate_backward, set_num_threads

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def run(code: str, **environment: str) -> str:
    """Standard output of a fresh interpreter; its warnings are errors, as everywhere here."""
    variables = {k: v for k, v in os.environ.items() if not k.endswith("NUM_THREADS")}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env=variables | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


ASK = "import upsampler; print(upsampler.get_num_threads())"


@pytest.mark.parametrize(
    ("environment", "want"),
    [
        ({}, CORES),
        ({"UPSAMPLER_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "4,2,1"}, 4),
        ({"UPSAMPLER_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"UPSAMPLER_NUM_THREADS": "0"}, CORES),
        ({"UPSAMPLER_NUM_THREADS": "many", "OMP_NUM_THREADS": "2"}, 2),
        ({"UPSAMPLER_NUM_THREADS": "-1", "OMP_NUM_THREADS": ""}, CORES),
    ],
    ids=str,
)
def test_default_number(environment, want):
    assert int(run(ASK, **environment)) == want


def test_set_and_reset(default_threads):
    set_num_threads(None)
    usual = get_num_threads()
    assert usual >= 1
    set_num_threads(7)
    assert get_num_threads() == 7
    assert upsampler.backends()["cpu"]["threads"] == 7
    set_num_threads(np.int64(2))
    assert get_num_threads() == 2
    assert type(get_num_threads()) is int
    set_num_threads(None)
    assert get_num_threads() == usual


def test_more_threads_than_cores_and_than_rows(backend):
    x = np.random.default_rng(120).normal(size=(3, 700)).astype(np.float32)
    want = interpolate(x, (5, 1400), mode="bicubic", num_threads=1)
    for threads in (2, 3, 8, 1000, 2**31, 2**70):
        got = interpolate(x, (5, 1400), mode="bicubic", num_threads=threads)
        assert got.tobytes() == want.tobytes()


def test_several_python_threads_at_once(backend):
    """Different calls at the same time, each with threads of its own, some of them small."""
    rng = np.random.default_rng(121)
    jobs = []
    for k in range(24):
        shape = (3, 40 + 13 * k, 50 + 7 * k) if k % 3 else (1, 5, 7)
        x = rng.normal(size=shape).astype([np.float32, np.float64, np.uint8][k % 3])
        mode = ["bilinear", "nearest", "bicubic", "area"][k % 4]
        size = (shape[1] * 2, shape[2] + 30)
        jobs.append((x, size, mode, interpolate(x, size, mode=mode, layout="CHW", num_threads=1)))
    start = threading.Barrier(6)

    def work(part):
        start.wait()
        for _ in range(4):
            for x, size, mode, want in jobs[part::6]:
                got = interpolate(x, size, mode=mode, layout="CHW", num_threads=1 + part % 4)
                assert got.tobytes() == want.tobytes()
                if x.dtype.kind == "f":
                    interpolate_backward(got, x.shape, size, mode=mode, layout="CHW")
        return True

    with ThreadPoolExecutor(6) as pool:
        # A new thread has a context of its own: hand it the one that chose the backend.
        futures = [pool.submit(contextvars.copy_context().run, work, part) for part in range(6)]
        assert all(future.result(timeout=300) for future in futures)


def test_setting_the_number_while_others_compute(default_threads):
    x = np.random.default_rng(122).normal(size=(300, 400)).astype(np.float32)
    want = interpolate(x, scale_factor=2, mode="bilinear", num_threads=1)
    stop = threading.Event()

    def turn():
        while not stop.is_set():
            for n in (1, 4, 2, None):
                set_num_threads(n)

    other = threading.Thread(target=turn)
    other.start()
    try:
        for _ in range(60):
            got = interpolate(x, scale_factor=2, mode="bilinear")
            assert got.tobytes() == want.tobytes()
    finally:
        stop.set()
        other.join()


WHERE = """
    import os
    import time
    import numpy as np
    from upsampler import interpolate

    def helper_ends_on(right):
        # On a busy machine calls may end before their helper has begun to run for the first time.
        for _ in range(500):
            interpolate(x, scale_factor=3, mode="bicubic", num_threads=2)
            others = set(os.listdir("/proc/self/task")) - before
            found = [os.sched_getaffinity(int(number)) for number in others]
            if len(found) == 1 and right(found[0]):
                return True
            time.sleep(0.01)
        return found

    x = np.zeros((300, 400), np.float32)
    before = set(os.listdir("/proc/self/task"))
    two = set(sorted(os.sched_getaffinity(0))[:2])
    os.sched_setaffinity(0, two)
    print(helper_ends_on(lambda cores: len(cores) == 1 and cores < two))
    one = {min(two)}
    os.sched_setaffinity(0, one)
    print(helper_ends_on(lambda cores: cores == one))
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux lets us choose cores")
@pytest.mark.skipif(CORES < 2, reason="there is one core to run on")
def test_helpers_leave_the_core_of_their_caller():
    """And stay on the cores that it may use, even where that is a single one."""
    assert run(WHERE).split() == ["True", "True"]


# Python 3.12 warns of fork in a process with threads; that it works nevertheless is the point.
QUIET = """
    import warnings
    warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
"""
FORKED = """
    import os
    import numpy as np
    from upsampler import interpolate

    x = np.arange(300 * 400, dtype=np.float32).reshape(300, 400) % 251

    def compute():
        return interpolate(x, scale_factor=3, mode="bicubic", num_threads=4).tobytes()

    tasks = "/proc/self/task"
    want = compute()  # the parent's threads are running now; fork takes none of them along
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            ok = all(compute() == want for _ in range(3))
            # Helpers of its own, instead of waiting for those of the parent.
            ok = ok and (not os.path.exists(tasks) or len(os.listdir(tasks)) > 1)
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if compute() == want else 1)
            ok = ok and os.waitpid(grandchild, 0)[1] == 0
            os._exit(0 if ok else 1)
        children.append(pid)
        assert compute() == want
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    assert compute() == want
    print("alive")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_fork():
    assert run(QUIET + FORKED) == "alive"


FORKED_WHILE_BUSY = """
    import os, signal, threading
    import numpy as np
    from upsampler import interpolate

    x = np.arange(120 * 200, dtype=np.float32).reshape(120, 200) % 251

    def compute():
        return interpolate(x, scale_factor=2, mode="bilinear", num_threads=3).tobytes()

    want = compute()
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            compute()

    others = [threading.Thread(target=busy) for _ in range(3)]
    for other in others:
        other.start()
    statuses = []
    for _ in range(60):
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)  # a lock held by a thread that does not exist here is held for good
            os._exit(0 if all(compute() == want for _ in range(3)) else 1)
        statuses.append(os.waitpid(pid, 0)[1])
    stop.set()
    for other in others:
        other.join()
    assert statuses == [0] * 60, statuses
    print("alive")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_while_other_threads_compute():
    """At the moment of the fork locks are held and helpers are counted as running."""
    assert run(QUIET + FORKED_WHILE_BUSY) == "alive"


POOL = """
    import multiprocessing
    import numpy as np
    from upsampler import interpolate

    x = np.random.default_rng(0).normal(size=(200, 300))

    def job(k):
        return interpolate(x + k, scale_factor=2, mode="bilinear", num_threads=3).sum()

    want = [job(k) for k in range(6)]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(job, range(6)) == want
    print("alive")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_multiprocessing_with_fork():
    assert run(QUIET + POOL) == "alive"


def test_the_interpreter_ends_while_threads_are_idle():
    code = """
        import numpy as np, upsampler
        upsampler.interpolate(np.ones((500, 500)), scale_factor=3, mode="bicubic", num_threads=8)
        print("done")
    """
    assert run(code) == "done"


def test_other_python_threads_run_meanwhile():
    """The GIL is released: another thread counts on while a long call computes."""
    x = np.random.default_rng(123).normal(size=(1500, 1500))
    progress, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            progress[0] += 1

    other = threading.Thread(target=count)
    other.start()
    try:
        before = progress[0]
        interpolate(x, (3001, 3001), mode="lanczos3", num_threads=1)
        during = progress[0] - before
    finally:
        stop.set()
        other.join()
    # Without the GIL released nothing at all is counted within the call; thousands otherwise.
    assert during > 500
