"""The workqueue's promises: no key twice at a time, no change missed, failures wait longer and longer."""

import asyncio

import pytest

from nginx_operator.runtime.workqueue import LONGEST_DELAY, Workqueue, coalescing_delay


async def test_a_key_waits_once() -> None:
    queue: Workqueue[str] = Workqueue()
    for _ in range(3):
        queue.add("a")
    assert len(queue) == 1
    assert await queue.get() == "a"


async def test_a_key_added_while_in_work_comes_back_when_done() -> None:
    queue: Workqueue[str] = Workqueue()
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done(key)
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_the_earliest_delay_holds() -> None:
    queue: Workqueue[str] = Workqueue()
    queue.add_after("late", 3600)
    queue.add_after("late", 0.01)
    queue.add("now")
    assert [await queue.get(), await queue.get()] == ["now", "late"]
    queue.close()


async def test_a_later_delay_does_not_put_off_an_earlier() -> None:
    queue: Workqueue[str] = Workqueue()
    queue.add_after("a", 0.01)
    queue.add_after("a", 3600)
    assert await asyncio.wait_for(queue.get(), 10) == "a"
    queue.close()


async def test_an_alarm_is_not_pending_and_rings() -> None:
    queue: Workqueue[str] = Workqueue()
    queue.set_alarm("a", 3600)
    queue.set_alarm("a", 0.01)
    assert queue.pending == 0
    assert await asyncio.wait_for(queue.get(), 10) == "a"
    queue.close()


async def test_work_on_a_key_ends_its_alarm() -> None:
    queue: Workqueue[str] = Workqueue()
    queue.set_alarm("a", 0.01)
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a")
    queue.add_after("end", 0.02)
    assert await asyncio.wait_for(queue.get(), 10) == "end"
    queue.close()


async def test_failures_back_off_and_success_ends_it() -> None:
    queue: Workqueue[str] = Workqueue()
    delays = [queue.add_rate_limited("a") for _ in range(30)]
    assert delays[:3] == [0.1, 0.2, 0.4]
    assert delays[-1] == LONGEST_DELAY
    assert queue.add_rate_limited("b", at_least=7) == 7
    queue.forget("a")
    assert queue.add_rate_limited("a") == 0.1
    queue.close()


@pytest.mark.parametrize("delay", [0.0, 0.01], ids=["at once", "by a timer"])
async def test_news_do_not_shorten_what_the_server_asked_for(delay: float) -> None:
    queue: Workqueue[str] = Workqueue()
    queue.add("asked")
    key = await queue.get()
    queue.add_after("asked", delay)  # while in work
    queue.add_after("other", 0.02)
    queue.add_rate_limited("asked", at_least=3600)
    queue.done(key)
    assert await queue.get() == "other"
    queue.done("other")
    queue.add("asked")
    queue.add_after("asked", 0.01)
    queue.add_after("other", 0.02)
    assert await queue.get() == "other"
    assert len(queue) == 0
    queue.forget("asked")
    queue.add("asked")
    assert await queue.get() == "asked"
    queue.close()


async def test_news_shorten_a_backoff() -> None:
    queue: Workqueue[str] = Workqueue()
    for _ in range(20):
        queue.add_rate_limited("a")
    queue.add("a")
    assert await queue.get() == "a"
    queue.close()


async def test_a_coalesced_key_waits_for_what_follows_and_not_longer_for_it() -> None:
    queue: Workqueue[str] = Workqueue()
    queue.add_coalesced("a")
    queue.add_coalesced("a")
    assert (len(queue), queue.pending) == (0, 1)
    assert await asyncio.wait_for(queue.get(), 10) == "a"
    assert queue.pending == 0
    queue.close()


def test_the_more_keys_are_pending_the_longer_changes_are_coalesced() -> None:
    delays = [coalescing_delay(pending) for pending in (0, 1, 10, 1000)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.02, 0.5)
