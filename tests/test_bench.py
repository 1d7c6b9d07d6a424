"""The benchmark's own arithmetic, and that every peer is asked for the picture we make."""

import json
import re

import numpy as np
import pytest

import upsampler

from .bench import __main__ as program
from .bench import bars, cases, contest, limits, peers, report, summary, timing
from .bench.case import Entry
from .bench.contest import FRESH, HELD, LIMIT, NO_POOL, OUT, SGEMM, Result
from .bench.conv_transpose import ConvTranspose, ConvTransposeBackward
from .bench.convolution import LAYOUTS
from .bench.interpolation import Interpolation, InterpolationBackward
from .bench.resize_conv import ResizeConv, ResizeConvBackward
from .bench.shuffle import Shuffle
from .bench.timing import Stats

INTERPOLATIONS = (
    Interpolation("bilinear", "float32", "NCHW", (2, 3, 5, 7), (10, 14)),
    Interpolation("nearest", "float32", "NCHW", (1, 1, 5, 7), (10, 21)),
    Interpolation("bicubic", "float32", "NCHW", (2, 3, 5, 7), (11, 17)),
    Interpolation("bilinear", "uint8", "HWC", (5, 7, 3), (8, 12)),
    Interpolation("bilinear", "uint8", "HW", (5, 7), (10, 14)),
    Interpolation("nearest", "uint8", "HWC", (5, 7, 3), (10, 14)),
    Interpolation("bicubic", "uint8", "HWC", (5, 7, 3), (10, 14)),
    Interpolation("bilinear", "float32", "NHWC", (2, 5, 7, 3), (10, 13)),
    Interpolation("bilinear", "float16", "NCHW", (2, 3, 5, 7), (10, 14)),
    Interpolation("bilinear", "uint16", "HWC", (5, 7, 3), (12, 13)),
)
DENSE = {
    "model": "DCGAN", "nchw": (2, 6, 5, 7), "channels_out": 5,
    "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1,
}  # fmt: skip
DEPTHWISE = {
    "model": "RGB", "nchw": (1, 3, 5, 7), "channels_out": 3, "kernel": 4, "stride": 2, "groups": 3,
}  # fmt: skip
BIG = {"model": "big", "nchw": (1, 100, 100, 100), "channels_out": 500, "kernel": 1, "stride": 1}
RESIZED = ({"channels_out": 4}, {"channels_out": 6, "groups": 6})
CONVOLUTIONS = (
    *(
        kind(**shape, layout=layout)
        for kind in (ConvTranspose, ConvTransposeBackward)
        for shape in (DENSE, DEPTHWISE)
        for layout in LAYOUTS
    ),
    *(
        kind("decoder", (2, 6, 5, 7), kernel=3, factor=2, mode=mode, layout=layout, **shape)
        for kind in (ResizeConv, ResizeConvBackward)
        for mode in ("nearest", "bilinear")
        for shape in RESIZED
        for layout in LAYOUTS
    ),
)
MOVES = tuple(Shuffle((2, 18, 5, 7), 3, layout=layout) for layout in LAYOUTS)
GRADIENTS = (
    *(
        InterpolationBackward(mode, "float32", "NCHW", (2, 3, 5, 7), (10, 14))
        for mode in ("bilinear", "nearest", "bicubic")
    ),
    InterpolationBackward("bilinear", "float32", "NHWC", (2, 5, 7, 3), (10, 13)),
)
PICTURE = Interpolation("bilinear", "float32", "NCHW", (1, 3, 50, 70), (100, 140))
TINY = INTERPOLATIONS + GRADIENTS + CONVOLUTIONS + MOVES
ONE_OF_A_KIND = tuple({type(c): c for c in TINY}.values())


def result(case=PICTURE, threads=1, **seconds):
    names = {"memset": LIMIT, "sgemm": SGEMM, "out": OUT, "fresh": FRESH, "held": HELD}
    names["no_pool"] = NO_POOL
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
    # First contact: 1/2 with everything cold, then 1/16; after that of each turn a cold call of
    # 3/32 and three warm ones of 1/64.
    turn = [3 / 32, 1 / 64, 1 / 64, 1 / 64]
    runs = {
        "quick": machine.run("quick", 1 / 2, 1 / 16, *turn * 3),
        "long": machine.run("long", 2.0),
    }
    stats = timing.measure(runs, 0.8, lambda: machine.now)
    assert stats["quick"] == Stats(1 / 64, 1 / 64, 1 / 64, 9)
    assert stats["long"] == Stats(2.0, 2.0, 2.0, 1)
    first, turns = machine.calls[:3], machine.calls[3:]
    assert first == ["quick", "long", "quick"]
    assert turns == ["quick"] * 4 + ["quick"] * 4 + ["long"] + ["quick"] * 4


