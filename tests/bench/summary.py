"""How the cases end together, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from . import bars
from .contest import FRESH, HELD, LIMIT, NO_POOL, OUT, SGEMM, Result


def geometric_mean(values: Sequence[float]) -> float:
    """
    >>> geometric_mean([1.0, 4.0])
    2.0
    """
    return math.exp(sum(map(math.log, values)) / len(values))


def times(ratio: float) -> str:
    """
    >>> [times(r) for r in (12.34, 1.06, 0.0478)]
    ['12.3x', '1.1x', '0.048x']
    """
    return f"{ratio:.1f}x" if ratio >= 1 else f"{ratio:.2g}x"


def verdict(r: Result) -> str:
    """Whether the case reaches its bar, or which demands it misses; "-" without a peer."""
    if r.missed:
        return "missed: " + ", ".join(r.missed)
    return "-" if r.gain is None else "met"


Groups = dict[tuple[int, str], list[Result]]


def grouped(results: Sequence[Result]) -> Groups:
    """Results by number of threads and section."""
    groups: Groups = {}
    for r in results:
        groups.setdefault((r.threads, r.case.section), []).append(r)
    return groups


def mean_of(values: Iterable[float | None]) -> float | None:
    """The geometric mean of those that are numbers."""
    known = [v for v in values if v is not None]
    return geometric_mean(known) if known else None


def rate(r: Result) -> float | None:
    """Our rate as a part of the matrix product's."""
    ours, limit = r.gflops(FRESH), r.gflops(SGEMM)
    return ours / limit if ours and limit else None


def summary(results: Sequence[Result]) -> str:
    """How the cases end together: wins, geometric means, distance from the limits, bars."""
    parts = []
    gains = [r.gain for r in results if r.gain is not None]
    if gains:
        parts.append(
            f"Against the fastest peer: {times(geometric_mean(gains))} (geometric mean), "
            f"least {times(min(gains))}; faster in {sum(g > 1 for g in gains)} and at least twice "
            f"as fast in {sum(g >= 2 for g in gains)} of {len(gains)} cases."
        )
    held, no_pool = (mean_of(r.gain_of(name) for r in results) for name in (HELD, NO_POOL))
    if held is not None and no_pool is not None:
        parts.append(f"While all results are held {times(held)}, without pool {times(no_pool)}.")
    limit = mean_of(r.over_limit(OUT) for r in results if not r.case.flops)
    if limit is not None:
        parts.append(f"With out=, {times(limit)} memset (geometric mean).")
    part = mean_of(rate(r) for r in results)
    if part is not None:
        parts.append(f"{part:.0%} of the rate of sgemm (geometric mean).")
    verdicts = [verdict(r) for r in results]
    judged = len(results) - verdicts.count("-")
    if judged:
        parts.append(f"Bars met in {verdicts.count('met')} of {judged} cases.")
    return " ".join(parts)


def scaling(results: Sequence[Result], alone: Sequence[Result]) -> str:
    """What the threads of `results` gain over the one of `alone`: the same cases in order."""
    limits, ours, reached = [], [], 0
    for many, one in zip(results, alone, strict=True):
        name = OUT if OUT in many.times else FRESH
        limits.append(one.times[LIMIT].median / many.times[LIMIT].median)
        ours.append(one.times[name].median / many.times[name].median)
        bar = bars.scaling(many.threads, limits[-1], many.case.compute_bound)
        reached += ours[-1] >= bar
    return (
        f"{results[0].threads} threads are {times(geometric_mean(ours))} as fast as one, memset "
        f"{times(geometric_mean(limits))} (geometric means); the bar of that is met in {reached} "
        f"of {len(results)} cases."
    )


def summaries(results: Sequence[Result]) -> dict[tuple[int, str], str]:
    """A text for each number of threads and section."""
    groups = grouped(results)
    found = {key: summary(group) for key, group in groups.items()}
    for (threads, section), group in groups.items():
        if threads > 1 and (1, section) in groups:
            found[threads, section] += " " + scaling(group, groups[1, section])
    return found
