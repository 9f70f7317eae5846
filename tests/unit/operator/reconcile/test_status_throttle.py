"""How the status writes of one rollout are spread."""

import pytest

from nginx_operator.reconcile.status_throttle import COALESCING, CROWD, FIRST, LONGEST, StatusThrottle

NOW = 100.0


@pytest.fixture
def throttle() -> StatusThrottle:
    return StatusThrottle()


def test_a_change_waits_a_moment_for_what_follows_it(throttle: StatusThrottle) -> None:
    assert throttle.delay(NOW, 0) == COALESCING
    assert throttle.delay(NOW + COALESCING / 2, 0) == COALESCING / 2  # another change does not put it off
    assert throttle.delay(NOW + COALESCING, 0) == 0


def test_a_change_after_a_write_waits_anew(throttle: StatusThrottle) -> None:
    throttle.delay(NOW, 0)
    throttle.wrote(NOW, 0)
    assert throttle.delay(NOW + FIRST, 0) == COALESCING


def test_delays_grow_to_a_bound_as_long_as_there_are_changes(throttle: StatusThrottle) -> None:
    delays, now = [], NOW
    for _ in range(5):
        throttle.wrote(now, 0)
        delays.append(throttle.delay(now, 0))
        now += delays[-1]
    assert delays == [FIRST, 4.0, LONGEST, LONGEST, LONGEST]
    assert throttle.delay(now, 0) == 0


@pytest.mark.parametrize(("pending", "times"), [(CROWD, 2), (10 * CROWD, 6)])
def test_a_crowd_makes_delays_longer(throttle: StatusThrottle, pending: int, times: int) -> None:
    throttle.wrote(NOW, pending)
    assert throttle.delay(NOW, pending) == times * FIRST


def test_after_a_pause_delays_begin_anew(throttle: StatusThrottle) -> None:
    throttle.wrote(NOW, 0)
    throttle.wrote(NOW, 0)
    throttle.wrote(NOW + 60, 0)
    assert throttle.delay(NOW + 60, 0) == FIRST
