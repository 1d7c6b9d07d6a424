"""One case: everyone's result checked against ours, then everyone's time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

import upsampler

from .case import Case, Entry, Inputs, Results
from .limits import FLOPS, memset
from .peers import ABSENT
from .timing import Stats, measure, settling

LIMIT, SGEMM, OUT, FRESH = "memset", "sgemm", "ours out=", "ours"
# Fresh results as well, but in new memory: from the pool while earlier results are all held
# alive, so that it has nothing to give, and from NumPy, with the pool switched off.
HELD, NO_POOL = "ours held", "ours no pool"
OURS = (OUT, FRESH, HELD, NO_POOL)


@dataclass(frozen=True)
class Result:
    """The times of one case at one number of threads, and who disagreed with us."""

    case: Case
    threads: int
    times: dict[str, Stats]
    differences: dict[str, float] = field(default_factory=dict)  # name -> largest, if too large

    @property
    def peers(self) -> dict[str, Stats]:
        return {n: t for n, t in self.times.items() if n not in (LIMIT, SGEMM, *OURS)}

    @property
    def fastest(self) -> str | None:
        """The name of the fastest peer, None where there is no peer."""
        return min(self.peers, key=lambda name: self.peers[name].median, default=None)

    @property
    def gain(self) -> float | None:
        """How many times faster we are than the fastest peer, fresh results on both sides."""
        return self.gain_of(FRESH)

    def gain_of(self, name: str) -> float | None:
        """How many times faster `name` is than the fastest peer; None where one was not timed."""
        if self.fastest is None or name not in self.times:
            return None
        return self.times[self.fastest].median / self.times[name].median

    def over_limit(self, name: str) -> float | None:
        """How many times the limit, writing the result once, `name` takes; None if not timed."""
        if name not in self.times:
            return None
        return self.times[name].median / self.times[LIMIT].median

    def gflops(self, name: str) -> float | None:
        """Billions of floating point operations a second; None where they do not count."""
        flops = FLOPS if name == SGEMM else self.case.flops
        if not self.case.flops or name not in self.times:
            return None
        return flops / self.times[name].median / 1e9

    @property
    def missed(self) -> list[str]:
        """The demands on the case that were not met."""
        fresh = self.over_limit(FRESH)
        assert fresh is not None
        return self.case.bar.missed(self.gain, fresh, self.over_limit(OUT))

    def as_json(self) -> dict[str, Any]:
        ways = [name for name in self.times if name != SGEMM]
        return {
            "name": self.case.name,
            "section": self.case.section,
            **asdict(self.case),  # type: ignore[call-overload]
            "threads": self.threads,
            "seconds": {name: asdict(stats) for name, stats in self.times.items()},
            "over_memset": {n: self.over_limit(n) for n in ways},
            "gflops": {n: self.gflops(n) for n in self.times if n != LIMIT and self.case.flops},
            "fastest_peer": self.fastest,
            "gain": self.gain,
            "bar": asdict(self.case.bar),
            "missed": self.missed,
            "differences": self.differences,
        }


def arrays(results: Results) -> tuple[np.ndarray, ...]:
    return results if isinstance(results, tuple) else (results,)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Largest absolute difference; infinite where the shapes differ."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a.astype(np.float64) - b).max())


def check(case: Case, inputs: Inputs, entries: Sequence[Entry], threads: int) -> dict[str, float]:
    """The entries whose result is not ours, with the largest difference."""
    found: dict[str, float] = {}
    for entry in entries:
        ours = arrays(case.ours(inputs, threads, **entry.same_as)())
        theirs = arrays(entry.view(entry.run()))
        for a, b in zip(theirs, ours, strict=True):
            off = difference(a, b)
            if off > case.tolerance(b):
                found[entry.name] = max(off, found.get(entry.name, 0.0))
    return found


def run_case(
    case: Case,
    threads: int,
    peers: dict[str, str],
    share: float,
    sgemm: Callable[[], None] | None = None,
) -> Result:
    """Check and time a case, `share` seconds for each way to do it.

    `peers` are names with versions; those marked as absent are left out.  `sgemm` is timed
    along where the case counts floating point operations.
    """
    inputs = case.inputs()
    entries = [
        entry
        for name, version in peers.items()
        if name in case.ways and not version.startswith(ABSENT)
        for entry in case.ways[name](case, inputs, threads)
    ]
    differences = check(case, inputs, entries, threads)
    fresh = case.ours(inputs, threads)
    # Filled here, so that neither the limit nor out= pays for new pages.
    buffer = np.full(sum(a.nbytes for a in arrays(fresh())), 1, np.uint8)
    with ThreadPoolExecutor(max(1, threads - 1)) as pool:
        runs: dict[str, Callable[[], Any]] = {LIMIT: partial(memset, buffer, pool, threads)}
        if case.flops and sgemm:
            runs[SGEMM] = sgemm
        if case.out_shape:
            out = np.full(case.out_shape, 1, inputs[0].dtype)
            runs[OUT] = case.ours(inputs, threads, out=out)
        runs[FRESH] = fresh
        prepare: dict[str, Callable[[], object]] = {}
        if case.out_shape and not case.flops:
            runs[HELD] = runs[NO_POOL] = fresh
            prepare = {FRESH: pool_on, HELD: pool_empty, NO_POOL: pool_off}
        runs |= {entry.name: entry.run for entry in entries if entry.name not in differences}
        try:
            times = measure(runs, share, prepare=prepare, settle=settling(threads))
            return Result(case, threads, times, differences)
        finally:
            pool_on()


def pool_on() -> None:
    upsampler.set_buffer_pool(None)


def pool_off() -> None:
    upsampler.set_buffer_pool(0)


def pool_empty() -> None:
    pool_off()
    pool_on()
