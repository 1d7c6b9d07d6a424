"""One case: everyone's result checked against ours, then everyone's time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

import upsampler

from .cases import Case
from .peers import ABSENT, PEERS, TOLERANCE, Entry
from .timing import Stats, measure

LIMIT, OUT, FRESH = "memset", "ours out=", "ours"


@dataclass(frozen=True)
class Result:
    """The times of one case at one number of threads, and who disagreed with us."""

    case: Case
    threads: int
    times: dict[str, Stats]
    differences: dict[str, float] = field(default_factory=dict)  # name -> largest, if too large

    @property
    def peers(self) -> dict[str, Stats]:
        return {name: t for name, t in self.times.items() if name not in (LIMIT, OUT, FRESH)}

    @property
    def fastest(self) -> str | None:
        """The name of the fastest peer, None where there is no peer."""
        return min(self.peers, key=lambda name: self.peers[name].median, default=None)

    @property
    def gain(self) -> float | None:
        """How many times faster we are than the fastest peer, fresh results on both sides."""
        if self.fastest is None:
            return None
        return self.times[self.fastest].median / self.times[FRESH].median

    def over_limit(self, name: str) -> float:
        """How many times the limit, writing the result once, `name` takes."""
        return self.times[name].median / self.times[LIMIT].median

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.case.name,
            **asdict(self.case),
            "threads": self.threads,
            "seconds": {name: asdict(stats) for name, stats in self.times.items()},
            "over_memset": {n: self.over_limit(n) for n in self.times},
            "fastest_peer": self.fastest,
            "gain": self.gain,
            "differences": self.differences,
        }


def memset(buffer: np.ndarray, pool: ThreadPoolExecutor, threads: int) -> None:
    """Fill a contiguous buffer, one equal part for each thread: the limit of any method."""
    cuts = [buffer.nbytes * k // threads for k in range(threads + 1)]
    parts = [(buffer.ctypes.data + begin, 0, end - begin) for begin, end in pairwise(cuts)]
    # ctypes lets go of the interpreter lock while the C function runs.
    others = [pool.submit(ctypes.memset, *part) for part in parts[1:]]
    ctypes.memset(*parts[0])
    for other in others:
        other.result()


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Largest absolute difference; infinite where the shapes differ."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a.astype(np.float64) - b).max())


def check(case: Case, x: np.ndarray, entries: Sequence[Entry], threads: int) -> dict[str, float]:
    """The entries whose result is not ours, with the largest difference."""
    found = {}
    for entry in entries:
        ours = ours_run(case, x, threads, **entry.same_as)()
        off = difference(entry.view(entry.run()), ours)
        if off > (0.0 if case.mode == "nearest" else TOLERANCE[case.dtype]):
            found[entry.name] = off
    return found


def ours_run(case: Case, x: np.ndarray, threads: int, **more: Any) -> Callable[[], np.ndarray]:
    return partial(
        upsampler.interpolate, x, size=case.size, mode=case.mode, layout=case.layout,
        num_threads=threads, **more,
    )  # fmt: skip


def run_case(case: Case, threads: int, peers: dict[str, str], share: float) -> Result:
    """Check and time a case, `share` seconds for each way to do it.

    `peers` are names with versions; those marked as absent are left out.
    """
    x = case.input()
    entries = [
        entry
        for name, version in peers.items()
        if not version.startswith(ABSENT)
        for entry in PEERS[name][1](case, x, threads)
    ]
    differences = check(case, x, entries, threads)
    # Pages are touched here, so that neither the limit nor out= pays for new ones.
    out, buffer = (np.zeros(case.out_shape, case.dtype) for _ in range(2))
    out[...] = buffer[...] = 1
    with ThreadPoolExecutor(max(1, threads - 1)) as pool:
        runs: dict[str, Callable[[], Any]] = {
            LIMIT: partial(memset, buffer, pool, threads),
            OUT: ours_run(case, x, threads, out=out),
            FRESH: ours_run(case, x, threads),
        }
        runs |= {entry.name: entry.run for entry in entries if entry.name not in differences}
        return Result(case, threads, measure(runs, share), differences)
