"""Whether a window can be opened here, found out without opening one.

Qt ends the process, core dump included, when it finds no display or when a library of its
platform plugin is missing.  So the libraries are loaded and the display is called upon here first;
where this finds fault, or knows nothing, a child process tries and may die in our place.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import subprocess
import sys

# What Qt's plugin for X11 needs beyond PySide6 itself, and the Debian packages that have it.
_X11 = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
# What PySide6 itself needs, by the name in the loader's message.
_QT = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
_TRY = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"
_PATIENCE = 30  # seconds for the child, which takes less than one


def why_not() -> str | None:
    """Why a window cannot be opened here, in a sentence; None where it can.

    Returns
    -------
    str or None
        Names what is missing, a package, a library or a display, and how to get it.
    """
    reason = missing_package()
    if reason is not None or not sys.platform.startswith("linux"):
        return reason
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if platform in ("offscreen", "minimal"):
        return None  # part of PySide6 and in need of nothing
    if not platform and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        return (
            "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set; start it in a "
            "desktop session, through `ssh -X`, or under `xvfb-run`"
        )
    # The choice that Qt makes: Wayland where there is one and nothing else is asked for.
    x11 = platform == "xcb" or not (platform or os.environ.get("WAYLAND_DISPLAY"))
    reason = _x11_trouble() if x11 else None
    if x11 and reason is None:
        return None
    said = _trial()
    return None if said is None else reason or said


def missing_package() -> str | None:
    """Why PySide6 cannot be used, even without a display; None where it can."""
    try:
        importlib.import_module("PySide6.QtWidgets")
    except ModuleNotFoundError:
        return "PySide6 is not installed; get it with `pip install 'upsampler[gui]'`"
    except ImportError as error:  # a shared library is missing
        library = str(error).split(":")[0]
        return _missing_library(library, _QT.get(library), str(error))
    return None


def _x11_trouble() -> str | None:
    for library, package in _X11.items():
        try:
            ctypes.CDLL(library)
        except OSError as error:
            return _missing_library(library, package, str(error))
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        return _missing_library("libxcb.so.1", "libxcb1", str(error))
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if failed:
        display = os.environ.get("DISPLAY", "")
        return f"the display DISPLAY={display!r} does not answer; check it with `xdpyinfo`"
    return None


def _missing_library(library: str, package: str | None, message: str) -> str:
    if package is None:
        return f"Qt cannot be loaded ({message})"
    return (
        f"the system library {library} is missing; get it with `apt-get install {package}` "
        "(Debian, Ubuntu) or the like"
    )


def _trial() -> str | None:
    """What a child process says that fails to start Qt, None where it does start."""
    try:
        child = subprocess.run(
            [sys.executable, "-c", _TRY], capture_output=True, text=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"Qt did not start within {_PATIENCE} seconds"
    if child.returncode == 0:
        return None
    lines = [line for line in child.stderr.splitlines() if line.strip()]
    return f"Qt cannot start here ({lines[0].strip() if lines else 'it says nothing'})"
