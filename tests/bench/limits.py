"""What bounds a computation: writing its result once, and the rate of the matrix product."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from types import TracebackType

import numpy as np

SIDE = 1024  # of the matrices: large enough for the full rate, and still some ten milliseconds
FLOPS = 2 * SIDE**3
VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# Not 0: an AMD EPYC writes zeros 2.8 times as fast as any other value, results are not zeros.
VALUE = 0x55
PROGRAM = f"""
import sys
import numpy as np
a, b, c = np.ones((3, {SIDE}, {SIDE}), np.float32)
for _ in sys.stdin:
    np.matmul(a, b, out=c)
    print(flush=True)
"""


def memset(buffer: np.ndarray, pool: ThreadPoolExecutor, threads: int) -> None:
    """Fill a contiguous buffer, one equal part for each thread: the limit of any method."""
    cuts = [buffer.nbytes * k // threads for k in range(threads + 1)]
    parts = [(buffer.ctypes.data + begin, VALUE, end - begin) for begin, end in pairwise(cuts)]
    # ctypes lets go of the interpreter lock while the C function runs.
    others = [pool.submit(ctypes.memset, *part) for part in parts[1:]]
    ctypes.memset(*parts[0])
    for other in others:
        other.result()


class Sgemm:
    """NumPy's product of two float32 matrices on a given number of threads, at each call.

    In a process of its own, because every BLAS reads its number of threads from the
    environment, once: the call crosses a pipe, which costs less than a thousandth of it.
    """

    def __init__(self, threads: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the benchmark
            env=os.environ | dict.fromkeys(VARIABLES, str(threads)),
        )
        self()  # it has started and its pages are there

    def __call__(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):  # told below, with the status
            self.process.stdin.write(b"\n")
        if not self.process.stdout.readline():
            raise RuntimeError(f"sgemm: the process ended with status {self.process.wait()}")

    def __enter__(self) -> Sgemm:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.communicate()  # the end of its input ends it
