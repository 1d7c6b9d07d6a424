"""The command line, as a user types it: results, exit codes, one-line errors, no litter."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import tifffile

import upsampler
from upsampler import cli
from upsampler.charts import SAMPLE, chart
from upsampler.cli import main
from upsampler.images import Picture, read, write
from upsampler.resize import resize_picture

from .picture_files import pixels


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*args):
        code = main([str(a) for a in args])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def source(tmp_path):
    array = pixels((12, 18, 3))
    write(tmp_path / "in.png", Picture(array))
    return array


def error_of(result, code=1):
    """The one line on stderr, after checking that it is one."""
    got, out, err = result
    assert got == code
    assert out == ""
    assert err.startswith("upsampler: error: ")
    assert err.count("\n") == 1
    return err.removeprefix("upsampler: error: ").strip()


# --- resize --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kwargs"),
    [
        (["--scale", "2"], {"scale_factor": 2, "mode": "bicubic"}),
        (["-s", "3/2", "-m", "bilinear"], {"size": (18, 27), "mode": "bilinear"}),
        (["-s", "0.5", "-m", "area"], {"size": (6, 9), "mode": "area"}),
        (["--size", "7x5", "-m", "nearest"], {"size": (5, 7), "mode": "nearest"}),
        (["--width", "36"], {"size": (24, 36), "mode": "bicubic"}),
        (["--height", "8"], {"size": (8, 12), "mode": "bicubic"}),
        (["--width", "11", "--height", "40"], {"size": (40, 11), "mode": "bicubic"}),
        (["-s", "2", "-m", "bilinear", "--align-corners"],
         {"scale_factor": 2, "mode": "bilinear", "align_corners": True}),
        (["--size", "4x4", "--antialias"],
         {"size": (4, 4), "mode": "bicubic", "antialias": True}),
        (["-s", "2", "--threads", "1"], {"scale_factor": 2, "mode": "bicubic"}),
    ],
)  # fmt: skip
def test_resize_is_interpolate(run, source, options, kwargs):
    assert run("resize", "in.png", "out.png", *options) == (0, "", "")
    expected = upsampler.interpolate(source, layout="HWC", **kwargs)
    np.testing.assert_array_equal(read("out.png").pixels, expected)


def test_resize_with_a_kernel(run, source):
    assert run("resize", "in.png", "out.png", "-s", "2", "-m", "pixel_shuffle:icnr:seed=5")[0] == 0
    expected = resize_picture(Picture(source), scale_factor=2, method="pixel_shuffle:icnr:seed=5")
    np.testing.assert_array_equal(read("out.png").pixels, expected.pixels)
    text = error_of(run("resize", "in.png", "a.png", "-s", "1.5", "-m", "resize_conv:box"))
    assert text == "scale: got 1.5; allowed: a whole number for resize_conv"
    text = error_of(run("resize", "in.png", "a.png", "-s", "2", "-m", "conv_transpose:k.npz"))
    assert text == "k.npz: no such file or directory"


def test_depth_and_alpha_are_kept(run, tmp_path):
    write(tmp_path / "in.tif", Picture(pixels((5, 6, 4), "uint16"), alpha=True))
    assert run("resize", "in.tif", "out.png", "-s", "2")[0] == 0
    result = read("out.png")
    assert (result.pixels.shape, result.dtype, result.alpha) == ((10, 12, 4), np.uint16, True)


def test_linear_light(run, tmp_path):
    write(tmp_path / "in.png", Picture(np.array([[0, 255], [255, 0]], np.uint8)))
    run("resize", "in.png", "out.png", "--size", "1x1", "-m", "area", "--linear-light")
    assert read("out.png").pixels.tolist() == [[188]]


@pytest.mark.parametrize("options", [["-s", "1/3"], ["--size", "9x24"], ["--size", "36x6"]])
def test_shrinking_without_antialias_is_remarked(run, source, options):
    code, _, err = run("resize", "in.png", "out.png", *options)
    assert code == 0
    assert err.startswith("upsampler: note: shrinking without --antialias")
    assert run("resize", "in.png", "b.png", "-s", "1/3", "--antialias")[2] == ""


def test_existing_files_are_kept_unless_forced(run, source, tmp_path):
    (tmp_path / "out.png").write_bytes(b"precious")
    message = error_of(run("resize", "in.png", "out.png", "-s", "2"))
    assert message == "out.png: exists already; add --force to replace it"
    assert (tmp_path / "out.png").read_bytes() == b"precious"
    for option in ("--force", "-f", "--overwrite"):
        assert run("resize", "in.png", "out.png", "-s", "2", option)[0] == 0
    assert read("out.png").pixels.shape == (24, 36, 3)


def test_a_file_may_replace_itself(run, source):
    assert run("resize", "in.png", "in.png", "-s", "2", "--force")[0] == 0
    assert read("in.png").pixels.shape == (24, 36, 3)


def test_notes_of_reading_are_told(run, tmp_path):
    pages = pixels((3, 6, 9))
    tifffile.imwrite(tmp_path / "in.tif", pages, photometric="minisblack", metadata=None)
    code, _, err = run("resize", "in.tif", "out.png", "-s", "2")
    assert code == 0
    assert err == "upsampler: note: in.tif: TIFF of several pages: only the first of 3 is read\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["in.png", "out.png"], "give exactly one of --scale, --size"),
        (["in.png", "out.png", "-s", "2", "--width", "3"], "give exactly one of --scale, --size"),
        (["in.png", "out.png", "-s", "0"], "got '0'; allowed: a factor from 1/1000000 to 1"),
        (["in.png", "out.png", "-s", "1/0"], "got '1/0'; allowed: a factor from 1/1000000 to 1"),
        (["in.png", "out.png", "-s", "-2"], "got '-2'; allowed: a factor from 1/1000000 to 1"),
        (["in.png", "out.png", "-s", "1e99999999"], "allowed: a factor from 1/1000000 to 1000000"),
        (["in.png", "out.png", "-s", "nan"], "got 'nan'; allowed: a factor from 1/1000000 to 1"),
        (["in.png", "out.png", "-s", "1e300"], "allowed: a factor from 1/1000000 to 1000000 such"),
        (["in.png", "out.png", "-s", "1e-300"], "allowed: a factor from 1/1000000 to 1000000 such"),
        (["in.png", "out.png", "--size", "9999999999x2"], "such as 1920x1080, each from 1 to 2147"),
        (["in.png", "out.png", "--width", "9" * 20], "is not in the range 1<=x<=2147483647"),
        (["in.png", "out.png", "--size", "12"], "got '12'; allowed: WIDTHxHEIGHT such as"),
        (["in.png", "out.png", "--size", "0x3"], "got '0x3'; allowed: WIDTHxHEIGHT"),
        (["in.png", "out.png", "--width", "0"], "0 is not in the range 1<=x<=2147483647"),
        (["in.png", "out.png", "-s", "2", "-m", "cubist"], "mode: got 'cubist'; allowed: one of"),
        (["in.png", "out.png", "-s", "2", "-m", "area", "--align-corners"], "align_corners: got"),
        (
            ["in.png", "out.png", "-s", "2", "-m", "resize_conv:box", "--antialias"],
            "antialias: got True with resize_conv:box; allowed: with fixed rules",
        ),
        (["in.png", "out.png", "-s", "2", "--threads", "0"], "0 is not in the range"),
        (["in.png"], "Missing argument 'OUT'"),
        (["in.png", "out.png", "-s", "2", "--sharpen"], "No such option"),
    ],
)
def test_wrong_usage_is_2(run, source, args, message, tmp_path):
    text = error_of(run("resize", *args), code=2)
    assert message in text
    assert text.endswith("(see upsampler resize --help)")
    assert [p.name for p in tmp_path.iterdir()] == ["in.png"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["no.png", "out.png", "-s", "2"], "no.png: no such file"),
        (["in.png", "out.gif", "-s", "2"], "out.gif: got the ending '.gif'; allowed for writing"),
        (["in.png", "no/out.png", "-s", "2"], "no/out.png: there is no folder no"),
        (["in.png", "a\tb/o.png", "-s", "2"], r"'a\tb/o.png': there is no folder 'a\tb'"),
        (["bool.npy", "out.npy", "-s", "2"], "bool.npy: got dtype bool for mode 'bicubic'; "),
        (["deep.npy", "out.jpg", "-s", "2"], "out.jpg: JPEG holds uint8, not float64"),
        (["broken.png", "out.png", "-s", "2"], "broken.png: truncated PNG file"),
        (["empty.png", "out.png", "-s", "2"], "empty.png: the file is empty"),
        (["text.png", "out.png", "-s", "2"], "text.png: not a PNG, JPEG"),
        (["in.png", "out.png", "-s", "1/100"], "scale_factor: got 1/100, which leaves nothing"),
        (["deep.npy", "out.npy", "-s", "2", "--linear-light"], "linear_light: got True for float"),
        (["in.png", "out.png", "--size", "99999999x9999999"],
         "out.png: 99999999 x 9999999 pixels need 6999999.4 GB to compute and to"),
        (["in.png", "out.png", "--size", "2147483647x2147483647"], "out.png: 2147483647 x 2147483"),
        (["in.png", "out.png", "--width", "2147483647"], "out.png: 2147483647 x 14316557"),
        (["in.png", "out.webp", "--size", "20000x1"], "out.webp: WebP holds up to 16383 pixels"),
    ],
)  # fmt: skip
def test_failures_are_1_one_line_and_no_litter(run, source, tmp_path, args, message):
    write(tmp_path / "deep.npy", Picture(np.zeros((3, 4))))
    np.save(tmp_path / "bool.npy", np.zeros((3, 4), bool))
    (tmp_path / "broken.png").write_bytes((tmp_path / "in.png").read_bytes()[:100])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"hello")
    before = sorted(p.name for p in tmp_path.iterdir())
    assert error_of(run("resize", *args)).startswith(message)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("target", "source_of", "needed"),
    [("o.png", "uint8", 4 + 3), ("o.jpg", "uint8", 4 + 3), ("o.webp", "uint8", 42 + 3),
     ("o.png", "uint16", 6), ("o.tif", "uint8", 3), ("o.npy", "float32", 12)],
)  # fmt: skip
def test_room_for_encoding_is_asked_before_any_work(
    run, monkeypatch, tmp_path, target, source_of, needed
):
    """One byte less than result, copies of the encoder and blocks take is refused."""
    write(tmp_path / "in.tif", Picture(pixels((12, 18, 3), source_of)))
    need = 24 * 36 * needed + 2**27
    monkeypatch.setattr("upsampler.formats.available_memory", lambda: need)
    assert run("resize", "in.tif", target, "-s", "2")[0] == 0
    monkeypatch.setattr("upsampler.formats.available_memory", lambda: need - 1)
    monkeypatch.setattr("upsampler.resize.resize_picture", None)
    text = error_of(run("resize", "in.tif", target, "-s", "2", "-f"))
    assert text.startswith(f"{target}: 36 x 24 pixels need 0.1 GB to compute and to write as ")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt, 130, "interrupted"),
        (MemoryError, 1, "not enough memory"),
        (MemoryError("for a reason"), 1, "not enough memory: for a reason"),
        (OSError(5, "Input/output error"), 1, "[Errno 5] Input/output error"),
        (ZeroDivisionError("two\nlines"), 1, "internal error, please report it: "
         "ZeroDivisionError: two lines"),
    ],
)  # fmt: skip
def test_whatever_happens_is_one_line(run, source, monkeypatch, tmp_path, error, code, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("upsampler.resize.resize_picture", fail)
    result = run("resize", "in.png", "out.png", "-s", "2")
    lines = [line for line in result[2].splitlines() if line]
    assert result[0] == code
    assert lines == [f"upsampler: error: {message}"]
    assert [p.name for p in tmp_path.iterdir()] == ["in.png"]


# --- the group -----------------------------------------------------------------------------------


def test_no_command_shows_the_help_and_is_2(run):
    code, out, _ = run()
    assert code == 2
    assert out.startswith("Usage: upsampler")
    for name in ("resize", "compare", "info", "view"):
        assert f"\n  {name} " in out


@pytest.mark.parametrize("args", [["--help"], ["resize", "-h"], ["compare", "--help"],
                                  ["info", "--help"], ["view", "--help"]])  # fmt: skip
def test_help_is_0(run, args):
    code, out, err = run(*args)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: upsampler")


class Terminal(io.StringIO):
    """A stderr that shows progress."""

    encoding = "utf-8"

    def isatty(self):
        return True


def test_encoding_is_shown_on_a_terminal(run, source, monkeypatch):
    """Encoding is the long part, and was silent: the bar is there, pulsing, while it writes."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    seen = []

    def slow(*_):
        time.sleep(0.3)  # the bar is drawn ten times a second
        seen.append(sys.stderr.getvalue())

    monkeypatch.setattr("upsampler.cli.write", slow)
    assert run("resize", "in.png", "out.png", "-s", "2")[0] == 0
    assert "writing" in seen[0]
    assert seen[0].rindex("writing") > seen[0].rindex("resizing")