def test_measure_lets_a_turn_settle():
    machine = Machine()
    runs = {"a": machine.run("a", *[1 / 64] * 20), "b": machine.run("b", 1.0, 1.0)}
    stats = timing.measure(runs, 4 / 64, lambda: machine.now, settle=2.5 / 64)
    assert machine.calls == ["a", "b", "a", *["a"] * (3 + timing.BURST), "b"]
    assert stats["a"] == Stats(1 / 64, 1 / 64, 1 / 64, timing.BURST)
    assert stats["b"].count == 1


def test_measure_prepares_every_call_before_the_clock_runs():
    machine = Machine()
    runs = {"a": machine.run("a", *[1 / 64] * 6), "b": machine.run("b", *[1.0] * 2)}
    prepare = {"a": machine.run("before a", *[5.0] * 6)}
    stats = timing.measure(runs, 0.07, lambda: machine.now, prepare)
    assert stats["a"] == Stats(1 / 64, 1 / 64, 1 / 64, 3)
    assert stats["b"].count == 1
    places = [k for k, name in enumerate(machine.calls) if name == "a"]
    assert len(places) == 6
    assert all(machine.calls[k - 1] == "before a" for k in places)
    assert machine.calls.count("before a") == 6


@pytest.mark.parametrize(
    ("state", "recycled"),
    [(contest.pool_on, True), (contest.pool_empty, False), (contest.pool_off, False)],
)
def test_what_the_pool_is_made_to_give(state, recycled):
    usual = upsampler.get_buffer_pool()
    case = Interpolation("bilinear", "float32", "HW", (131, 67), (262, 134))
    run = case.ours(case.inputs(), 1)
    try:
        for _ in range(2):
            state()
            before = upsampler.buffer_pool_info()
            run()
        after = upsampler.buffer_pool_info()
        assert after["reused"] - before["reused"] == recycled
        assert (after["bound"] == 0) is (state is contest.pool_off)
    finally:
        contest.pool_on()
    assert upsampler.get_buffer_pool() == usual


# --- cases and peers -------------------------------------------------------------------------


def test_names_of_cases_are_one_each():
    names = [c.name for c in cases.CASES]
    assert len(names) == len(set(names))
    assert names[0] == "bilinear f32 NCHW 1x21x128x128 -> 512x512"
    assert "conv_transpose2d RGB f32 NHWC 1x512x512x3 -> 3 k4s2p1 depthwise backward" in names
    assert "resize_conv2d first f32 NCHW 1x3x256x256 -> 32 k3 x2 nearest" in names
    assert "pixel_shuffle f32 NHWC 1x128x128x256 r2" in names


def test_every_kind_is_among_the_cases():
    assert {type(c) for c in TINY} == {type(c) for c in cases.CASES}


def test_a_filter_takes_every_word():
    chosen = cases.matching("bilinear HWC u8")
    assert len(chosen) > 2
    assert {(c.mode, c.layout, c.dtype) for c in chosen} == {("bilinear", "HWC", "uint8")}


@pytest.mark.parametrize("case", TINY, ids=lambda case: case.name)
def test_a_case_knows_the_shape_of_its_result(case):
    results = contest.arrays(case.ours(case.inputs(), 1)())
    if case.out_shape is None:
        assert len(results) == (3 if case in CONVOLUTIONS else 1)
        assert results[0].shape == case.inputs()[0].shape
    else:
        assert [a.shape for a in results] == [case.out_shape]


@pytest.mark.parametrize("case", TINY, ids=lambda case: case.name)
@pytest.mark.parametrize("name", peers.MODULES)
def test_every_way_of_a_peer_gives_our_result(name, case):
    inputs = case.inputs()
    entries = case.ways[name](case, inputs, 1) if name in case.ways else []
    assert contest.check(case, inputs, entries, 1) == {}
    if case in INTERPOLATIONS:
        usual = case.dtype in ("float32", "uint8")
        asked = {
            "torch": case.dtype != "uint16",
            "opencv": case.dtype != "float16",
            "pillow": case.dtype == "uint8",
            "scikit-image": case.mode != "bicubic" and usual,
        }
        assert bool(entries) is asked[name]
    else:
        assert bool(entries) is (name == "torch")


