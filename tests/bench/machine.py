"""What the numbers were measured on."""

from __future__ import annotations

import datetime
import os
import platform
from typing import Any

import numpy as np

import upsampler
from upsampler.threads import available_cores


def processor() -> str:
    """The name of the processor."""
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def load() -> float:
    """Processes that wanted a core during the last minute, on average; 0 where unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def describe(peers: dict[str, str], load_before: float) -> dict[str, Any]:
    """Processor, system, versions and date; `peers` are names with versions."""
    return {
        "processor": processor(),
        "cores": available_cores(),
        "load_before": load_before,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "upsampler": upsampler.__version__,
        "instruction_set": upsampler.backends()["cpu"]["instruction_set"],
        "peers": peers,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
