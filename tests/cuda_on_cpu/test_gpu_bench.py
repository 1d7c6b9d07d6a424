"""The benchmark of the GPU runs: its numbers mean nothing here."""

from __future__ import annotations

import json

import fakecupy as cp
import numpy as np
import pytest

from tests.bench import gpu
from tests.gpu_host import Hosted
from upsampler.plan import plan_for
from upsampler.spec import resample_spec


@pytest.fixture(autouse=True)
def installed():
    with cp.installed():
        yield


def test_every_case_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "WARM", 1)
    monkeypatch.setattr(gpu, "TIMED", 1)
    monkeypatch.setattr(gpu, "_torch_time", lambda case: 0.5 if case.peer else None)
    path = tmp_path / "gpu.json"
    assert gpu.main(path, (1, 4, 4, 8)) == 0
    found = json.loads(path.read_text("utf-8"))
    assert {(row["name"], row["dtype"]) for row in found["rows"]} == {
        (case.name, case.dtype) for case in gpu.cases()
    }
    assert {row["torch"] for row in found["rows"]} == {0.5, None}
    assert "bilinear x2" in capsys.readouterr().out


def test_arrays_of_the_host_go_to_the_device_and_back():
    x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    plan = plan_for(resample_spec(x.shape, x.dtype, None, 2, "nearest"))
    out = np.empty((1, 1, 6, 8), np.float32)
    Hosted().resample(plan, x, out, 1, True)
    assert (out == x.repeat(2, 2).repeat(2, 3)).all()
    with pytest.raises(AttributeError):
        Hosted().nothing  # noqa: B018