def test_torch_gets_our_memory_in_its_own_format():
    """Both layouts are compared with the same layout: nothing is converted in the timed span."""
    import torch

    case = ConvTranspose(**DENSE, layout="NHWC")
    inputs = case.inputs()
    x, weight, _ = case.torch_inputs(inputs, 1)
    assert x.data_ptr() == inputs[0].ctypes.data
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert weight.is_contiguous(memory_format=torch.channels_last)
    x, weight, _ = ConvTranspose(**DENSE).torch_inputs(ConvTranspose(**DENSE).inputs(), 1)
    assert x.is_contiguous()
    assert weight.is_contiguous()


def entries(case, *pairs):
    return [Entry(name, lambda value=value: value, lambda value: value) for name, value in pairs]


def test_a_peer_with_another_result_is_found():
    case, inputs = TINY[0], TINY[0].inputs()
    ours = case.ours(inputs, 1)()
    wrong = ours.copy()
    wrong[1, 2, 3, 4] += 1e-3
    found = contest.check(
        case, inputs, entries(case, ("right", ours), ("wrong", wrong), ("small", ours[:1])), 1
    )
    assert found == {"wrong": pytest.approx(1e-3, rel=1e-3), "small": float("inf")}


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_peer_with_one_other_gradient_is_found(which):
    case = ConvTransposeBackward(**DENSE)
    inputs = case.inputs()
    wrong = [a.copy() for a in case.ours(inputs, 1)()]
    wrong[which].flat[-1] += 0.25
    found = contest.check(case, inputs, entries(case, ("wrong", tuple(wrong))), 1)
    assert found == {"wrong": pytest.approx(0.25, rel=1e-3)}


def test_operations_are_counted():
    forward, backward = ConvTranspose(**DEPTHWISE), ConvTransposeBackward(**DEPTHWISE)
    assert forward.flops == 2 * 3 * 5 * 7 * 4 * 4  # one output channel for each input channel
    assert backward.flops == 2 * forward.flops
    assert ConvTranspose(**DENSE).flops == 2 * (2 * 6 * 5 * 7) * 5 * 3 * 3
    # For each of 4 channels of 10 x 14, 6 channels of 3 x 3.
    resized = ResizeConv("decoder", (2, 6, 5, 7), 4, kernel=3, factor=2, mode="nearest")
    assert resized.flops == 2 * (2 * 4 * 10 * 14) * 6 * 3 * 3


def test_memset_fills_everything_with_any_number_of_threads():
    for threads in (1, 2, 3):
        buffer = np.ones((7, 13), np.uint8)
        with contest.ThreadPoolExecutor(2) as pool:
            limits.memset(buffer, pool, threads)
        assert (buffer == limits.VALUE).all()


def test_sgemm_computes_at_each_call_and_ends_with_its_block():
    with limits.Sgemm(1) as sgemm:
        # More operations than any core does in this time, were the call not waited for.
        seconds = min(timing.measure({"sgemm": sgemm}, 0.0)["sgemm"].median for _ in range(2))
        assert 1e8 < limits.FLOPS / seconds < 1e13
        assert sgemm.process.poll() is None
    assert sgemm.process.returncode == 0


def test_sgemm_that_died_says_so():
    with limits.Sgemm(1) as sgemm:
        sgemm.process.kill()
        with pytest.raises(RuntimeError, match="sgemm: the process ended with status -9"):
            sgemm()


def test_an_absent_peer_is_named_with_the_reason(monkeypatch):
    monkeypatch.setitem(peers.MODULES, "torch", "no_such_module")
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
    assert heads == ["case", "memset", "ours out=", "x memset", "ours", "torch", "gain", "bar"]
    cells = ["1.00", "2.00", "2.0x", "3.00", "10.0", "3.3x", "missed: out= 1.5x"]
    assert body == [[PICTURE.name, *cells]]


def test_rows_and_summary_tell_of_new_memory():
    r = result(memset=1.0, out=1.5, fresh=2.0, held=4.0, no_pool=5.0, torch=20.0)
    heads, body = report.rows([r], report.best_way, lambda s: f"{s.median:g}")
    assert heads[4:7] == ["ours", "ours held", "ours no pool"]
    assert body[0][4:8] == ["2", "4", "5", "20"]
    assert r.peers.keys() == {"torch"}
    assert "While all results are held 5.0x, without pool 4.0x." in summary.summary([r])
    assert "held" not in summary.summary([result(memset=1, fresh=2, torch=20)])


