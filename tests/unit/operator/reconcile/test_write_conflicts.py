"""Somebody else undoes what is written: how often it is written again."""

from typing import Any

import pytest

from nginx_operator.api.types import NginxSpec
from nginx_operator.reconcile.write_conflicts import AT_ONCE, PERIOD, Contest
from tests.support.clock import Clock

KEY = ("shop", "web")

SPEC, OTHER = NginxSpec(count=1, image="a:1"), NginxSpec(count=2, image="a:1")
WRITTEN = {"deployments": True}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def contest(clock: Clock) -> Contest:
    return Contest(clock)


def status(count: int) -> dict[str, Any]:
    return {"count": count, "nodes": ["a"]}


def exhaust(contest: Contest) -> None:
    contest.wrote_children(KEY, "u", SPEC, WRITTEN)
    for _ in range(AT_ONCE):
        assert contest.children_undone(KEY, "u", SPEC, WRITTEN) == 0


def test_what_was_not_written_yet_is_not_undone(contest: Contest) -> None:
    assert contest.children_undone(KEY, "u", SPEC, WRITTEN) is None
    contest.wrote_children(KEY, "u", SPEC, WRITTEN)
    assert contest.children_undone(KEY, "u", OTHER, WRITTEN) is None  # another wish
    assert contest.children_undone(KEY, "v", SPEC, WRITTEN) is None  # another Nginx of this name
    assert contest.status_undone(KEY, status(1)) is None
    contest.wrote_status(KEY, status(1))
    assert contest.status_undone(KEY, status(1)) is None  # another one is due, and nobody touched ours


def test_what_was_refused_is_not_undone(contest: Contest) -> None:
    contest.wrote_children(KEY, "u", SPEC, WRITTEN)
    contest.wrote_children(KEY, "u", SPEC, {"deployments": False})
    assert contest.children_undone(KEY, "u", SPEC, WRITTEN) is None


def test_a_child_that_is_refused_excuses_no_other(contest: Contest) -> None:
    contest.wrote_children(KEY, "u", SPEC, {"deployments": True, "services": False})
    assert contest.children_undone(KEY, "u", SPEC, ["services"]) is None
    assert contest.children_undone(KEY, "u", SPEC, ["deployments", "services"]) == 0


def test_a_budget_that_is_spent_grows_slowly(contest: Contest, clock: Clock) -> None:
    exhaust(contest)
    assert contest.children_undone(KEY, "u", SPEC, WRITTEN) == PERIOD
    clock.now += PERIOD / 2
    assert contest.children_undone(KEY, "u", SPEC, WRITTEN) == PERIOD / 2
    clock.now += PERIOD / 2
    assert contest.children_undone(KEY, "u", SPEC, WRITTEN) == 0
    assert contest.children_undone(KEY, "u", SPEC, WRITTEN) == PERIOD


def test_children_and_status_spend_the_same_budget(contest: Contest) -> None:
    exhaust(contest)
    contest.wrote_status(KEY, status(1))
    assert contest.status_undone(KEY, status(2)) == PERIOD
    assert len(contest) == 1
    contest.forget(KEY)
    assert len(contest) == 0


def test_each_contest_is_news_once(contest: Contest, clock: Clock) -> None:
    exhaust(contest)
    assert [contest.is_news(KEY) for _ in range(3)] == [True, False, False]
    clock.now += AT_ONCE * PERIOD
    assert len(contest) == 0
    exhaust(contest)
    assert contest.is_news(KEY)
