"""The benchmark of the GPU runs: its numbers mean nothing here."""

from __future__ import annotations

import json

import fakecupy as cp
import numpy as np
import pytest
import torch  # not while the stand-in is CuPy: its import looks into all modules that are there

from tests import gpu_host
from tests.bench import gpu
from tests.gpu_host import Hosted
from upsampler.plan import plan_for
from upsampler.spec import resample_spec


@pytest.fixture(autouse=True)
def installed():
    with cp.installed():
        yield


def test_every_case_is_measured(tmp_path, monkeypatch, capsys):
    for name in ("WARM", "TIMED", "CALLS"):
        monkeypatch.setattr(gpu, name, 1)
    monkeypatch.setattr(gpu, "torch_time", lambda case: 0.5 if "x2" in case.name else None)
    path = tmp_path / "gpu.json"
    assert gpu.main(path, (1, 4, 4, 8)) == 0
    found = json.loads(path.read_text("utf-8"))
    assert {(row["name"], row["dtype"]) for row in found["rows"]} == {
        (case.name, case.dtype) for case in gpu.cases()
    }
    assert {row["torch"] for row in found["rows"]} == {0.5, None}
    assert "bilinear x2" in capsys.readouterr().out


@pytest.mark.parametrize("case", gpu.cases((1, 4, 4, 8)), ids=lambda c: f"{c.name}-{c.dtype}")
def test_pytorch_is_asked_for_the_same(case):
    rng = np.random.default_rng(1)
    given = [rng.random(shape).astype(np.float32) for shape in case.shapes]
    theirs = case.peer(torch, *map(torch.from_numpy, given)).numpy()
    ours = case.ours(*given)
    if "NHWC" in case.name:
        theirs = theirs.transpose(0, 2, 3, 1)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_without_a_gpu_pytorch_is_not_timed():
    assert gpu.torch_time(gpu.cases()[0]) is None


def test_arrays_of_the_host_go_to_the_device_and_back():
    x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    plan = plan_for(resample_spec(x.shape, x.dtype, None, 2, "nearest"))
    out = np.empty((1, 1, 6, 8), np.float32)
    Hosted().resample(plan, x, out, 1, True)
    assert (out == x.repeat(2, 2).repeat(2, 3)).all()
    with pytest.raises(AttributeError):
        Hosted().nothing  # noqa: B018


def test_the_gpu_is_held_against_its_emulation(monkeypatch):
    """Where both are: here the stand-in is both, and one of them is made to err."""
    monkeypatch.setattr(gpu_host, "EMULATE", True)
    x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    plan = plan_for(resample_spec(x.shape, x.dtype, None, 2, "nearest"))
    out = np.empty((1, 1, 6, 8), np.float32)
    Hosted().resample(plan, x, out, 1, True)
    run = gpu_host.Hosted.run

    def wrong(self, *arguments):
        made = run(self, *arguments)
        if type(self) is Hosted:
            made["out"][0, 0, 3, 5] += 1
        return made

    monkeypatch.setattr(gpu_host.Hosted, "run", wrong)
    with pytest.raises(AssertionError, match="resample: out on the GPU is not"):
        Hosted().resample(plan, x, out, 1, True)


def test_items_that_cupy_does_not_have_stay_on_the_host():
    x = np.array([[b"ab", b"cd"]])
    plan = plan_for(resample_spec(x.shape, x.dtype, None, 2, "nearest"))
    out = np.empty((2, 4), x.dtype)
    cp.events.log.clear()
    Hosted().resample(plan, x, out, 1, True)
    assert (out == x.repeat(2, 0).repeat(2, 1)).all()
    assert "launch" not in cp.events.kinds()