def test_rows_of_gradients_have_no_out_and_those_of_convolutions_rates():
    case = ConvTransposeBackward(**BIG)  # 2e9 operations
    r = result(case, memset=0.001, fresh=0.04, torch=0.1, sgemm=limits.FLOPS / 80e9)
    heads, body = report.rows([r], report.best_way, lambda s: report.milliseconds(s.median))
    assert heads == [
        "case", "memset", "ours", "x memset", "torch", "gain", "GFLOP/s", "sgemm", "bar"
    ]  # fmt: skip
    assert body[0][1:] == ["1.00", "40.0", "40.0x", "100", "2.5x", "50", "80", "met"]
    assert summary.rate(r) == pytest.approx(50 / 80)


def test_rows_leave_a_gap_where_a_peer_has_no_way():
    both = [
        result(memset=1, out=1, fresh=1, torch=2),
        result(TINY[3], memset=1, out=1, fresh=1, pillow=4),
        result(TINY[4], memset=1, out=1, fresh=1),
    ]
    heads, body = report.rows(both, report.every_way, lambda s: f"{s.median:g}")
    assert heads[5:] == ["torch", "pillow", "gain", "bar"]
    assert [row[5:] for row in body] == [
        ["2", "-", "2.0x", "met"],
        ["-", "4", "4.0x", "met"],
        ["-", "-", "-", "-"],
    ]


def test_summary_counts_the_cases():
    rs = [
        result(memset=1, out=1, fresh=1, torch=4),
        result(memset=1, out=4, fresh=2, torch=1),
    ]
    assert summary.summary(rs) == (
        "Against the fastest peer: 1.4x (geometric mean), least 0.5x; faster in 1 and at least "
        "twice as fast in 1 of 2 cases. With out=, 2.0x memset (geometric mean). Bars met in 1 of "
        "2 cases."
    )


def test_summary_tells_the_part_of_the_matrix_product():
    case = ConvTranspose(**BIG)  # 1e9 operations
    second = limits.FLOPS / 1e9  # at this time of sgemm, a second is all of its rate
    rs = [
        result(case, memset=1, out=1, fresh=1, sgemm=second),
        result(case, memset=1, out=1, fresh=4, sgemm=second),
    ]
    assert summary.summary(rs) == ("50% of the rate of sgemm (geometric mean).")


@pytest.mark.parametrize(
    ("gain", "fresh", "out", "missed"),
    [
        (2.0, 9.0, 1.5, []),
        (1.9, 1.7, 1.5, ["gain 2x"]),
        (1.9, 1.6, 1.5, []),  # near the limit, nobody can be twice as fast
        (None, 9.0, None, []),
        (0.5, 9.0, 1.6, ["gain 2x", "out= 1.5x"]),
    ],
)
def test_a_bar_names_what_is_missed(gain, fresh, out, missed):
    assert bars.Bar(2, near=1.6, out=1.5).missed(gain, fresh, out) == missed


@pytest.mark.parametrize(
    ("words", "bar"),
    [
        ("nearest f32 NCHW 1x3x1080", bars.Bar(2, near=1.6, out=1.5)),
        ("bicubic f32 1x3x1080", bars.Bar(2, near=1.6, out=2)),
        ("bicubic u8", bars.Bar(2, near=1.6, out=4)),
        ("u8 HWC nearest", bars.Bar(2, near=1.6, out=2.5)),
        ("conv_transpose2d U-Net NHWC k2s2", bars.Bar(0.95)),
        ("conv_transpose2d RGB", bars.Bar(4, near=1.6)),
        ("conv_transpose2d FSRCNN", bars.Bar(4, near=1.6)),
        ("conv_transpose2d DCGAN backward", bars.Bar(2)),
        ("resize_conv2d nearest", bars.Bar(2)),
        ("resize_conv2d bilinear", bars.Bar(1.2)),
        ("resize_conv2d bilinear backward", bars.Bar(2)),
    ],
)
def test_bars_of_cases(words, bar):
    def backward(case):
        return case.name.endswith("backward")

    chosen = [c for c in cases.matching(words) if backward(c) == ("backward" in words)]
    assert chosen
    assert {c.bar for c in chosen} == {bar}


