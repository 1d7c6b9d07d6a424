"""Newest wins, answers together, failures as data: with work that waits for the test."""

import threading

import pytest
from upsampler_gui.scheduler import Scheduler

PATIENCE = 10  # seconds; a watchdog only


class Gate:
    """Work whose jobs run until they are released; remembers what ran and what was cancelled."""

    def __init__(self):
        self.ran, self.gave_up, self.open, self.fail = [], [], set(), set()
        self.lock = threading.Condition()

    def __call__(self, job, cancelled):
        with self.lock:
            self.ran.append(job)
            self.lock.notify_all()
            while job not in self.open:
                if cancelled():
                    self.gave_up.append(job)
                    raise RuntimeError("gave up")
                self.lock.wait(0.005)
        if job in self.fail:
            raise ValueError(f"no {job}")
        return job.upper()

    def release(self, *jobs):
        with self.lock:
            self.open.update(jobs)
            self.lock.notify_all()

    def wait_for(self, *jobs):
        with self.lock:
            assert self.lock.wait_for(lambda: set(jobs) <= set(self.ran), PATIENCE)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def make(qtbot, gate):
    made = []

    def make(**options):
        options = {"workers": 2, "obsolete": lambda old, new: False, **options}
        scheduler = Scheduler(gate, **options)
        answers = []
        scheduler.answered.connect(lambda *answer: answers.append(answer))
        made.append(scheduler)
        return scheduler, answers

    yield make
    for scheduler in made:
        scheduler.close()


def values(answers):
    return [(generation, [outcome.value for outcome in batch]) for generation, batch in answers]


def test_a_batch_is_answered_at_once_and_in_order(qtbot, gate, make):
    scheduler, answers = make()
    generation = scheduler.submit(("a", "b", "c"))
    gate.release("b", "c")
    gate.wait_for("a", "b")
    qtbot.wait(20)
    assert answers == []  # not before the last one
    gate.release("a")
    qtbot.waitUntil(lambda: bool(answers))
    assert values(answers) == [(generation, ["A", "B", "C"])]
    assert scheduler.idle


def test_of_those_that_wait_only_the_newest_runs(qtbot, gate, make):
    scheduler, answers = make()
    first = scheduler.submit(("a",))
    gate.wait_for("a")
    scheduler.submit(("b",))
    scheduler.submit(("c",))
    last = scheduler.submit(("d",))
    assert (scheduler.generation, scheduler.idle) == (last, False)
    gate.release("a", "b", "c", "d")
    qtbot.waitUntil(lambda: len(answers) == 2)
    # The one at work is finished: it is nearer to what is wanted than what is shown.
    assert values(answers) == [(first, ["A"]), (last, ["D"])]
    assert gate.ran == ["a", "d"]


def test_useless_work_is_cancelled(qtbot, gate, make):
    asked = []

    def obsolete(old, new):
        asked.append((old, new))
        return True

    scheduler, answers = make(obsolete=obsolete)
    scheduler.submit(("a", "b"))
    gate.wait_for("a", "b")
    last = scheduler.submit(("c",))
    gate.release("c")
    qtbot.waitUntil(lambda: bool(answers))
    assert sorted(gate.gave_up) == ["a", "b"]
    assert asked == [(("a", "b"), ("c",))]
    assert values(answers) == [(last, ["C"])]  # and nothing is heard of the others


def test_what_is_at_work_is_not_begun_again(qtbot, gate, make):
    scheduler, answers = make(obsolete=lambda old, new: True)
    first = scheduler.submit(("a",))
    gate.wait_for("a")
    assert scheduler.submit(("a",)) == first
    gate.release("a")
    qtbot.waitUntil(lambda: bool(answers))
    assert gate.ran == ["a"]
    assert gate.gave_up == []


def test_going_back_to_what_is_at_work_forgets_what_waits(qtbot, gate, make):
    scheduler, answers = make()
    first = scheduler.submit(("a",))
    gate.wait_for("a")
    scheduler.submit(("b",))
    scheduler.submit(("a",))
    gate.release("a", "b")
    qtbot.waitUntil(lambda: bool(answers) and scheduler.idle)
    assert values(answers) == [(first, ["A"])]
    assert gate.ran == ["a"]


def test_what_was_cancelled_is_begun_again(qtbot, gate, make):
    scheduler, answers = make()
    first = scheduler.submit(("a",))
    gate.wait_for("a")
    scheduler.drop()
    again = scheduler.submit(("a",))
    assert again > first
    gate.release("a")
    qtbot.waitUntil(lambda: bool(answers))
    assert values(answers) == [(again, ["A"])]
    assert gate.ran == ["a", "a"]


def test_exceptions_travel_as_data(qtbot, gate, make):
    scheduler, answers = make()
    gate.release("a", "b")
    gate.fail.add("a")
    scheduler.submit(("a", "b"))
    qtbot.waitUntil(lambda: bool(answers))
    (failed, good) = answers[0][1]
    assert (failed.job, failed.value, str(failed.error)) == ("a", None, "no a")
    assert isinstance(failed.error, ValueError)
    assert (good.value, good.error) == ("B", None)
    gate.fail.clear()
    answers.clear()
    scheduler.submit(("a",))  # and the workers go on
    qtbot.waitUntil(lambda: bool(answers))
    assert answers[0][1][0].value == "A"


def test_nothing_is_heard_after_a_drop(qtbot, gate, make):
    scheduler, answers = make()
    scheduler.submit(("a",))
    gate.wait_for("a")
    scheduler.submit(("b",))
    scheduler.drop()
    qtbot.waitUntil(lambda: scheduler.idle)
    assert gate.gave_up == ["a"]
    assert gate.ran == ["a"]
    assert answers == []


def test_closing_waits_for_nobody(qtbot, gate, make):
    scheduler, answers = make()
    scheduler.submit(("a", "b", "c", "d"))
    gate.wait_for("a")
    scheduler.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("viewer") and t.is_alive()]
    ran = list(gate.ran)
    scheduler.submit(("e",))
    qtbot.wait(20)
    assert gate.ran == ran
    assert answers == []
