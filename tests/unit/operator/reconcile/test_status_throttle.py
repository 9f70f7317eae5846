"""How the writes of one rollout are spread."""

import pytest

from nginx_operator.reconcile.status_throttle import CROWD, FIRST, LONGEST, MOMENT, Pace
from tests.support.clock import Clock

KEY = ("shop", "web")


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Crowd:
    size = 0


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


@pytest.fixture
def pace(clock: Clock, crowd: Crowd) -> Pace:
    return Pace(clock, lambda: crowd.size)


def test_news_waits_a_moment_for_what_follows_it(pace: Pace, clock: Clock) -> None:
    assert pace.left(KEY) == MOMENT
    clock.now += MOMENT / 2
    assert pace.left(KEY) == MOMENT / 2  # more news does not put it off
    clock.now += MOMENT / 2
    assert pace.left(KEY) == 0


def test_news_after_a_write_waits_anew(pace: Pace, clock: Clock) -> None:
    pace.left(KEY)
    pace.wait(KEY)
    clock.now += FIRST
    assert pace.left(KEY) == MOMENT


def test_waits_grow_to_a_bound_as_long_as_there_is_news(pace: Pace, clock: Clock) -> None:
    waits = []
    for _ in range(5):
        pace.wait(KEY)
        waits.append(pace.left(KEY))
        clock.now += waits[-1]
    assert waits == [FIRST, 4.0, LONGEST, LONGEST, LONGEST]
    assert pace.left(KEY) == 0


@pytest.mark.parametrize(("size", "times"), [(CROWD, 2), (10 * CROWD, 6)])
def test_a_crowd_makes_waits_longer(pace: Pace, crowd: Crowd, size: int, times: int) -> None:
    crowd.size = size
    pace.wait(KEY)
    assert pace.left(KEY) == times * FIRST


def test_a_pause_starts_anew(pace: Pace, clock: Clock) -> None:
    pace.wait(KEY)
    pace.wait(KEY)
    clock.now += 60
    pace.wait(KEY)
    assert pace.left(KEY) == FIRST


def test_what_is_at_rest_is_forgotten(pace: Pace) -> None:
    pace.wait(KEY)
    pace.forget(KEY)
    assert pace.left(KEY) == MOMENT