def test_bar_of_gray_pictures():
    gray = [c for c in cases.matching("u8 HW 1080x1920 bilinear") if c.layout == "HW"]
    assert [c.bar for c in gray] == [bars.Bar(2, near=1.6, out=2)]


def test_a_tiny_call_may_take_twice_as_long_as_a_peer():
    tiny = cases.matching("16x16 32x32")
    assert len(tiny) == 2
    assert {c.bar for c in tiny} == {bars.Bar(0.5)}


def test_summary_tells_what_threads_gain():
    """Of memory 0.85 of what memset gains, of arithmetic 1.7x."""
    bilinear, bicubic, convolution = INTERPOLATIONS[0], INTERPOLATIONS[2], CONVOLUTIONS[0]
    all_three = (bilinear, bicubic, convolution)
    rs = [result(c, 1, memset=1.5, out=4.0, fresh=9) for c in all_three]
    rs += [result(c, 2, memset=1.0, out=2.5, fresh=9) for c in all_three]
    found = summary.summaries(rs)
    assert set(found) == {(t, c.section) for t in (1, 2) for c in (bilinear, convolution)}
    text = "2 threads are 1.6x as fast as one, memset 1.5x (geometric means); the bar of that is "
    assert found[2, bilinear.section].endswith(f"{text}met in 1 of 2 cases.")
    assert found[2, convolution.section].endswith(f"{text}met in 0 of 1 cases.")
    assert "threads are" not in found[1, bilinear.section]


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
    monkeypatch.setattr(cases, "CASES", INTERPOLATIONS + ONE_OF_A_KIND[1:])


def test_typical_cases_exist():
    assert set(report.TYPICAL) <= {case.name for case in cases.CASES}


@pytest.mark.usefixtures("tiny")
def test_the_program_writes_what_it_measured(tmp_path, monkeypatch, capsys):
    data, text, short = tmp_path / "b.json", tmp_path / "b.md", tmp_path / "README.md"
    monkeypatch.setattr(program, "STUDIES", ())
    monkeypatch.setattr(report, "TYPICAL", (TINY[0].name,))
    argv = ["--threads", "1", "2", "--quick", "--json", str(data), "--markdown", str(text)]
    argv += ["--readme", str(short)]
    assert program.main(argv) == 0
    document = json.loads(data.read_text())
    assert document["machine"]["processor"]
    assert set(document["machine"]["peers"]) == {"torch", "opencv", "pillow"}
    assert len(document["results"]) == 2 * len(cases.CASES)
    for row in document["results"]:
        assert row["differences"] == {}
        assert row["gain"] == pytest.approx(
            row["seconds"][row["fastest_peer"]]["median"] / row["seconds"]["ours"]["median"]
        )
        assert ("sgemm" in row["gflops"]) is ("conv" in row["name"])
        assert ("ours out=" in row["seconds"]) is not row["name"].endswith("backward")
        moves = row["section"] in ("Interpolation", "Pixel shuffle")
        assert ("ours held" in row["seconds"]) is ("ours no pool" in row["seconds"]) is moves
    for case in cases.CASES:
        assert text.read_text().count(f"| {case.name} |") == 2
        assert short.read_text().count(f"| {case.name} |") == (case == TINY[0])
    for section in {case.section for case in cases.CASES}:
        row = re.search(rf"^\| {section} \| (\d+) \| (.*) \| (.*) \|$", short.read_text(), re.M)
        assert int(row[1]) == sum(case.section == section for case in cases.CASES)
        assert all(re.fullmatch(r"[\d.]+x \([\d.]+x\)", row[k]) for k in (2, 3))
    assert TINY[0].name in capsys.readouterr().out


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("load", "told"), [(3.2, True), (0.1, False)])
def test_a_busy_machine_is_told(load, told, monkeypatch, capsys):
    monkeypatch.setattr(program.machine, "load", lambda: load)
    program.main(["--quick", "--peers", "--filter", "nearest f32"])
    assert ("The machine is busy (load 3.2" in capsys.readouterr().out) is told


@pytest.mark.usefixtures("tiny")
def test_a_disagreement_is_told_and_fails(monkeypatch, capsys):
    def zeros(case, inputs, threads):
        return entries(case, ("torch", np.zeros(case.out_shape, case.dtype)))

    monkeypatch.setitem(Interpolation.ways, "torch", zeros)
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
