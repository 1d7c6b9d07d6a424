"""PSNR and SSIM of every pane against the ground truth, for the titles, worked out in between."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from . import metering
from .areas import Area, compared, part
from .metering import Comparison
from .panels.lane import Lane
from .state import TRUTH, ViewerState

LARGEST = 1 << 25  # samples of a result up to which nobody has to ask: some seconds


class Scores(QObject):
    """Asked with each state that is shown; only the truth counts, as only it is right."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._lane = Lane(metering.meter, "scores")
        self._lane.changed.connect(self.changed)
        self._jobs: dict[int, Comparison] = {}

    def ask(self, state: ViewerState) -> None:
        """Want the scores of all panes of a state."""
        self._jobs = {}
        if state.reference == TRUTH:
            for i in range(len(state.panes)):
                whole = part(state, i, Area.WHOLE, (0, 0))
                job = Comparison(compared(state, i, Area.WHOLE, (0, 0)), whole)
                height, width, channels = whole.shape
                if not job.trouble and height * width * channels <= LARGEST:
                    self._jobs[i] = job
        self._lane.ask(*self._jobs.values())

    def text(self, pane: int) -> str:
        """The scores of a pane, "" while there are none."""
        job = self._jobs.get(pane)
        outcome = None if job is None else self._lane.get(job)
        if outcome is None or outcome.value is None:
            return ""
        psnr, ssim, _, _ = metering.texts(outcome.value)
        return psnr if psnr == "identical" else f"{psnr}  SSIM {ssim}"

    @property
    def idle(self) -> bool:
        """Whether every score that is wanted is known."""
        return self._lane.idle

    def close(self) -> None:
        self._lane.close()
