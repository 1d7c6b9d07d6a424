"""Lanes: what a panel wants, and nothing else, is done and kept."""

import threading

import pytest
from upsampler_gui.panels.lane import Lane
from upsampler_gui.render import Cancelled


class Desk:
    """Work that waits for a word, and remembers."""

    def __init__(self):
        self.go = {}
        self.began, self.gave_up = [], []

    def allow(self, *jobs):
        for job in jobs:
            self.go.setdefault(job, threading.Event()).set()

    def work(self, job, cancelled):
        self.began.append(job)
        event = self.go.setdefault(job, threading.Event())
        while not event.wait(0.002):
            if cancelled():
                self.gave_up.append(job)
                raise Cancelled
        if job == "bad":
            raise ValueError("no such thing")
        return job.upper()


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def make(qtbot, desk):
    lanes = []

    def make(**keywords):
        lanes.append(Lane(desk.work, "test", **keywords))
        return lanes[-1]

    yield make
    desk.allow("a", "b", "c", "bad")
    for lane in lanes:
        lane.close()


def known(lane, *jobs):
    return [outcome and outcome.value for outcome in map(lane.get, jobs)]


def test_each_job_is_answered_as_soon_as_it_is_done(qtbot, desk, make):
    lane, told = make(), []
    lane.changed.connect(lambda: told.append(known(lane, "a", "b")))
    lane.ask("a", "b")
    assert not lane.idle
    desk.allow("a")
    qtbot.waitUntil(lambda: lane.get("a") is not None, timeout=20_000)
    assert not lane.idle
    desk.allow("b")
    qtbot.waitUntil(lambda: lane.idle, timeout=20_000)
    assert told == [[None, None], ["A", None], ["A", "B"]]


def test_what_is_known_and_wanted_is_not_done_again(qtbot, desk, make):
    lane = make()
    desk.allow("a", "b", "c")
    lane.ask("a", "b")
    qtbot.waitUntil(lambda: lane.idle, timeout=20_000)
    lane.ask("b", "c")
    assert lane.get("a") is None  # nobody wants it: it may hold a picture
    qtbot.waitUntil(lambda: lane.idle, timeout=20_000)
    assert desk.began == ["a", "b", "c"]
    assert known(lane, "b", "c") == ["B", "C"]


def test_the_newest_wins(qtbot, desk, make):
    lane = make()
    lane.ask("a")
    qtbot.waitUntil(lambda: desk.began == ["a"], timeout=20_000)
    lane.ask("b")
    desk.allow("b")
    qtbot.waitUntil(lambda: lane.idle, timeout=20_000)
    assert desk.gave_up == ["a"]
    assert lane.get("a") is None


def test_a_patient_lane_finishes_what_it_began(qtbot, desk, make):
    lane = make(patient=True)
    lane.ask("a")
    qtbot.waitUntil(lambda: desk.began == ["a"], timeout=20_000)
    lane.ask("b")
    lane.ask("c")
    desk.allow("a", "b", "c")
    qtbot.waitUntil(lambda: lane.idle, timeout=20_000)
    assert desk.began == ["a", "c"]
    assert desk.gave_up == []


def test_errors_are_answers(qtbot, desk, make):
    lane = make()
    desk.allow("bad", "a")
    lane.ask("bad", "a")
    qtbot.waitUntil(lambda: lane.idle, timeout=20_000)
    assert str(lane.get("bad").error) == "no such thing"
    assert lane.get("a").value == "A"


def test_a_pause_stops_the_work_until_somebody_asks_again(qtbot, desk, make):
    lane = make()
    desk.allow("a")
    lane.ask("a", "b")
    qtbot.waitUntil(lambda: desk.began == ["a", "b"], timeout=20_000)
    qtbot.waitUntil(lambda: lane.get("a") is not None, timeout=20_000)
    lane.pause()
    qtbot.waitUntil(lambda: desk.gave_up == ["b"], timeout=20_000)
    assert lane.idle
    desk.allow("b")
    lane.ask("a", "b")
    qtbot.waitUntil(lambda: lane.idle, timeout=20_000)
    assert desk.began == ["a", "b", "b"]
    assert known(lane, "a", "b") == ["A", "B"]


def test_asking_for_nothing(qtbot, desk, make):
    lane = make()
    lane.ask("a")
    qtbot.waitUntil(lambda: desk.began == ["a"], timeout=20_000)
    lane.ask()
    assert lane.idle
    qtbot.waitUntil(lambda: desk.gave_up == ["a"], timeout=20_000)
