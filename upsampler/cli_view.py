"""``upsampler view``: the viewer, or the contact sheet where no window can be opened."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

from .console import note

_DEBIAN = (
    "libglib2.0-0 libgl1 libegl1 libxkbcommon0 libfontconfig1 libdbus-1-3 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxkbcommon-x11-0 libxcb-shape0"
)
# Qt does not return an error where it finds no display or lacks a library: it aborts the process.
_PROBE = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"
_PROBE_SECONDS = 30


def open_viewer(files: list[str]) -> int:
    """Run the viewer until its window is closed; without one, write the contact sheet."""
    problem = viewer_problem()
    if problem is None:
        app = importlib.import_module("upsampler_gui.app")
        return int(app.main(files))
    from .charts import SAMPLE
    from .cli_compare import compare_files

    note(f"no viewer: {problem}")
    source = files[0] if files else str(SAMPLE)
    note(f"writing the contact sheet of {source if files else 'the built-in photograph'} instead")
    compare_files(source, None)
    return 0


def viewer_problem() -> str | None:
    """Why no window can be opened here and what to do about it, or None."""
    chosen = os.environ.get("QT_QPA_PLATFORM")
    if (
        sys.platform.startswith("linux")
        and not chosen
        and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    ):
        return "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    # The probe runs while the viewer is imported here: together they take no longer.
    probe = None if chosen in ("offscreen", "minimal") else _start_probe()
    try:
        importlib.import_module("PySide6.QtWidgets")
        importlib.import_module("upsampler_gui.app")
    except ModuleNotFoundError as error:
        _finish(probe)
        if error.name and error.name.startswith(("PySide6", "shiboken6")):
            return 'PySide6 is not installed; get it by: pip install "upsampler[gui]"'
        return f"the viewer is not installed completely ({error})"
    except ImportError as error:
        _finish(probe)
        return _library(str(error))
    code, text = _finish(probe)
    return None if code == 0 else _library(text)


def _start_probe() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROBE],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _finish(probe: subprocess.Popen[str] | None) -> tuple[int, str]:
    """Exit code and last words of the probe."""
    if probe is None:
        return 0, ""
    try:
        _, text = probe.communicate(timeout=_PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        probe.kill()
        probe.communicate()
        return 1, f"Qt did not start within {_PROBE_SECONDS} seconds"
    return probe.returncode, text


def _library(text: str) -> str:
    """What Qt said, cut down to the line that tells, and the Debian packages it wants."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if any(word in line for word in ("needed to load", "could not connect", ".so"))
    ]
    reason = (telling or lines or ["Qt cannot start"])[0].removeprefix("qt.qpa.plugin: ")
    if "could not connect" in reason:
        return reason.rstrip(".")
    return f"{reason.rstrip('.')}; on Debian and Ubuntu: apt-get install {_DEBIAN}"
