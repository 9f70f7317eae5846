"""Something is done over again: how often."""

from nginx_operator.kube.token_bucket import TokenBucket


def test_it_is_emptied_and_fills_again() -> None:
    bucket = TokenBucket(burst=2, period=10.0)
    assert [bucket.take(0.0) for _ in range(3)] == [0, 0, 10]
    assert bucket.take(4.0) == 6
    assert bucket.take(10.0) == 0
    assert bucket.tokens(100.0) == 2


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    bucket = TokenBucket(burst=2, period=10.0)
    bucket.take(1000.0)
    assert bucket.take(0.0) == 0
    assert bucket.take(0.0) == 10
