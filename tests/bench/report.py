"""Results as tables for the terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from .contest import FRESH, LIMIT, OURS, SGEMM, Result
from .peers import ABSENT, ONE_THREAD
from .study import Study, counted
from .summary import geometric_mean, grouped, summaries, times, verdict
from .timing import Stats

BEGIN, END = "<!-- benchmark: written by python -m tests.bench -->", "<!-- end of benchmark -->"
# Cases that stand for the others where there is no room for all.
TYPICAL = (
    "bilinear f32 NCHW 1x19x128x256 -> 1024x2048",
    "bilinear f32 NCHW 8x64x64x64 -> 128x128",
    "nearest f32 NCHW 8x64x64x64 -> 128x128",
    "bicubic f32 NCHW 1x3x1080x1920 -> 2160x3840",
    "bilinear u8 HWC 1080x1920x3 -> 2160x3840",
    "bilinear u8 HWC 1000x1500x3 -> 1700x2550",
    "bicubic u8 HWC 1080x1920x3 -> 2160x3840",
    "bilinear f32 NCHW 8x64x64x64 -> 128x128 backward",
    "conv_transpose2d U-Net f32 NCHW 1x128x64x64 -> 64 k2s2",
    "conv_transpose2d FSRCNN f32 NCHW 1x56x180x320 -> 1 k9s4p4op3",
    "resize_conv2d decoder f32 NCHW 1x64x64x64 -> 64 k3 x2 nearest",
    "pixel_shuffle f32 NCHW 1x256x128x128 r2",
)


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
    ours = [name for name in OURS if any(name in r.times for r in results)]
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


def title(threads: int, section: str) -> str:
    return f"{section}, {counted(threads)}, milliseconds"


def terminal_tables(results: Sequence[Result]) -> list[Table]:
    """A table for each section and number of threads."""
    tables, texts = [], summaries(results)
    for key, group in grouped(results).items():
        heads, body = rows(group, every_way, with_spread)
        shown = Table(title=title(*key), caption=texts[key], caption_justify="left")
        for k, head in enumerate(heads):
            text = k == 0 or head == heads[-1]
            shown.add_column(head, justify="left" if text else "right", overflow="fold")
        for cells in body:
            shown.add_row(*cells)
        tables.append(shown)
    return tables


def described(machine: dict[str, Any]) -> str:
    """The machine and the versions, a line."""
    present = {n: v for n, v in machine["peers"].items() if not v.startswith(ABSENT)}
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['instruction_set']}; "
        f"Python {machine['python']}, NumPy {machine['numpy']}, "
        + ", ".join(f"{name} {version}" for name, version in present.items())
        + f"; {machine['date']}."
    )


def in_short(results: Sequence[Result], machine: dict[str, Any]) -> str:
    """The section of the README: a row for each kind of cases, and the typical ones."""
    groups = grouped(results)
    threads = sorted({r.threads for r in results})
    heads = ["what", "cases", *(f"gain, {counted(t)}: mean (least)" for t in threads)]
    lines = [described(machine), "", *table(heads, ["---", *["---:"] * (len(heads) - 1)])]
    for section in dict.fromkeys(r.case.section for r in results):
        cells = [section, str(len(groups[threads[-1], section]))]
        for t in threads:
            gains = [r.gain for r in groups[t, section] if r.gain is not None]
            cells.append(f"{times(geometric_mean(gains))} ({times(min(gains))})" if gains else "-")
        lines.append(row(cells))
    typical = [r for r in results if r.threads == threads[-1] and r.case.name in TYPICAL]
    libraries = list(dict.fromkeys(name for r in typical for name in best_way(r)))
    heads = [f"milliseconds, {counted(threads[-1])}", "ours", *libraries, LIMIT, "gain"]
    lines += ["", *table(heads, ["---", *["---:"] * (len(heads) - 1)])]
    for r in typical:
        known = {"ours": r.times[FRESH], **best_way(r), LIMIT: r.times[LIMIT]}
        cells = [milliseconds(known[n].median) if n in known else "-" for n in heads[1:-1]]
        lines.append(row([r.case.name, *cells, number(times, r.gain)]))
    return "\n".join(lines)


def row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(*rows_of: Sequence[str]) -> list[str]:
    return [row(cells) for cells in rows_of]


def markdown(results: Sequence[Result], studies: Sequence[Study], machine: dict[str, Any]) -> str:
    """All results: of every library its faster way only, the tables folded."""
    lines = [described(machine)]
    texts = summaries(results)
    for key, group in grouped(results).items():
        heads, body = rows(group, best_way, lambda stats: milliseconds(stats.median))
        rule = ["---", *["---:"] * (len(heads) - 2), "---"]
        lines += ["", f"**{title(*key)}.** {texts[key]}"]
        slow = [name for name in ONE_THREAD if name in heads]
        if key[0] > 1 and slow:
            lines[-1] += f" One thread at all times: {', '.join(slow)}."
        lines += ["", f"<details><summary>The {len(group)} cases</summary>", ""]
        lines += table(heads, rule, *body)
        lines += ["", "</details>"]
    for study in studies:
        lines += study.markdown()
    return "\n".join(lines)


def as_json(
    results: Sequence[Result],
    studies: Sequence[Study],
    machine: dict[str, Any],
    settings: dict[str, Any],
) -> str:
    document = {
        "machine": machine,
        "settings": settings,
        "summary": {title(*key): text for key, text in summaries(results).items()},
        "results": [r.as_json() for r in results],
        "studies": [asdict(study) for study in studies],
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
