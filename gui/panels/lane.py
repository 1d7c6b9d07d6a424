"""A panel's way to the scheduler: what is wanted, what of it is known, nothing while hidden."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from ..render import Cancelled
from ..scheduler import Outcome, Scheduler

Work = Callable[[Any, Callable[[], bool]], Any]


class Lane(QObject):
    """Jobs in a worker thread, each answered as soon as it is done.

    Answers are kept as long as they are wanted, so that asking for the same again costs nothing;
    jobs hold pictures, which must not outlive the interest in them.

    Parameters
    ----------
    work : callable
        ``work(job, cancelled)``, in the worker.
    name : str
        For the name of the thread.
    patient : bool
        Whether jobs at work are finished even if others are wanted by then: for short ones that
        follow the mouse.  If each were cancelled for the next, none would be seen.
    """

    changed = Signal()
    _done = Signal(object)

    def __init__(self, work: Work, name: str, patient: bool = False) -> None:
        super().__init__()
        self._work = work
        self._wanted: tuple[Hashable, ...] = ()
        self._known: dict[Hashable, Outcome] = {}
        self._scheduler = Scheduler(self._run, 1, lambda old, new: not patient, name)
        self._done.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        """Whether everything that is wanted is known."""
        return all(job in self._known for job in self._wanted)

    def ask(self, *jobs: Hashable) -> None:
        """Want these jobs done, in this order, and no others."""
        if jobs == self._wanted:
            return
        self._wanted = jobs
        self._known = {job: known for job, known in self._known.items() if job in jobs}
        missing = tuple(dict.fromkeys(job for job in jobs if job not in self._known))
        if missing:
            self._scheduler.submit(missing)
        else:
            self._scheduler.drop()
        self.changed.emit()

    def wants(self, job: Hashable) -> bool:
        return job in self._wanted

    def get(self, job: Hashable) -> Outcome | None:
        """What became of a job, None as long as it is not done."""
        return self._known.get(job)

    def pause(self) -> None:
        """Nobody looks: stop what is at work.  What is known stays so until the next `ask`."""
        self._scheduler.drop()
        self._wanted = tuple(job for job in self._wanted if job in self._known)

    def close(self) -> None:
        self._scheduler.close()

    def _run(self, job: Hashable, cancelled: Callable[[], bool]) -> None:
        try:
            outcome = Outcome(job, self._work(job, cancelled))
        except Cancelled:
            return
        except Exception as error:
            outcome = Outcome(job, error=error)
        self._done.emit(outcome)

    def _take(self, outcome: Outcome) -> None:
        if outcome.job in self._wanted:
            self._known[outcome.job] = outcome
            self.changed.emit()
