"""A picture larger than most memories: ``python -m tests.gui.huge FILE REPORT``.

FILE is made if it is not there: 20000 x 15000 pixels, mapped.  Four panes enlarge it by 8.  What it
takes is written to REPORT as JSON: memory, the gaps of the event loop while the picture is panned
and zoomed, and how soon an export of the whole result is gone after Esc.
"""

from __future__ import annotations

import json
import os
import sys
import time
from fractions import Fraction

import numpy as np

from tests.bench import viewer

HEIGHT, WIDTH = 15000, 20000
TICK = 4  # milliseconds of the timer whose delays are the gaps


def make(path: str) -> None:
    """Noise over a gradient, in bands, without ever being in memory."""
    shape = (HEIGHT, WIDTH, 3)
    out = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    rng = np.random.default_rng(0)
    band = rng.integers(0, 64, (250, WIDTH, 3), np.uint8)
    for top in range(0, HEIGHT, 250):
        out[top : top + 250] = band + np.uint8(191 * top // HEIGHT)
    del out


def memory(field: str) -> int:
    """Bytes: VmHWM is the peak, VmRSS what is used now."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field):
                return int(line.split()[1]) << 10
    return 0


def main(path: str, report: str) -> None:
    if not os.path.exists(path):
        make(path)
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QFileDialog, QMessageBox
    from upsampler_gui import panes

    rig = viewer.Rig(path)
    window = rig.window
    mapped = window.store.state.source.mapped
    window.store.update(panes.set_all_scales, (Fraction(8), Fraction(8)))
    rig.settle()
    gaps: list[float] = []
    last = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        gaps.append(now - last[0])
        last[0] = now

    timer = QTimer(interval=TICK, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    rows = []
    rig.fit()
    timer.start()
    rows.append(rig.gesture("pan, fit", rig.drags(30)))
    rows.append(rig.gesture("zoom in", rig.wheels([1] * 16)))
    rows.append(rig.gesture("pan, near", rig.drags(30)))
    rows.append(rig.gesture("zoom out", rig.wheels([-1] * 16)))
    timer.stop()
    chips = [pane.chip.accessibleName() for pane in window.compare.panes]

    target = path + ".result.tif"
    asked: list[str] = []
    QFileDialog.getSaveFileName = staticmethod(lambda *args: (target, ""))
    ok = QMessageBox.StandardButton.Ok
    QMessageBox.question = staticmethod(lambda *args: asked.append(args[2]) or ok)
    window.actions_by_name["export_result"].trigger()
    folder = os.path.dirname(os.path.abspath(path))

    def parts() -> list[str]:
        return [name for name in os.listdir(folder) if name != os.path.basename(path)]

    rig.until(lambda: window.exporter.progress.bar.value() > 0 or not window.exporter.busy)
    begun, refused = bool(parts()), window.store.state.message
    begin = time.perf_counter()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    rig.until(lambda: not parts())
    cancelled = time.perf_counter() - begin
    found = {
        "mapped": mapped,
        "source": HEIGHT * WIDTH * 3,
        "peak": memory("VmHWM"),
        "gap_median": 1e3 * float(np.median(gaps)) - TICK,
        "gap_p95": 1e3 * float(np.percentile(gaps, 95)) - TICK,
        "frames": [(row.name, row.median, row.p95, row.window) for row in rows],
        "chips": chips,
        "asked": asked,
        "begun": begun,
        "refused": refused,
        "cancelled": cancelled,
        "left": parts(),
    }
    with open(report, "w") as file:
        json.dump(found, file, indent=1)
    window.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