def test_version(run):
    assert run("--version") == (0, f"upsampler {upsampler.__version__}\n", "")


def test_unknown_command(run):
    assert "No such command 'enlarge'" in error_of(run("enlarge"), code=2)


def test_info(run):
    code, out, _ = run("info")
    assert code == 0
    for name in ("version", "numpy", "threads", "backend cpu", "viewer", "Pillow"):
        assert name in out


def test_text_in_brackets_is_printed_as_it_is(run, monkeypatch):
    """rich takes [gui] for a style and drops it: the remedy was to install what is there."""
    reason = "PySide6 is missing: pip install 'upsampler[gui]' :smile: [red]"
    monkeypatch.setattr("upsampler.cli_info.viewer_problem", lambda: reason)
    assert reason in run("info")[1]


def test_brackets_in_file_names(run, source, tmp_path):
    (tmp_path / "in.png").rename(tmp_path / "[red].png")
    assert run("resize", "[red].png", "[b]  x.png", "-s", "2") == (0, "", "")
    text = error_of(run("resize", "[red].png", "[b]  x.png", "-s", "2"))
    assert text == "[b]  x.png: exists already; add --force to replace it"
    assert "contact sheet: [a].png\n" in run("compare", "[red].png", "-s", "2", "-o", "[a].png")[1]


