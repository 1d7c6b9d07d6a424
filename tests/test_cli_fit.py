"""``upsampler fit``: the table, the file, and what may go wrong."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data

import upsampler
from upsampler import cli_fit
from upsampler.cli import main
from upsampler.images import Picture, read, write
from upsampler.kernel_upsampling import upsample_with_kernel
from upsampler.metrics import psnr

FOLDER = Path(skimage.data.__file__).parent
PHOTOS = [FOLDER / n for n in ("camera.png", "chelsea.png", "coffee.png", "rocket.jpg")]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*args):
        code = main(["fit", *(str(a) for a in args)])
        return code, *capsys.readouterr()

    return call


def table(out):
    """The rows of the printed table: picture -> method -> PSNR."""
    cells = [[c.strip() for c in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    heading = next(line for line in out.splitlines() if "┃" in line)
    methods = [c.strip() for c in heading.split("┃")[1:-1]][1:]
    return {row[0]: dict(zip(methods, map(float, row[1:]), strict=True)) for row in cells}


def test_photographs(run):
    code, out, err = run(*PHOTOS, "-o", "kernel.npz")
    assert (code, err) == (0, "")
    rows = table(out)
    assert list(rows) == ["rocket.jpg"]  # one row needs no mean
    assert list(rows["rocket.jpg"]) == ["nearest", "bilinear", "bicubic", "learned"]
    assert rows["rocket.jpg"]["learned"] > rows["rocket.jpg"]["bicubic"]
    assert "learned from 3 of 4; held out: rocket.jpg" in out
    assert out.rstrip().endswith(": kernel.npz")
    module = upsampler.load_module("kernel.npz")
    assert repr(module) == (
        "ConvTranspose2d(1, 1, kernel_size=(10, 10), stride=(2, 2), padding=(4, 4), bias=False)"
    )
    assert upsampler.checkerboard(module.weight, 2).score < 0.01


def test_the_saved_kernel_makes_the_printed_numbers(run):
    out = run(*PHOTOS, "-o", "kernel.npz", "-k", 6, "--hold-out", 2)[1]
    rows = table(out)
    assert list(rows) == ["chelsea.png", "rocket.jpg", "mean"]
    kernel = upsampler.load_module("kernel.npz").weight
    truth = read(PHOTOS[1]).pixels[:300, :450]
    small = upsampler.interpolate(truth, size=(150, 225), mode="area", layout="HWC")
    assert rows["chelsea.png"]["learned"] == pytest.approx(
        psnr(truth, upsample_with_kernel(small, kernel, 2)), abs=0.0051
    )
    bicubic = upsampler.interpolate(small, scale_factor=2, mode="bicubic", layout="HWC")
    assert rows["chelsea.png"]["bicubic"] == pytest.approx(psnr(truth, bicubic), abs=0.0051)
    for method, mean in rows["mean"].items():
        both = rows["chelsea.png"][method] + rows["rocket.jpg"][method]
        assert mean == pytest.approx(both / 2, abs=0.011)


def test_one_photograph(run):
    code, out, err = run(PHOTOS[2], "-o", "kernel.npz", "--scale", 3)
    assert (code, err) == (0, "")
    scores = table(out)["coffee.png"]
    assert scores["learned"] > scores["bicubic"]
    assert "every other tile" in out
    assert upsampler.load_module("kernel.npz").kernel_size == (15, 15)


def test_ridge_leads_to_bilinear(run):
    scores = table(run(PHOTOS[2], "-o", "kernel.npz", "-k", 4, "--ridge", "1e9")[1])["coffee.png"]
    assert scores["learned"] == pytest.approx(scores["bilinear"], abs=0.01)


def test_an_existing_file_is_kept_unless_forced(run, tmp_path):
    (tmp_path / "kernel.npz").write_bytes(b"precious")
    code, out, err = run(PHOTOS[0], "-o", "kernel.npz")
    assert (code, out) == (1, "")
    assert "kernel.npz: exists already; add --force" in err
    assert (tmp_path / "kernel.npz").read_bytes() == b"precious"
    assert run(PHOTOS[0], "-o", "kernel.npz", "--force")[0] == 0
    assert upsampler.load_module("kernel.npz").stride == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing argument 'IMAGES...'"),
        ([PHOTOS[0]], 2, "Missing option '--output'"),
        ([PHOTOS[0], "-o", "kernel.png"], 2, "--output: got 'kernel.png'; allowed: a name that"),
        ([PHOTOS[0], "-o", "nowhere/k.npz"], 1, "nowhere/k.npz: there is no folder nowhere"),
        ([PHOTOS[0], "-o", "k.npz", "-s", "1.5"], 2, "--scale"),
        ([PHOTOS[0], "-o", "k.npz", "-s", "1"], 2, "--scale"),
        ([PHOTOS[0], "-o", "k.npz", "-k", "3"], 2, "--kernel-size: got 3 for scale 2; allowed: 2"),
        ([PHOTOS[0], "-o", "k.npz", "--ridge", "nan"], 2, "--ridge"),
        ([PHOTOS[0], "-o", "k.npz", "--hold-out", "1"], 2, "--hold-out"),
        ([PHOTOS[0], PHOTOS[0], "-o", "k.npz"], 2, "camera.png twice; allowed: different"),
        ([PHOTOS[0], "nowhere.png", "-o", "k.npz"], 1, "nowhere.png: no such file"),
        (["text.png", PHOTOS[0], "-o", "k.npz"], 1, "text.png: not a PNG"),
        ([PHOTOS[0], "tiny.png", "-o", "k.npz"], 1, "tiny.png: scale: got 2 for a picture of 1 x"),
        (["small.png", "-o", "k.npz"], 1, "small.png: too small to learn from one part"),
        (["nan.npy", PHOTOS[0], "-o", "k.npz"], 1, "nan.npy: holds NaN or infinity"),
        (["bits.npy", PHOTOS[0], "-o", "k.npz"], 1, "bits.npy: got dtype bool"),
    ],
)
def test_errors_are_one_sentence_and_leave_no_file(run, tmp_path, arguments, code, message):
    (tmp_path / "text.png").write_text("not a picture")
    write(tmp_path / "tiny.png", Picture(np.zeros((3, 1), np.uint8)))
    write(tmp_path / "small.png", Picture(np.zeros((3, 2), np.uint8)))
    np.save(tmp_path / "nan.npy", np.full((8, 8), np.nan))
    np.save(tmp_path / "bits.npy", np.zeros((8, 8), bool))
    before = sorted(tmp_path.iterdir())
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert err.startswith("upsampler: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_ctrl_c_leaves_no_half_file(run, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("numpy.savez", interrupted)
    code, out, err = run(PHOTOS[0], "-o", "kernel.npz")
    assert (code, out) == (130, "")
    assert err.strip() == "upsampler: error: interrupted"
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_read_when_their_turn_comes(run, monkeypatch):
    """One at a time, however many there are."""
    turns = []
    load, learn = cli_fit._example, cli_fit.learn_kernel

    def noted(path, scale):
        turns.append(path)
        return load(path, scale)

    def counted(examples, *rest):
        def passed():
            for number, example in enumerate(examples, 1):
                assert len(turns) == number
                yield example

        return learn(passed(), *rest)

    monkeypatch.setattr(cli_fit, "_example", noted)
    monkeypatch.setattr(cli_fit, "learn_kernel", counted)
    assert run(*PHOTOS, "-o", "kernel.npz", "-k", 4)[0] == 0
    assert [Path(p).name for p in turns] == [p.name for p in PHOTOS]
