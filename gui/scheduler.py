"""Jobs in worker threads: the newest wins, and what goes wrong travels back as data.

One batch is at work and one may wait.  A newer batch takes the place of the waiting one, so that
a burst of wheel events costs two batches and not twenty.  The batch at work is finished all the
same, unless `obsolete` says that it is not worth it: cancelling each for the next would show
nothing at all while the user drags.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

Work = Callable[[Any, Callable[[], bool]], Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a value, or the exception that ended it."""

    job: Any
    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Batch:
    """Jobs that are answered together, so that the panes change together."""

    generation: int
    jobs: tuple[Hashable, ...]
    cancelled: threading.Event = field(default_factory=threading.Event, compare=False)


class Scheduler(QObject):
    """Runs ``work(job, cancelled)`` for batches of jobs.

    Parameters
    ----------
    work : callable
        Runs in worker threads.  It may look at ``cancelled()`` and give up by raising.
    workers : int
        Threads.
    obsolete : callable
        Whether the jobs at work (the first argument) are useless now that others are wanted.
    name : str
        For the names of the threads.
    """

    answered = Signal(int, object)  # generation, tuple of Outcome in the order of the jobs
    _finished = Signal(object, object)

    def __init__(
        self,
        work: Work,
        workers: int,
        obsolete: Callable[[tuple, tuple], bool] = lambda old, new: True,
        name: str = "jobs",
    ) -> None:
        super().__init__()
        self._work = work
        self._obsolete = obsolete
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"viewer_{name}")
        self._generation = 0
        self._busy: Batch | None = None
        self._waiting: Batch | None = None
        self._closed = False
        self._finished.connect(self._collect, Qt.ConnectionType.QueuedConnection)

    @property
    def generation(self) -> int:
        """Number of the newest batch."""
        return self._generation

    @property
    def idle(self) -> bool:
        return self._busy is None

    def submit(self, jobs: tuple[Hashable, ...]) -> int:
        """Have `jobs` done, in place of any batch that waits; returns the generation number.

        What is at work already is not begun again.
        """
        busy = self._busy
        if busy is not None and busy.jobs == jobs and not busy.cancelled.is_set():
            self._waiting = None
            return busy.generation
        self._generation += 1
        batch = Batch(self._generation, jobs)
        if self._closed or not jobs:
            return self._generation
        if busy is None:
            self._start(batch)
        else:
            self._waiting = batch
            if self._obsolete(busy.jobs, jobs):
                busy.cancelled.set()
        return self._generation

    def drop(self) -> None:
        """Nothing is wanted any more of what waits or is at work."""
        self._waiting = None
        if self._busy is not None:
            self._busy.cancelled.set()

    def close(self, wait: bool = True) -> None:
        """Cancel everything; with `wait` come back when the threads have ended.

        That is when each has looked at ``cancelled()`` once more, so work that never looks is
        better not waited for.
        """
        self._closed = True
        self.drop()
        self._pool.shutdown(wait=wait, cancel_futures=True)

    def _start(self, batch: Batch) -> None:
        self._busy = batch
        outcomes: list[Outcome | None] = [None] * len(batch.jobs)
        left = [len(batch.jobs)]
        lock = threading.Lock()

        def run(place: int) -> None:
            outcomes[place] = self._outcome(batch, batch.jobs[place])
            with lock:
                left[0] -= 1
                last = left[0] == 0
            if last:
                self._finished.emit(batch, tuple(outcomes))

        for place in range(len(batch.jobs)):
            self._pool.submit(run, place)

    def _outcome(self, batch: Batch, job: Hashable) -> Outcome:
        try:
            return Outcome(job, self._work(job, batch.cancelled.is_set))
        except Exception as error:
            return Outcome(job, error=error)

    def _collect(self, batch: Batch, outcomes: tuple[Outcome, ...]) -> None:
        self._busy = None
        if self._closed:
            return
        if self._waiting is not None:
            batch_now, self._waiting = self._waiting, None
            self._start(batch_now)
        if not batch.cancelled.is_set():
            self.answered.emit(batch.generation, outcomes)
