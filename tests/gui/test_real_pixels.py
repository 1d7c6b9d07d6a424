"""Where the platform matters: a fractional device pixel ratio, and a real display."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WATCHDOG = 120  # seconds


def run_child(report, *arguments, **environment):
    result = subprocess.run(
        [sys.executable, "-m", "tests.gui.child", str(report), *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **environment}, timeout=WATCHDOG,
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(report.read_text())


def check(told, ratio, platform):
    assert told["platform"] == platform
    assert told["ratio"] == ratio
    assert len(told["found"]) == 12  # four panes at three zooms
    for one in told["found"]:
        assert one["differing"] == 0, one
        assert one["picture"] > 20_000
        for shown, logical in zip(one["shape"], one["canvas"], strict=True):
            assert abs(shown - logical * ratio) < 1


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_scenario_02_at_a_device_pixel_ratio(tmp_path, ratio):
    told = run_child(
        tmp_path / "report.json", QT_QPA_PLATFORM="offscreen", QT_SCALE_FACTOR=str(ratio)
    )
    check(told, ratio, "offscreen")


@pytest.fixture
def display():
    """An X server of our own."""
    server = shutil.which("Xvfb")
    if server is None:
        reason = "Xvfb is not installed; get it with `apt-get install xvfb`"
        if os.environ.get("UPSAMPLER_CI") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(writer), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"],
        pass_fds=[writer], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader) as pipe:
        number = pipe.readline().strip()  # it writes when it is ready, or ends
    assert number, "Xvfb did not start"
    yield f":{number}"
    process.terminate()
    process.wait(WATCHDOG)


@pytest.mark.xvfb
@pytest.mark.parametrize("ratio", [1, 1.5])
def test_scenario_02_on_a_real_display(tmp_path, display, ratio):
    picture = tmp_path / "screen.png"
    told = run_child(
        tmp_path / "report.json", picture,
        QT_QPA_PLATFORM="xcb", QT_SCALE_FACTOR=str(ratio), DISPLAY=display,
    )  # fmt: skip
    check(told, ratio, "xcb")
    assert picture.stat().st_size > 10_000


@pytest.mark.xvfb
@pytest.mark.slow
def test_all_scenarios_in_real_windows(display):
    """The same tests as without a screen, with a window system that gives sizes, keys and mouse."""
    chosen = "test_scenario and not device_pixel_ratio and not real_display and not larger_than"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/gui", "-k", chosen, "-p", "no:cacheprovider"],
        cwd=ROOT, env={**os.environ, "QT_QPA_PLATFORM": "xcb", "DISPLAY": display},
        timeout=5 * WATCHDOG, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-5000:]
    assert int(re.search(r"(\d+) passed", result.stdout)[1]) >= 40


@pytest.mark.xvfb
def test_a_display_that_answers_is_good_enough(display):
    code = "from upsampler_gui.app import why_not; assert why_not() is None, why_not()"
    environment = {**os.environ, "DISPLAY": display}
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=WATCHDOG)
