"""Results as a table for the terminal, as Markdown for the README and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from .contest import FRESH, LIMIT, OUT, Result
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
    """Headings and cells; a column for each peer of any of the cases."""
    columns = list(dict.fromkeys(name for r in results for name in peers(r)))
    heads = ["case", LIMIT, OUT, "x memset", FRESH, *columns, "gain"]
    body = []
    for r in results:
        ours = [text(r.times[name]) for name in (LIMIT, OUT, FRESH)]
        ours.insert(2, times(r.over_limit(OUT)))
        theirs = [text(peers(r)[name]) if name in peers(r) else "-" for name in columns]
        body.append([r.case.name, *ours, *theirs, "-" if r.gain is None else times(r.gain)])
    return heads, body


def by_threads(results: Sequence[Result]) -> dict[int, list[Result]]:
    groups: dict[int, list[Result]] = {}
    for r in results:
        groups.setdefault(r.threads, []).append(r)
    return groups


def summary(results: Sequence[Result]) -> str:
    """How the cases end together: wins, geometric mean, distance from the limit."""
    limit = geometric_mean([r.over_limit(OUT) for r in results])
    text = f"With out=, {times(limit)} memset (geometric mean)."
    gains = [r.gain for r in results if r.gain is not None]
    if gains:
        text = (
            f"Against the fastest peer: {times(geometric_mean(gains))} (geometric mean), "
            f"least {times(min(gains))}; faster in {sum(g > 1 for g in gains)} and at least twice "
            f"as fast in {sum(g >= 2 for g in gains)} of {len(gains)} cases. {text}"
        )
    return text


def title(threads: int) -> str:
    return f"Milliseconds, {threads} thread{'s' if threads > 1 else ''}"


def terminal_tables(results: Sequence[Result]) -> list[Table]:
    """A table for each number of threads."""
    tables = []
    for threads, group in by_threads(results).items():
        heads, body = rows(group, every_way, with_spread)
        table = Table(title=title(threads), caption=summary(group), caption_justify="left")
        for k, head in enumerate(heads):
            table.add_column(head, justify="right" if k else "left", overflow="fold")
        for cells in body:
            table.add_row(*cells)
        tables.append(table)
    return tables


def markdown(results: Sequence[Result], machine: dict[str, Any]) -> str:
    """The section of the README: of every library its faster way only."""
    present = {n: v for n, v in machine["peers"].items() if not v.startswith(ABSENT)}
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['instruction_set']}; "
        f"Python {machine['python']}, NumPy {machine['numpy']}, "
        + ", ".join(f"{name} {version}" for name, version in present.items())
        + f"; {machine['date']}."
    ]
    for threads, group in by_threads(results).items():
        heads, body = rows(group, best_way, lambda stats: milliseconds(stats.median))
        table = [heads, ["---", *["---:"] * (len(heads) - 1)], *body]
        lines += ["", f"**{title(threads)}**", ""]
        lines += ["| " + " | ".join(cells) + " |" for cells in table]
        lines += ["", summary(group)]
        slow = [name for name in ONE_THREAD if name in present]
        if threads > 1 and slow:
            lines += ["", f"One thread at all times: {', '.join(slow)}."]
    return "\n".join(lines)


def as_json(results: Sequence[Result], machine: dict[str, Any], settings: dict[str, Any]) -> str:
    groups = by_threads(results)
    document = {
        "machine": machine,
        "settings": settings,
        "summary": {str(threads): summary(group) for threads, group in groups.items()},
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
