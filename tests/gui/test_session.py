"""Sessions written and read, without a window; and what is wrong with them."""

import json
import os
from dataclasses import replace
from fractions import Fraction

import imageio.v3 as iio
import numpy as np
import pytest
from upsampler_gui import changes, kernels, session, state
from upsampler_gui.degrade import degrade
from upsampler_gui.learning import Learned
from upsampler_gui.settings import Diff, DiffKind, Geometry, Mode, Region, Split, Tone
from upsampler_gui.source import built_in, load, source
from upsampler_gui.state import TRUTH, Pane, ViewerState
from upsampler_gui.viewport import View

from upsampler.images import ImageError, Picture
from upsampler.kernel_upsampling import upsample_with_kernel
from upsampler.methods import parse
from upsampler.modules import load_module

from . import drive

TWO = (Fraction(2), Fraction(2))
# Every attribute that a session keeps, each other than at first.
RICH = {
    "panes": (
        Pane("conv_transpose:random:k=5:seed=3", (Fraction(1, 3), Fraction(7, 3))),
        Pane("bilinear:align_corners", TWO, (0.1, -1e-17)),
        Pane("nearest", TWO),
    ),
    "focus": 2, "view": View(0.1 + 0.2, -3.3, 1 / 3), "mode": Mode.DIFF, "split": Split.QUARTERS,
    "line": (0.25, 1.0), "diff": Diff(DiffKind.SSIM, 8.0, 0.5 / 255), "tone": Tone(-1.5, 2.2),
    "geometry": Geometry.SAMPLES, "reference": TRUTH, "region": Region(1, 2, 30, 41),
    "numbers": False, "loupe": True, "blinking": True, "panel": "spectrum",
    "learning": True, "theme": "light",
}  # fmt: skip


@pytest.fixture
def rich(photo, tmp_path):
    """A state about which everything has been changed, and a ground truth from a file."""
    truth = tmp_path / "truth.png"
    iio.imwrite(truth, drive.noise(122, 166, seed=4))
    return replace(ViewerState(load(photo), truth=load(str(truth))), **RICH)


def same(a: ViewerState, b: ViewerState) -> bool:
    """Equal, the pictures by their values."""
    for one, other in ((a.source, b.source), (a.truth, b.truth)):
        if (one is None) != (other is None):
            return False
        if one is not None and not np.array_equal(one.values, other.values):
            return False
    return replace(a, source=b.source, truth=b.truth) == b


def test_everything_comes_back(rich):
    text = session.write(rich)
    assert set(session._SETTINGS) == set(RICH)
    first = ViewerState(rich.source)
    assert all(getattr(first, name) != value for name, value in RICH.items())
    assert same(session.restore(session.read(text)), rich)
    assert session.write(session.restore(session.read(text))) == text


def test_what_passes_is_not_kept(rich):
    busy = replace(rich, cursor=(1.0, 2.0), message="m", opening="o", holding=True, selecting=True)
    assert session.write(busy) == session.write(rich)
    kept = {*RICH, "source", "truth", "degraded"}
    assert {field for field in vars(rich)} == kept | set(state.TRANSIENT)  # noqa: C416


def test_the_chart_needs_no_file():
    start = ViewerState(built_in())
    assert same(session.restore(session.read(session.write(start))), start)


def test_a_degraded_picture_is_degraded_again(photo):
    truth, small = degrade(load(photo), 4)
    start = changes.degraded(ViewerState(load(photo)), truth, small, 4)
    content = json.loads(session.write(start))
    assert (content["truth"], content["degraded"]) == (None, 4)
    back = session.restore(session.read(json.dumps(content)))
    assert same(back, start)
    assert back.truth.size == (60, 80)  # of 61 x 83
    assert back.source.size == (15, 20)


def test_which_picture_of_an_array_is_kept(tmp_path):
    path = tmp_path / "maps.npy"
    np.save(path, drive.noise(9, 11, 26, "float32").reshape(2, 13, 9, 11))
    opened = load(str(path))
    other = opened.shelf.source(replace(opened.slice, index=(1,), channel=7))
    back = session.restore(session.read(session.write(ViewerState(other))))
    assert back.source.slice == other.slice != opened.slice
    np.testing.assert_array_equal(back.source.values, other.values)


