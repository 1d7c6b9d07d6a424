"""The benchmark's own arithmetic, and that every peer is asked for the picture we make."""

import json
from pathlib import Path

import numpy as np
import pytest

from .bench import __main__ as program
from .bench import cases, contest, peers, report, timing
from .bench.cases import Case
from .bench.contest import FRESH, LIMIT, OUT, Result
from .bench.timing import Stats

TINY = (
    Case("bilinear", "float32", "NCHW", (2, 3, 5, 7), (10, 14)),
    Case("nearest", "float32", "NCHW", (1, 1, 5, 7), (10, 21)),
    Case("bicubic", "float32", "NCHW", (2, 3, 5, 7), (11, 17)),
    Case("bilinear", "uint8", "HWC", (5, 7, 3), (8, 12)),
    Case("bilinear", "uint8", "HW", (5, 7), (10, 14)),
    Case("nearest", "uint8", "HWC", (5, 7, 3), (10, 14)),
    Case("bicubic", "uint8", "HWC", (5, 7, 3), (10, 14)),
)


def result(case=TINY[0], threads=1, **seconds):
    names = {"memset": LIMIT, "out": OUT, "fresh": FRESH}
    times = {names.get(k, k.replace("_", " ")): Stats(s, s, s, 3) for k, s in seconds.items()}
    return Result(case, threads, times)


