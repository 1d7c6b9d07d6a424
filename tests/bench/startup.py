"""What it costs to import the package, beside its peers."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from .peers import ABSENT, MODULES
from .study import Study
from .timing import measure

FIRST_CALL = "import numpy as np, upsampler; upsampler.interpolate(np.ones((9, 9)), scale_factor=2)"


def programs(peers: dict[str, str]) -> dict[str, str]:
    """Python code by what it is called; what is not there is left out."""
    found = {"python": "pass", "numpy": "import numpy", "upsampler": "import upsampler"}
    found["upsampler, first call"] = FIRST_CALL
    present = [name for name, version in peers.items() if not version.startswith(ABSENT)]
    return found | {name: f"import {MODULES[name]}" for name in present}


def study(peers: dict[str, str], share: float) -> Study:
    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    times = measure({name: partial(run, code) for name, code in programs(peers).items()}, share)
    ms = {name: stats.median * 1e3 for name, stats in times.items()}
    return Study(
        name="startup",
        title="Import, milliseconds",
        text="A fresh interpreter that imports the package and ends; "
        f"`import upsampler` takes {ms['upsampler'] - ms['numpy']:.0f} ms beyond NumPy.",
        heads=("what", "ms", "beyond python"),
        rows=[(name, value, value - ms["python"]) for name, value in ms.items()],
    )
