"""Alternating repetitions and their medians."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

# Timed calls in a row, after those that are not timed: they warm the caches.
BURST = 3
COLD = 1.0  # seconds up to which a first call may be slow for its tables and pages: call again
LONG = 0.1  # seconds from which a call stands alone: its own length warms it up
MOST = 20  # turns at most
# Seconds that the calls which are not timed take, with several threads.  Those of OpenMP
# (PyTorch's) go on spinning for some 10 ms after a call, on the core of another's thread: calls of
# 5.5 ms took 8.3 ms right behind one of PyTorch.  To rest instead would be unfair to the peers:
# after 50 ms without work the system put both of PyTorch's threads on one core.
SETTLE = 0.015


def settling(threads: int) -> float:
    """What `measure` wants as `settle` for calls of so many threads."""
    return SETTLE if threads > 1 else 0.0


@dataclass(frozen=True)
class Stats:
    """Seconds a call took: median and quartiles of `count` repetitions."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Stats:
        low, median, high = np.percentile(seconds, (25, 50, 75))
        return cls(float(median), float(low), float(high), len(seconds))


def turns(seconds: float, share: float) -> int:
    """How many turns a call of `seconds` gets of a budget of `share` seconds: at least one."""
    calls = 1 if seconds >= LONG else BURST + 1
    return max(1, min(MOST, int(share / (calls * max(seconds, 1e-6)))))


def schedule(counts: Mapping[str, int]) -> Iterator[str]:
    """Every name as often as its count says, evenly spread over the whole.

    A machine that is slow for a while is so for everybody.
    """
    order = {name: k for k, name in enumerate(counts)}
    moments = [((k + 0.5) / n, order[name], name) for name, n in counts.items() for k in range(n)]
    return (name for *_, name in sorted(moments))


def measure(
    runs: Mapping[str, Callable[[], Any]],
    share: float,
    clock: Callable[[], float] = time.perf_counter,
    prepare: Mapping[str, Callable[[], object]] = MappingProxyType({}),
    settle: float = 0.0,
) -> dict[str, Stats]:
    """Time all `runs` alternately, each for about `share` seconds.

    A turn begins with calls that are not timed, one at least, for `settle` seconds.
    Before each call of a name comes what `prepare` has for it; that and the end of the results
    are outside of the timed span, the collector of garbage is off.
    """

    def timed(name: str) -> float:
        if name in prepare:
            prepare[name]()
        begin = clock()
        result = runs[name]()
        end = clock()
        del result
        return end - begin

    was_on = gc.isenabled()
    gc.disable()
    try:
        first = {name: timed(name) for name in runs}
        first |= {n: min(s, timed(n)) for n, s in first.items() if s < COLD}
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for name in schedule({name: turns(s, share) for name, s in first.items()}):
            if first[name] < LONG:
                end = clock() + settle
                timed(name)
                while clock() < end:
                    timed(name)
            for _ in range(BURST if first[name] < LONG else 1):
                seconds[name].append(timed(name))
    finally:
        if was_on:
            gc.enable()
    return {name: Stats.of(s) for name, s in seconds.items()}
