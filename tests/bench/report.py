"""Results as a table for the terminal, as Markdown for the README and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from .contest import FRESH, LIMIT, OUT, SGEMM, Result
from .peers import ABSENT, ONE_THREAD
from .timing import Stats

BEGIN, END = "<!-- benchmark: written by python -m tests.bench -->", "<!-- end of benchmark -->"


def milliseconds(seconds: float) -> str:
    """Three significant digits, as far as they say something.

    >>> [milliseconds(s) for s in (0.00012, 0.0123, 1.5)]
    ['0.12', '12.3', '1500']
    """
    ms = seconds * 1e3
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def with_spread(stats: Stats) -> str:
    """Median, and half the distance of the quartiles in percent of it.

    >>> with_spread(Stats(0.010, 0.0098, 0.0104, 9))
    '10.0 ±3%'
    """
    return f"{milliseconds(stats.median)} ±{(stats.high - stats.low) / 2 / stats.median:.0%}"


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


def every_way(r: Result) -> dict[str, Stats]:
    """The times of the peers, each way of a library by itself."""
    return r.peers


def best_way(r: Result) -> dict[str, Stats]:
    """The times of the peers, one for each library: "torch" for "torch channels_last"."""
    best: dict[str, Stats] = {}
    for name, stats in r.peers.items():
        library = name.split()[0]
        if library not in best or stats.median < best[library].median:
            best[library] = stats
    return best


def rows(
    results: Sequence[Result],
    peers: Callable[[Result], dict[str, Stats]],
    text: Callable[[Stats], str],
) -> tuple[list[str], list[list[str]]]:
    """Headings and cells; a column for each peer of any of the cases.

    "x memset" is of the column before it; rates are of fresh results.
    """
    columns = list(dict.fromkeys(name for r in results for name in peers(r)))
    ours = [name for name in (OUT, FRESH) if any(name in r.times for r in results)]
    rates = [name for name in (FRESH, SGEMM) if any(r.gflops(name) for r in results)]
    heads = ["case", LIMIT, ours[0], "x memset", *ours[1:], *columns, "gain"]
    heads += [{FRESH: "GFLOP/s", SGEMM: SGEMM}[name] for name in rates] + ["bar"]
    body = []
    for r in results:
        times_of = r.times | peers(r)
        cells = [text(times_of[n]) if n in times_of else "-" for n in (LIMIT, *ours, *columns)]
        cells.insert(2, number(times, r.over_limit(ours[0])))
        cells.append(number(times, r.gain))
        cells += [number("{:.0f}".format, r.gflops(name)) for name in rates]
        body.append([r.case.name, *cells, verdict(r)])
    return heads, body


def number(text: Callable[[float], str], value: float | None) -> str:
    return "-" if value is None else text(value)


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
    limit = mean_of(r.over_limit(OUT) for r in results)
    if limit is not None:
        parts.append(f"With out=, {times(limit)} memset (geometric mean).")
    part = mean_of(rate(r) for r in results)
    if part is not None:
        parts.append(f"{part:.0%} of the rate of sgemm (geometric mean).")
    verdicts = [verdict(r) for r in results]
    judged = len(results) - verdicts.count("-")
    parts.append(f"Bars met in {verdicts.count('met')} of {judged} cases.")
    return " ".join(parts)


def title(threads: int, section: str) -> str:
    return f"{section}, {threads} thread{'s' if threads > 1 else ''}, milliseconds"


def terminal_tables(results: Sequence[Result]) -> list[Table]:
    """A table for each section and number of threads."""
    tables = []
    for key, group in grouped(results).items():
        heads, body = rows(group, every_way, with_spread)
        table = Table(title=title(*key), caption=summary(group), caption_justify="left")
        for k, head in enumerate(heads):
            text = k == 0 or head == heads[-1]
            table.add_column(head, justify="left" if text else "right", overflow="fold")
        for cells in body:
            table.add_row(*cells)
        tables.append(table)
    return tables


def markdown(results: Sequence[Result], machine: dict[str, Any]) -> str:
    """The section of the README: of every library its faster way only, the tables folded."""
    present = {n: v for n, v in machine["peers"].items() if not v.startswith(ABSENT)}
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['instruction_set']}; "
        f"Python {machine['python']}, NumPy {machine['numpy']}, "
        + ", ".join(f"{name} {version}" for name, version in present.items())
        + f"; {machine['date']}."
    ]
    for key, group in grouped(results).items():
        heads, body = rows(group, best_way, lambda stats: milliseconds(stats.median))
        rule = ["---", *["---:"] * (len(heads) - 2), "---"]
        lines += ["", f"**{title(*key)}.** {summary(group)}"]
        slow = [name for name in ONE_THREAD if name in heads]
        if key[0] > 1 and slow:
            lines[-1] += f" One thread at all times: {', '.join(slow)}."
        lines += ["", f"<details><summary>The {len(group)} cases</summary>", ""]
        lines += ["| " + " | ".join(cells) + " |" for cells in (heads, rule, *body)]
        lines += ["", "</details>"]
    return "\n".join(lines)


def as_json(results: Sequence[Result], machine: dict[str, Any], settings: dict[str, Any]) -> str:
    document = {
        "machine": machine,
        "settings": settings,
        "summary": {title(*key): summary(group) for key, group in grouped(results).items()},
        "results": [r.as_json() for r in results],
    }
    return json.dumps(document, indent=1) + "\n"


def write_section(path: Path, text: str) -> None:
    """Put `text` between the two marks of the file, or make it the file if there is none.

    Raises
    ------
    ValueError
        If the file exists without the marks: what it holds is not ours to overwrite.
    """
    section = f"{BEGIN}\n{text}\n{END}"
    if path.exists():
        before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise ValueError(
                f"{path}: got a file without the marks {BEGIN!r} and {END!r}; "
                "allowed: a new file, or one with both marks in this order"
            )
        section = before + section + after
    else:
        section += "\n"
    path.write_text(section, encoding="utf-8")
