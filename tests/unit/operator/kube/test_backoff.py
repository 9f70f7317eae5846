"""Delays between failures: longer each time, up to a bound."""

from nginx_operator.kube.backoff import Backoff


def test_delays_double_up_to_the_longest_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(1.0, 5.0)
    assert [backoff.step() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.step() == 1


def test_a_retry_after_is_the_least_delay() -> None:
    backoff = Backoff(1.0, 60.0)
    assert [backoff.step(7.0), backoff.step(1.0)] == [7, 2]


def test_jitter_spreads_the_delays_and_keeps_what_was_asked_for() -> None:
    delays = {Backoff(1.0, 60.0, jitter=0.2).step() for _ in range(100)}
    assert len(delays) > 1
    assert 0.8 <= min(delays) <= max(delays) <= 1.2
    assert Backoff(1.0, 60.0, jitter=0.2).step(9.0) == 9
