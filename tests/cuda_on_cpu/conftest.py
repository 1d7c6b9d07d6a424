"""Where the emulation can run, and what it needs: Linux on x86-64 and g++, for most NVRTC too.

Without UPSAMPLER_EMULATE=1, which `.ci/gpu` sets, tests that need NVRTC are not collected; with it
they must run.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
RUNS = sys.platform == "linux" and platform.machine() == "x86_64" and shutil.which("g++")
EMULATE = os.environ.get("UPSAMPLER_EMULATE") == "1"
if EMULATE and not RUNS:
    raise RuntimeError("UPSAMPLER_EMULATE=1 wants Linux on x86-64 and g++")
WITHOUT_NVRTC = ("test_ptx_*.py", "test_fakecupy_*.py")
collect_ignore = [] if RUNS else [path.name for path in HERE.glob("test_*.py")]
if not EMULATE:
    plain = {path for pattern in WITHOUT_NVRTC for path in HERE.glob(pattern)}
    collect_ignore += [p.name for p in HERE.glob("test_*.py") if p not in plain]
