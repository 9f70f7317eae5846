"""The workqueue's promises: no key twice at a time, no change missed, failures wait longer and longer."""

import asyncio

import pytest

from nginx_operator.runtime.workqueue import LONGEST_DELAY, Workqueue


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
    queue.add("late", 3600)
    queue.add("late", 0.01)
    queue.add("now")
    assert [await queue.get(), await queue.get()] == ["now", "late"]
    queue.close()


async def test_a_later_delay_does_not_put_off_an_earlier() -> None:
    queue: Workqueue[str] = Workqueue()
    queue.add("a", 0.01)
    queue.add("a", 3600)
    assert await asyncio.wait_for(queue.get(), 10) == "a"
    queue.close()


async def test_failures_back_off_and_success_ends_it() -> None:
    queue: Workqueue[str] = Workqueue()
    delays = [queue.retry("a") for _ in range(30)]
    assert delays[:3] == [0.1, 0.2, 0.4]
    assert delays[-1] == LONGEST_DELAY
    assert queue.retry("b", at_least=7) == 7
    queue.forget("a")
    assert queue.retry("a") == 0.1
    queue.close()


@pytest.mark.parametrize("delay", [0.0, 0.01], ids=["at once", "by a timer"])
async def test_news_do_not_shorten_what_the_server_asked_for(delay: float) -> None:
    queue: Workqueue[str] = Workqueue()
    queue.add("asked")
    key = await queue.get()
    queue.add("asked", delay)  # while in work
    queue.add("other", 0.02)
    queue.retry("asked", at_least=3600)
    queue.done(key)
    assert await queue.get() == "other"
    queue.done("other")
    queue.add("asked")
    queue.add("asked", 0.01)
    queue.add("other", 0.02)
    assert await queue.get() == "other"
    assert len(queue) == 0
    queue.forget("asked")
    queue.add("asked")
    assert await queue.get() == "asked"
    queue.close()


async def test_news_shorten_a_backoff() -> None:
    queue: Workqueue[str] = Workqueue()
    for _ in range(20):
        queue.retry("a")
    queue.add("a")
    assert await queue.get() == "a"
    queue.close()