def test_a_path_is_kept_whole(photo, monkeypatch):
    monkeypatch.chdir(os.path.dirname(photo))
    text = session.write(ViewerState(load(os.path.basename(photo))))
    assert json.loads(text)["picture"]["path"] == photo


def test_a_picture_without_a_file_is_not_promised():
    pasted = ViewerState(source(Picture(drive.noise(5, 7)), "pasted"))
    with pytest.raises(ValueError, match="pasted: did not come from a file, so a session"):
        session.write(pasted)


@pytest.fixture
def learned():
    """Two kernels of one name that nobody has saved, as random as weights are."""
    rng = np.random.default_rng(2)
    paths = []
    for dtype in (np.float32, np.float64):
        folder = kernels.new_folder()
        weight = rng.normal(size=(1, 1, 6, 5)).astype(dtype)
        paths.append(os.path.join(folder, "learned-80.npz"))
        Learned(weight, 2, np.array([])).module().save(paths[-1])
    return paths


def test_a_kernel_that_was_learned_is_in_the_session(learned):
    panes = (*(Pane(f"conv_transpose:{path}", TWO) for path in learned), Pane("nearest", TWO))
    start = replace(ViewerState(built_in()), panes=(*panes, panes[0]))
    text = session.write(start)
    assert os.path.dirname(learned[0]) not in text
    weights = [load_module(path).weight for path in learned]
    for path in learned:
        os.remove(path)
    back = session.restore(session.read(text))
    found = [kernels.kernel_of(pane.method) for pane in back.panes]
    assert found[2] is None
    for path, weight in ((found[0], weights[0]), (found[1], weights[1]), (found[3], weights[0])):
        assert path not in learned
        loaded = load_module(path)
        assert loaded.stride == (2, 2)
        assert loaded.weight.dtype == weight.dtype
        np.testing.assert_array_equal(loaded.weight, weight)
    assert [os.path.basename(path) for path in found[:2]] == ["learned-80.npz", "learned-80-2.npz"]
    assert json.loads(session.write(back))["kernels"] == json.loads(text)["kernels"]
    # What they make is what they made.
    for pane, weight in zip(back.panes[:2], weights, strict=True):
        values = back.source.values[:20, :30]
        made = parse(pane.method).prepare(values, (40, 60)).window((0, 40), (0, 60))
        np.testing.assert_array_equal(made, upsample_with_kernel(values, weight, 2))


def test_a_kernel_that_is_gone_is_told(learned):
    start = replace(ViewerState(built_in()), panes=(Pane(f"conv_transpose:{learned[0]}", TWO),))
    os.remove(learned[0])
    with pytest.raises(ValueError, match=r"learned-80\.npz: the kernel is gone .*; learn it again"):
        session.write(start)


def test_a_kernel_of_somebody_is_kept_by_its_whole_path(tmp_path, monkeypatch):
    np.save(tmp_path / "mine.npy", np.ones((4, 4)) / 4)
    monkeypatch.chdir(tmp_path)
    start = replace(ViewerState(built_in()), panes=(Pane("conv_transpose:mine.npy", TWO),))
    back = session.restore(session.read(session.write(start)))
    assert back.panes[0].method == f"conv_transpose:{tmp_path / 'mine.npy'}"
    assert json.loads(session.write(start))["kernels"] == {}


def test_a_vanished_file(photo):
    text = session.write(ViewerState(load(photo)))
    os.remove(photo)
    with pytest.raises(ImageError, match=r"photo\.png"):
        session.restore(session.read(text))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 100_000, "\x00", "1" * 9999])
def test_what_is_no_session(text):
    with pytest.raises(ValueError, match="this is no session"):
        session.read(text)


