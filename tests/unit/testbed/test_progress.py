"""Progress and waiting: one line a step, and a deadline that holds."""

from __future__ import annotations

import io
import time

import pytest

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
