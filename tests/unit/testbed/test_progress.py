"""Progress and waiting: one line a step, and a deadline that holds."""

from __future__ import annotations

import io
import threading
import time

import pytest

from testbed.beside import beside
from testbed.errors import BedError
from testbed.progress import Progress
from testbed.waiting import until


def test_a_step_is_one_line_with_its_seconds() -> None:
    stream = io.StringIO()
    with Progress(stream).step("building etcd") as step:
        step.tell("1 package compiled")
    assert stream.getvalue().startswith("  building etcd: done in 0.")
    assert stream.getvalue().count("\n") == 1


def test_a_step_that_fails_says_so() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="no"), Progress(stream).step("building etcd"):
        raise ValueError("no")
    assert "failed after" in stream.getvalue()


def test_a_terminal_shows_one_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("testbed.progress.LIVE_EVERY_SECONDS", 0.0)
    with Progress(stream).step("building etcd") as step:
        step.tell("1 package compiled")
    assert "1 package compiled" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_terminal_shows_all_that_runs_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("testbed.progress.LIVE_EVERY_SECONDS", 0.0)
    progress = Progress(stream)
    with progress.step("building etcd") as one:
        one.tell("1 package")
        with progress.step("making an image") as two:
            two.tell("unpacking")
            lines = stream.getvalue().split("\x1b[K")
            assert lines[-1].startswith(
                "  building etcd: 1 package, 0 s so far | making an image: unpacking, 0 s so far"
            )
        assert stream.getvalue().endswith("\n  building etcd: 1 package, 0 s so far")  # what still runs is shown again
    assert stream.getvalue().count("\n") == 2


def test_a_silent_part_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, told = io.StringIO(), threading.Event()
    monkeypatch.setattr("testbed.progress.LINE_EVERY_SECONDS", 0.001)

    def detail() -> str:
        if stream.getvalue():
            told.set()
        return "linking"

    with Progress(stream).step("building etcd") as step, step.telling(detail):
        assert told.wait(30)
    assert stream.getvalue().startswith("  building etcd: linking, ")


def test_what_fails_side_by_side_is_told_before_the_rest_is_over() -> None:
    stream, said = io.StringIO(), []

    def fails() -> None:
        raise BedError("no mirror")

    def works() -> None:
        until(lambda: "error: no mirror" in stream.getvalue(), seconds=30, what="the error")
        said.append("done")

    with pytest.raises(BedError, match="no mirror"):
        beside(works, fails, Progress(stream))
    assert said == ["done"]


def test_side_by_side_gives_the_others_result() -> None:
    ours, theirs = threading.Event(), threading.Event()

    def work() -> None:
        ours.set()
        assert theirs.wait(30)

    def other() -> int:
        theirs.set()
        assert ours.wait(30)
        return 3

    assert beside(work, other, Progress()) == 3


def test_silence_is_silent() -> None:
    with Progress().step("anything") as step:
        step.tell("something")


def test_waiting_returns_what_the_condition_does() -> None:
    answers = iter([None, 0, "yes"])
    assert until(lambda: next(answers), seconds=5, what="a yes") == "yes"


def test_waiting_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(TimeoutError, match=r"a yes did not happen within 0\.05 s"):
        until(lambda: None, seconds=0.05, what="a yes")
    assert 0.05 <= sum(pauses) < 1


def test_a_condition_may_give_up_early() -> None:
    def give_up() -> None:
        raise RuntimeError("dead")

    with pytest.raises(RuntimeError, match="dead"):
        until(give_up, seconds=60, what="anything")