KERNEL = {"scale": 2, "dtype": "float32", "weight": [[0.5, 0.25], [1.0, 0.1]]}
WRONG = {
    "focus": (3, True, 1.0, "1", None, -1),
    "reference": (3, -2),
    "panes": ([], {}, "nearest", [1], [{"method": "nearest"}], [None] * 10),
    "view": ([1, 2], [1, 2, 0], [1, 2, float("nan")], [1, 2, 10**400], ["1", 2, 3], 5),
    "mode": ("Grid", 1, None), "split": ("3-d",), "line": ([0.5], [0, 1.1], [True, 0]),
    "diff": ({}, {"kind": "signed", "gain": 0, "threshold": 0}, {"kind": "x", "gain": 1,
             "threshold": 0}),
    "tone": ({"exposure": 0}, {"exposure": 0, "gamma": 0}, {"exposure": 1e9, "gamma": 1}),
    "geometry": ("samples ",), "region": ([1, 2, 1, 5], [0, 0, -1, 4], [1, 2, 3]),
    "numbers": (1, "true", None), "loupe": (0,), "blinking": (None,), "panel": (None, "x" * 5000),
    "learning": (1, None), "theme": ("blue", None), "degraded": (-1, 2.0, 65),
    "picture": (None, "photo.png", {"path": "x"}, {"path": 1, "slice": None},
                {"path": "x", "slice": {"layout": "NCHW", "index": [], "channel": 0,
                 "member": ""}},
                {"path": "x", "slice": {"layout": "XY", "index": [], "channel": 0, "member": ""}}),
    "truth": ("truth.png", {"path": []}),
    "kernels": (
        [], {"a/b.npz": KERNEL}, {"../x.npz": KERNEL}, {"x.png": KERNEL}, {"x.npz": 1},
        {"x.npz": KERNEL | {"more": 1}}, {"x.npz": KERNEL | {"scale": 0}},
        {"x.npz": KERNEL | {"scale": True}}, {"x.npz": KERNEL | {"dtype": "object"}},
        {"x.npz": KERNEL | {"weight": []}}, {"x.npz": KERNEL | {"weight": [[]]}},
        {"x.npz": KERNEL | {"weight": [[1.0], [1.0, 2.0]]}},
        {"x.npz": KERNEL | {"weight": [["1"]]}}, {"x.npz": KERNEL | {"weight": [[True]]}},
        {"x.npz": KERNEL | {"weight": [[float("nan")]]}},
        {"x.npz": KERNEL | {"weight": [[10**400]]}},
        {"x.npz": KERNEL | {"weight": [[0.0] * 100]}},
        {f"{i}.npz": KERNEL for i in range(10)},
    ),
}  # fmt: skip
assert not kernels.why_not(KERNEL)
CASES = [(name, value) for name, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda v: str(v)[:40])
def test_what_cannot_be_is_named(rich, name, value):
    content = json.loads(session.write(rich))
    content[name] = value
    with pytest.raises(ValueError, match=rf"^{name}: got .*; allowed: "):
        session.read(json.dumps(content))


def test_every_setting_has_wrong_values():
    assert set(WRONG) == {*session._SETTINGS, *session._OTHERS}


def test_a_method_that_is_none(rich):
    content = json.loads(session.write(rich))
    content["panes"][1]["method"] = "sinc"
    with pytest.raises(ValueError, match=r"^panes: .* a method and a scale .*'sinc'"):
        session.read(json.dumps(content))


def test_what_is_missing_or_too_much_is_named(rich):
    content = json.loads(session.write(rich))
    del content["tone"]
    content["zoom"] = 1
    with pytest.raises(ValueError, match="lacks or should not have: tone, zoom"):
        session.read(json.dumps(content))
    with pytest.raises(ValueError, match="of version 2; allowed: 1"):
        session.read(json.dumps({session.MARK: 2}))


def test_the_truth_as_reference_needs_a_truth(rich):
    content = json.loads(session.write(rich))
    content["truth"] = None
    with pytest.raises(ValueError, match="reference: got -1; allowed: with a reference picture"):
        session.read(json.dumps(content))
