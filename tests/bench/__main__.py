"""Times this package beside its peers and beside memset, the limit.

"gain" is the time of the fastest peer over ours, fresh results on both sides; "ours held" is a
result in new memory, since all earlier ones are held alive, "ours no pool" one from NumPy; "sgemm"
the rate of NumPy's matrix product in the same run.  Cases and ways of the peers are described in
the modules beside this file, what a case has to reach in bars.py.  Besides the cases there are
studies: what a pixel costs by size of the result, what a window costs, extra memory, and the time
to import.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from upsampler.threads import available_cores

from . import cases, growth, machine, memory, peers, report, startup, windows
from .contest import run_case
from .limits import Sgemm
from .study import Study

WIDTH = 230  # columns where the output is no terminal
STUDIES = ("growth", "windows", "memory", "startup")
SHARE, QUICK_SHARE = 0.8, 0.15  # seconds of timing for each way to do a case


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="all cores only, fewer repetitions, no scikit-image"
    )
    parser.add_argument(
        "--threads", type=int, nargs="+", metavar="N", help="default: 1 and all cores"
    )
    parser.add_argument(
        "--filter", default="", metavar="TEXT", help="only cases whose name contains these words"
    )
    parser.add_argument("--peers", nargs="*", choices=list(peers.MODULES), help="default: all")
    parser.add_argument(
        "--studies", nargs="*", choices=STUDIES, help="these (or all) of the studies, and no cases"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write tables, into the marked section"
    )
    parser.add_argument("--readme", type=Path, metavar="FILE", help="write them in short, likewise")
    parser.add_argument(
        "--viewer", action="store_true", help="the viewer's frames instead (with --json alone)"
    )
    parser.add_argument(
        "--gpu", action="store_true", help="the kernels of the GPU instead (with --json alone)"
    )
    args = parser.parse_args(argv)
    cores = available_cores()
    if args.threads is None:
        args.threads = [cores] if args.quick else sorted({1, cores})
    if min(args.threads) < 1:
        parser.error(f"--threads: got {min(args.threads)}; allowed: at least 1")
    if args.peers is None:
        args.peers = [n for n in peers.MODULES if not (args.quick and n == "scikit-image")]
    args.cases = cases.matching(args.filter)
    if args.studies is not None:
        args.cases, args.studies = (), args.studies or STUDIES
    elif not args.cases:
        names = "\n  ".join(c.name for c in cases.CASES)
        parser.error(f"--filter: got {args.filter!r}; allowed: words of these cases\n  {names}")
    else:
        args.studies = () if args.filter else STUDIES
    return args


def studies(names: Sequence[str], threads: int, quick: bool, share: float) -> Iterator[Study]:
    """Those of `names` that depend on the number of threads."""
    if "growth" in names:
        yield growth.study(threads, quick, share)
    if "windows" in names:
        yield windows.study(threads, quick, share)
    if "memory" in names and (table := memory.study(threads)):
        yield table


def main(argv: list[str] | None = None) -> int:
    args = arguments(argv)
    if args.viewer:
        from .viewer import main as viewer  # Qt, for this alone

        return viewer(args.json)
    if args.gpu:
        from .gpu import main as gpu

        return gpu(args.json)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    busy = machine.load()
    if busy > 0.5:
        console.print(f"The machine is busy (load {busy:.1f} before the start): expect noise.")
    found = peers.versions(args.peers)
    for name, version in found.items():
        if version.startswith(peers.ABSENT):
            console.print(f"{name} is left out ({version})")
    results = []
    tables: list[Study] = []
    share = QUICK_SHARE if args.quick else SHARE
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(args.threads) * len(args.cases))
        for threads in args.threads:
            with Sgemm(threads) as sgemm:
                for case in args.cases:
                    progress.update(task, description=f"{case.name}, {threads} threads")
                    results.append(run_case(case, threads, found, share, sgemm))
                    progress.advance(task)
            progress.update(task, description=f"studies, {threads} threads")
            tables += studies(args.studies, threads, args.quick, share)
        if "startup" in args.studies:
            tables.append(startup.study(found, share))
    for table in [*report.terminal_tables(results), *(study.table() for study in tables)]:
        console.print(table)
    about = machine.describe(found, busy)
    if args.json:
        settings = {"quick": args.quick, "threads": args.threads, "filter": args.filter}
        args.json.write_text(report.as_json(results, tables, about, settings), encoding="utf-8")
    if args.markdown:
        report.write_section(args.markdown, report.markdown(results, tables, about))
    if args.readme and results:
        report.write_section(args.readme, report.in_short(results, about))
    for r in results:
        for name, off in r.differences.items():
            console.print(f"[red]{r.case.name}: {name} differs from ours by {off:g}, not timed[/]")
    return 1 if any(r.differences for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
