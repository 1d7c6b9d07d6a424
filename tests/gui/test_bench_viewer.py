"""The benchmark of the viewer measures what it says; how fast is no matter here."""

import json

import numpy as np
import pytest

from tests.bench import __main__ as bench
from tests.bench import viewer


@pytest.mark.slow
def test_all_gestures_are_measured(qapp, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(viewer, "PHOTO", (150, 211))
    real = viewer.run
    monkeypatch.setattr(viewer, "run", lambda: real(150, 211, ["bicubic"], steps=3))
    monkeypatch.setattr(viewer, "start", lambda: 0.7)
    path = tmp_path / "viewer.json"
    code = bench.main(["--viewer", "--json", str(path)])
    told = json.loads(path.read_text())
    printed = capsys.readouterr().out
    assert all(row["name"] in printed for row in told["gestures"])
    rows = told["gestures"]
    assert [row["frames"] for row in rows[:-2]] == [3] * 6
    assert all(5 < row["frames"] <= 20 for row in rows[-2:])
    for row in rows:
        assert 0 < row["median"] <= row["p95"]
        assert row["window"] > 0
    good = all(r["median"] <= viewer.MEDIAN and r["p95"] <= viewer.P95 for r in rows)
    assert code == int(not good)
    assert told["start_seconds"] == 0.7


def test_a_slow_gesture_is_called_slow():
    row = viewer.Row("pan", 9, 10.0, 20.0, 12.0, 30.0, 9, 5.0, 9.0)
    slow = viewer.Row("zoom", 9, 17.0, 20.0, 12.0, 30.0, 9, 5.0, 9.0, 312.0)
    told = viewer.report([row, slow], 1.6).splitlines()
    assert ["TOO SLOW" in line for line in told] == [False, False, True, True]
    assert "312 ms" in told[2]


def test_the_photograph_is_one():
    made = viewer.photo(90, 131)
    assert (made.shape, made.dtype) == ((90, 131, 3), np.uint8)
    assert made.std() > 20