def test_info_for_programs(run):
    code, out, _ = run("info", "--json")
    known = json.loads(out)
    assert code == 0
    assert known["version"] == upsampler.__version__
    assert known["backends"]["cpu"]["available"] is True
    assert known["threads"] >= 1
    assert known["libraries"]["Pillow"]
    assert known["viewer"]["available"] or known["viewer"]["reason"]


# --- as processes --------------------------------------------------------------------------------


def spawn(*args, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "upsampler", *map(str, args)],
        capture_output=True, text=True, timeout=120, **kwargs,
    )  # fmt: skip


def test_as_a_module(tmp_path):
    done = spawn("resize", SAMPLE, tmp_path / "out.png", "--width", "50")
    assert (done.returncode, done.stdout) == (0, "")
    assert read(tmp_path / "out.png").pixels.shape == (38, 50, 3)
    assert spawn("resize", "no.png", tmp_path / "o.png", "-s", "2").returncode == 1
    assert spawn("resize").returncode == 2


def test_terminals_without_unicode(tmp_path):
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = spawn("compare", SAMPLE, "-m", "nearest", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "nearest" in done.stdout
    missing = spawn("resize", "schön.png", "o.png", "-s", "2", cwd=tmp_path, env=environment)
    assert missing.stderr == "upsampler: error: sch\\xf6n.png: no such file\n"


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_leaves(tmp_path):
    command = f"{sys.executable} -m upsampler info | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""


@pytest.mark.skipif(os.name == "nt", reason="streams of POSIX")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["info", "resize in.png out.png -s 2 -f", "resize in.png"])
def test_closed_streams(tmp_path, command, closed):
    write(tmp_path / "in.png", Picture(chart()))
    line = f"{sys.executable} -m upsampler {command} {closed}"
    done = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == (2 if command == "resize in.png" else 0)
    assert "internal error" not in done.stderr
    assert "Traceback" not in done.stderr
    if "out.png" in command:
        assert read(tmp_path / "out.png").pixels.shape == (640, 960, 3)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "upsampler: error: interrupted"), (signal.SIGTERM, 143, "")],
)
@pytest.mark.parametrize("moment", ["computing", "writing"])
def test_stopped_it_leaves_no_half_file(tmp_path, moment, number, code, said):
    """Stopped while it computes or encodes: at most one line, and the folder as before."""
    write(tmp_path / "in.png", Picture(chart()))
    script = textwrap.dedent(
        f"""
        import signal, sys, time
        from upsampler import cli, images, resize
        # Whoever starts a job in the background has it ignore interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        resize.BLOCK = 1 << 14
        def slow(*args):
            print("{moment}", flush=True)
            time.sleep(0.05 if "{moment}" == "computing" else 60)
        if "{moment}" == "computing":
            cli.Progress.update = slow
        else:
            images._encode = slow
        sys.exit(cli.main(sys.argv[1:]))
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, "resize", "in.png", "out.png", "-s", "4"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with child:
        assert child.stdout.readline() == f"{moment}\n"
        time.sleep(0.1)
        child.send_signal(number)
        _, err = child.communicate(timeout=30)
    assert child.returncode == code
    assert err.strip() == said
    assert [p.name for p in tmp_path.iterdir()] == ["in.png"]


def test_the_command_line_imports_no_library_before_it_needs_it():
    code = (
        "import sys, upsampler.cli\n"
        "heavy = 'skimage imageio rich PIL tifffile scipy torch cv2 PySide6'.split()\n"
        "print(*[name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
    assert cli.cli.commands.keys() == {"resize", "compare", "fit", "info", "view"}
