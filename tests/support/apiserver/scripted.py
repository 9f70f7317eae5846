"""A server that answers what a test tells it to: real HTTP on loopback, lists, and watches that stay open."""

import asyncio
import json
from collections import deque
from types import TracebackType
from typing import Any, NamedTuple

from aiohttp import web

from tests.support.loopback import Loopback

Object = dict[str, Any]


class Retry(NamedTuple):
    """A failure with a Retry-After."""

    code: int
    after: str


class ScriptedServer(Loopback):
    """Each list, and each watch, gets the next answer in its queue; a watch without one stays open and silent.

    Attributes:
        lists: bodies, or HTTP codes of failures.
        watches: lists of events, each a (type, object); after them the last watch stays open, others end.
        queries: the query of each request, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lists: deque[Object | int | Retry] = deque()
        self.watches: deque[list[tuple[str, Object]] | int] = deque()
        self.queries: list[dict[str, str]] = []
        self._ended = asyncio.Event()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        await super().__aexit__(kind, error, trace)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        if request.query.get("watch") == "true":
            return await self._watch(request)
        answer = self.lists.popleft() if self.lists else {}
        if isinstance(answer, Retry):
            return _failure(answer.code, {"Retry-After": answer.after})
        return _failure(answer) if isinstance(answer, int) else web.json_response(answer)

    async def _watch(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = self.watches.popleft() if self.watches else []
        if isinstance(answer, int):
            return _failure(answer)
        response = web.StreamResponse()
        await response.prepare(request)
        for kind, body in answer:
            await response.write(json.dumps({"type": kind, "object": body}).encode() + b"\n")
        if not self.watches:
            await self._ended.wait()
        return response


def _failure(code: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": f"code {code}"}, status=code, headers=headers)