class Machine:
    """A clock that only its runs move."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def run(self, name, *seconds):
        lengths = list(seconds)

        def call():
            self.calls.append(name)
            self.now += lengths.pop(0) if len(lengths) > 1 else lengths[0]

        return call


# --- timing ----------------------------------------------------------------------------------


def test_stats_are_median_and_quartiles():
    assert Stats.of([5.0, 1.0, 2.0, 4.0, 3.0]) == Stats(median=3.0, low=2.0, high=4.0, count=5)


@pytest.mark.parametrize(
    ("seconds", "share", "expected"),
    [(10.0, 0.5, 1), (0.25, 1.0, 4), (0.0625, 1.0, 4), (0.0, 1.0, timing.MOST)],
)
def test_turns_fill_the_share(seconds, share, expected):
    assert timing.turns(seconds, share) == expected


def test_schedule_alternates_and_spreads():
    assert "".join(timing.schedule({"a": 3, "b": 3, "c": 1})) == "ababcab"


def test_measure_alternates_and_leaves_out_the_call_that_warms_up():
    machine = Machine()
    # First contact 1/16; then of each turn a cold call of 3/32 and three warm ones of 1/64.
    turn = [3 / 32, 1 / 64, 1 / 64, 1 / 64]
    runs = {"quick": machine.run("quick", 1 / 16, *turn * 3), "long": machine.run("long", 0.5)}
    stats = timing.measure(runs, 0.8, lambda: machine.now)
    assert stats["quick"] == Stats(1 / 64, 1 / 64, 1 / 64, 9)
    assert stats["long"] == Stats(0.5, 0.5, 0.5, 1)
    first, turns = machine.calls[:2], machine.calls[2:]
    assert first == ["quick", "long"]
    assert turns == ["quick"] * 4 + ["quick"] * 4 + ["long"] + ["quick"] * 4


# --- cases and peers -------------------------------------------------------------------------


def test_the_table_of_cases():
    names = [c.name for c in cases.CASES]
    assert len(names) == len(set(names)) == 17
    assert names[0] == "bilinear f32 NCHW 1x21x128x128 -> 512x512"
    assert names[-1] == "bicubic u8 HWC 1080x1920x3 -> 2160x3840"
    assert cases.CASES[0].out_shape == (1, 21, 512, 512)
    assert cases.CASES[0].out_bytes == 21 * 512 * 512 * 4
    assert cases.CASES[-1].out_shape == (2160, 3840, 3)


def test_a_filter_takes_every_word():
    chosen = cases.matching("bilinear HWC")
    assert [c.shape for c in chosen] == [(1080, 1920, 3), (1000, 1500, 3)]


@pytest.mark.parametrize("case", TINY, ids=lambda case: case.name)
@pytest.mark.parametrize("name", peers.PEERS)
def test_every_way_of_a_peer_gives_our_picture(name, case):
    x = case.input()
    entries = peers.PEERS[name][1](case, x, 1)
    assert contest.check(case, x, entries, 1) == {}
    for entry in entries:
        assert entry.view(entry.run()).shape == case.out_shape
    asked = {"pillow": case.dtype == "uint8", "scikit-image": case.mode != "bicubic"}
    assert bool(entries) is asked.get(name, True)


def test_a_peer_with_another_picture_is_found():
    case, x = TINY[0], TINY[0].input()
    ours = contest.ours_run(case, x, 1)()
    wrong = ours.copy()
    wrong[1, 2, 3, 4] += 1e-3
    entries = [
        peers.Entry("right", lambda: ours, np.asarray),
        peers.Entry("wrong", lambda: wrong, np.asarray),
        peers.Entry("small", lambda: ours[:1], np.asarray),
    ]
    found = contest.check(case, x, entries, 1)
    assert found == {"wrong": pytest.approx(1e-3, rel=1e-3), "small": float("inf")}


def test_memset_fills_everything_with_any_number_of_threads():
    for threads in (1, 2, 3):
        buffer = np.ones((7, 13), np.uint8)
        with contest.ThreadPoolExecutor(2) as pool:
            contest.memset(buffer, pool, threads)
        assert not buffer.any()


def test_an_absent_peer_is_named_with_the_reason(monkeypatch):
    monkeypatch.setitem(peers.PEERS, "torch", ("no_such_module", peers.torch_entries))
    found = peers.versions(["torch", "pillow"])
    assert found["torch"] == "absent: No module named 'no_such_module'"
    assert found["pillow"][0].isdigit()


# --- report ----------------------------------------------------------------------------------


def test_gain_is_over_the_fastest_peer_and_limit_over_memset():
    r = result(memset=0.001, out=0.0015, fresh=0.002, torch=0.02, opencv_HWC=0.006)
    assert r.fastest == "opencv HWC"
    assert r.gain == pytest.approx(3.0)
    assert r.over_limit(OUT) == pytest.approx(1.5)


def test_rows_take_the_faster_way_of_a_library():
    r = result(memset=0.001, out=0.002, fresh=0.003, torch=0.02, torch_channels_last=0.01)
    heads, body = report.rows([r], report.best_way, lambda s: report.milliseconds(s.median))
    assert heads == ["case", "memset", "ours out=", "x memset", "ours", "torch", "gain"]
    assert body == [[TINY[0].name, "1.00", "2.00", "2.0x", "3.00", "10.0", "3.3x"]]


def test_rows_leave_a_gap_where_a_peer_has_no_way():
    both = [
        result(memset=1, out=1, fresh=1, torch=2),
        result(TINY[3], memset=1, out=1, fresh=1, pillow=4),
        result(TINY[4], memset=1, out=1, fresh=1),
    ]
    heads, body = report.rows(both, report.every_way, lambda s: f"{s.median:g}")
    assert heads[5:] == ["torch", "pillow", "gain"]
    assert [row[5:] for row in body] == [["2", "-", "2.0x"], ["-", "4", "4.0x"], ["-", "-", "-"]]


def test_summary_counts_the_cases():
    rs = [
        result(memset=1, out=1, fresh=1, torch=4),
        result(memset=1, out=4, fresh=2, torch=1),
    ]
    assert report.summary(rs) == (
        "Against the fastest peer: 1.4x (geometric mean), least 0.5x; faster in 1 and at least "
        "twice as fast in 1 of 2 cases. With out=, 2.0x memset (geometric mean)."
    )


def test_a_section_replaces_what_stood_between_the_marks(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"# Title\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_section(path, "new")
    assert path.read_text() == f"# Title\n{report.BEGIN}\nnew\n{report.END}\nafter\n"


@pytest.mark.parametrize("text", ["# Title\n", f"{report.END} {report.BEGIN}", report.BEGIN])
def test_a_file_without_the_marks_is_left_alone(tmp_path, text):
    path = tmp_path / "other.md"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"other\.md: got a file without the marks"):
        report.write_section(path, "new")
    assert path.read_text() == text


# --- the program -----------------------------------------------------------------------------


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(cases, "CASES", TINY)


@pytest.mark.usefixtures("tiny")
def test_the_program_writes_what_it_measured(tmp_path, capsys):
    data, text = tmp_path / "b.json", tmp_path / "b.md"
    argv = ["--threads", "1", "2", "--quick", "--json", str(data), "--markdown", str(text)]
    assert program.main(argv) == 0
    document = json.loads(data.read_text())
    assert document["machine"]["processor"]
    assert set(document["machine"]["peers"]) == {"torch", "opencv", "pillow"}
    assert len(document["results"]) == 2 * len(TINY)
    for row in document["results"]:
        assert row["differences"] == {}
        assert row["gain"] == pytest.approx(
            row["seconds"][row["fastest_peer"]]["median"] / row["seconds"]["ours"]["median"]
        )
    assert Path(text).read_text().count(TINY[0].name) == 2
    assert TINY[0].name in capsys.readouterr().out


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("load", "told"), [(3.2, True), (0.1, False)])
def test_a_busy_machine_is_told(load, told, monkeypatch, capsys):
    monkeypatch.setattr(program.machine, "load", lambda: load)
    program.main(["--quick", "--peers", "--filter", "nearest f32"])
    assert ("The machine is busy (load 3.2" in capsys.readouterr().out) is told


@pytest.mark.usefixtures("tiny")
def test_a_disagreement_is_told_and_fails(monkeypatch, capsys):
    def entries(case, x, threads):
        return [peers.Entry("torch", lambda: np.zeros(case.out_shape, case.dtype), np.asarray)]

    monkeypatch.setitem(peers.PEERS, "torch", ("torch", entries))
    assert program.main(["--quick", "--peers", "torch", "--filter", "nearest f32"]) == 1
    assert "torch differs from ours by 0.7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--threads", "0"], "--threads: got 0; allowed: at least 1"),
        (["--filter", "no such case"], "--filter: got 'no such case'; allowed: words of these"),
        (["--peers", "abacus"], "invalid choice: 'abacus'"),
    ],
)
def test_bad_arguments_are_usage_errors(argv, message, capsys):
    with pytest.raises(SystemExit) as stop:
        program.main(argv)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
