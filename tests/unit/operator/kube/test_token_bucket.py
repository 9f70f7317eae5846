"""Something is done over again: how often."""

from nginx_operator.kube.token_bucket import TokenBucket


def test_it_is_spent_and_grows_again() -> None:
    budget: TokenBucket[str] = TokenBucket(at_once=2, period=10.0)
    assert [budget.spend("a", 0.0) for _ in range(3)] == [0, 0, 10]
    assert budget.spend("a", 4.0) == 6
    assert budget.spend("a", 10.0) == 0
    assert budget.left("a", 100.0) == 2


def test_each_key_has_its_own() -> None:
    budget: TokenBucket[str] = TokenBucket(at_once=1, period=10.0)
    budget.spend("a", 0.0)
    budget.spend("b", 5.0)
    assert [budget.spent(now) for now in (5.0, 10.0, 15.0)] == [2, 1, 0]
    budget.forget("a")
    assert budget.spend("a", 5.0) == 0


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    budget: TokenBucket[str] = TokenBucket(at_once=2, period=10.0)
    budget.spend("a", 1000.0)
    assert budget.spend("a", 0.0) == 0
    assert budget.spend("a", 0.0) == 10
