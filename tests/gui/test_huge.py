"""Scenario 9, in a process of its own, whose memory is counted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WATCHDOG = 10  # times what is promised: that is measured on a machine with nothing else to do


@pytest.mark.slow
def test_scenario_09_a_picture_larger_than_memory(tmp_path):
    """20000 x 15000 pixels at x8: smooth, small, and Esc leaves no file."""
    report = tmp_path / "report.json"
    folder = tmp_path / "picture"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.gui.huge", str(folder / "huge.npy"), str(report)],
        cwd=ROOT, env={"QT_QPA_PLATFORM": "offscreen", **os.environ}, timeout=500,
        capture_output=True, text=True,
    )  # fmt: skip
    (folder / "huge.npy").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(report.read_text())
    assert told["mapped"]
    assert 0 < told["peak"] < told["source"] + 1_000_000_000
    assert told["gap_p95"] < 33 * WATCHDOG
    assert all(chip.startswith("averaged 1:") for chip in told["chips"])
    (asked,) = told["asked"]
    assert asked.startswith("The result has 160000 x 120000 pixels, 57.6 GB")
    assert told["begun"]
    assert told["cancelled"] < 0.2 * WATCHDOG
    assert told["left"] == []
