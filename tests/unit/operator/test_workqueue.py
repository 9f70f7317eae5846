"""The workqueue's promises: no key twice at a time, no change missed, failures wait longer and longer."""

import asyncio

from nginx_operator.workqueue import LONGEST_DELAY, Workqueue


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
