"""Somebody else undoes what is written: how often it is written again."""

from typing import Any

import pytest

from nginx_operator.api.types import NginxSpec
from nginx_operator.reconcile.write_conflicts import BURST, PERIOD, WriteConflicts

SPEC, OTHER = NginxSpec(count=1, image="a:1"), NginxSpec(count=2, image="a:1")
WRITTEN = {"deployments": True}
NOW = 100.0


@pytest.fixture
def conflicts() -> WriteConflicts:
    return WriteConflicts()


def status(count: int) -> dict[str, Any]:
    return {"count": count, "nodes": ["a"]}


def exhaust(conflicts: WriteConflicts, now: float = NOW) -> None:
    conflicts.wrote_children("u", SPEC, WRITTEN)
    for _ in range(BURST):
        assert conflicts.retry_children("u", SPEC, WRITTEN, now) == 0
    assert conflicts.exhausted(now)


def test_what_was_not_written_yet_takes_no_token(conflicts: WriteConflicts) -> None:
    exhaust(conflicts)
    assert conflicts.retry_children("u", OTHER, WRITTEN, NOW) == 0  # another spec
    assert conflicts.retry_children("v", SPEC, WRITTEN, NOW) == 0  # another Nginx of this name
    assert conflicts.retry_children("u", SPEC, ["services"], NOW) == 0
    assert conflicts.retry_status(status(1), NOW) == 0
    conflicts.wrote_status(status(1))
    assert conflicts.retry_status(status(1), NOW) == 0  # another one is due, and nobody touched ours


def test_what_was_refused_is_not_undone(conflicts: WriteConflicts) -> None:
    exhaust(conflicts)
    conflicts.wrote_children("u", SPEC, {"deployments": False})
    assert conflicts.retry_children("u", SPEC, WRITTEN, NOW) == 0


def test_a_child_that_is_refused_excuses_no_other(conflicts: WriteConflicts) -> None:
    exhaust(conflicts)
    conflicts.wrote_children("u", SPEC, {"deployments": True, "services": False})
    assert conflicts.retry_children("u", SPEC, ["services"], NOW) == 0
    assert conflicts.retry_children("u", SPEC, ["deployments", "services"], NOW) == PERIOD


def test_tokens_come_back_slowly(conflicts: WriteConflicts) -> None:
    exhaust(conflicts)
    assert conflicts.retry_children("u", SPEC, WRITTEN, NOW) == PERIOD
    assert conflicts.retry_children("u", SPEC, WRITTEN, NOW + PERIOD / 2) == PERIOD / 2
    assert conflicts.retry_children("u", SPEC, WRITTEN, NOW + PERIOD) == 0
    assert conflicts.retry_children("u", SPEC, WRITTEN, NOW + PERIOD) == PERIOD


def test_children_and_status_share_the_tokens(conflicts: WriteConflicts) -> None:
    exhaust(conflicts)
    conflicts.wrote_status(status(1))
    assert conflicts.retry_status(status(2), NOW) == PERIOD


def test_each_conflict_is_reported_once(conflicts: WriteConflicts) -> None:
    exhaust(conflicts)
    assert [conflicts.report() for _ in range(3)] == [True, False, False]
    later = NOW + BURST * PERIOD
    assert not conflicts.exhausted(later)
    exhaust(conflicts, later)
    assert conflicts.report()
