"""Sends requests at a steady rate, judges each answer, and compares the stored objects with the answers at the end."""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import NGINXES
from testbed.access import Access
from tests.support.load.judge import DEFAULT_COUNT, Outcome, Request, Tally, Verdict, judge, requests

#: Requests a second.
RATE: Final = 50.0


class Load:
    """The requests of one run, to the Nginx of one namespace.

    An Nginx has at most one request under way, so that none is refused for a conflict with another.

    Args:
        client: asks.
        namespace: of the Nginx.
        rate: requests a second.
        at_once: requests under way at most, so that a machine that stands still is not asked for ever more; what is
            missed meanwhile is not made up for.
    """

    def __init__(self, client: Client, namespace: str, rate: float = RATE, at_once: int = 100_000) -> None:
        self._client = client
        self._namespace = namespace
        self._rate = rate
        self._places = asyncio.Semaphore(at_once)
        self._outcomes: list[Outcome] = []
        self._idle: deque[str] = deque()
        #: The counts that each Nginx may have by what was answered: one, or more where there was no answer.
        self._may: dict[str, set[int | None]] = {}
        self._wrong: set[str] = set()
        self._ending = False
        self._answered = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sends requests until the end of the block, then waits for the last answers."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._ending = True
            await task

    async def answered(self, number: int) -> None:
        """Waits for `number` more right answers."""
        goal = self._right() + number
        async with self._answered:
            await self._answered.wait_for(lambda: self._right() >= goal)

    async def tally(self) -> Tally:
        """The outcomes, and the stored objects that contradict them."""
        stray = []
        page = json.loads(await self._client.list(NGINXES, self._namespace))
        stored = {item["metadata"]["name"]: item["spec"].get("count") for item in page["items"]}
        for name in self._wrong:
            stored.pop(name, None)
        for name, may in self._may.items():
            count = stored.pop(name, None)
            if count not in may:
                stray.append(f"{name} has the count {count}, and by the answers {sorted(map(str, may))}")
        stray += [f"{name} is stored with the count {count}, and no answer says so" for name, count in stored.items()]
        return Tally(tuple(self._outcomes), tuple(stray))

    def _right(self) -> int:
        return sum(outcome.verdict is Verdict.RIGHT for outcome in self._outcomes)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with asyncio.TaskGroup() as group:
            for number, request in enumerate(requests()):
                if self._ending:
                    return
                full = self._places.locked()
                await self._places.acquire()
                due = loop.time() if full else due
                group.create_task(self._one(request, f"load-{number}"))
                due += 1 / self._rate
                await asyncio.sleep(due - loop.time())  # the pace; 0 and less where the machine stood still

    async def _one(self, request: Request, new: str) -> None:
        name = self._idle.popleft() if request.verb != "create" and self._idle else new
        if name == new:
            request = Request("create", DEFAULT_COUNT if request.valid else request.count)
        began = time.monotonic()
        answer = await self._ask(request, name)
        self._places.release()
        verdict, text = judge(request, answer)
        self._note(request, name, verdict)
        outcome = Outcome(request, verdict, began, time.monotonic() - began, text)
        async with self._answered:
            self._outcomes.append(outcome)
            self._answered.notify_all()

    async def _ask(self, request: Request, name: str) -> dict[str, Any] | ApiError:
        try:
            if request.verb == "create":
                body = request.body | {"metadata": {"name": name, "namespace": self._namespace}}
                answer = await self._client.create(NGINXES, self._namespace, body)
            else:
                subresource = "scale" if request.verb == "scale" else ""
                answer = await self._client.merge(NGINXES, self._namespace, name, request.body, subresource)
        except ApiError as error:
            return error
        found: dict[str, Any] = json.loads(answer)
        return found

    def _note(self, request: Request, name: str, verdict: Verdict) -> None:
        """What may be stored now."""
        before = self._may.get(name, {None})
        if verdict is Verdict.WRONG:  # counted already
            self._may.pop(name, None)
            self._wrong.add(name)
            return
        asked: set[int | None] = {request.count} if request.valid else set()
        # Without a right answer nobody knows whether it was stored; but never more than policy allows.
        now = asked if verdict is Verdict.RIGHT and request.valid else before | asked
        if now != {None}:
            self._may[name] = now
        if None not in now:
            self._idle.append(name)


def connected(config: Access) -> Client:
    """A client of a bed's API server, not open yet."""
    connection = ClientConfig(server=config.server, ca_file=str(config.ca), token=lambda: config.token)
    return Client(connection, user_agent="admission-load")
