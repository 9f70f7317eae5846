"""A server that answers what a test tells it to: real HTTP on loopback, lists, and watches that stay open."""

import asyncio
import json
from collections import deque
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Object = dict[str, Any]


class ScriptedServer:
    """Each list, and each watch, gets the next answer in its queue; a watch without one stays open and silent.

    Attributes:
        lists: bodies, or HTTP codes of failures.
        watches: lists of events, each a (type, object); after the last the watch stays open if `hold`, else it ends.
        queries: the query of each request, in order.
    """

    def __init__(self) -> None:
        self.lists: deque[Object | int] = deque()
        self.watches: deque[list[tuple[str, Object]] | int] = deque()
        self.queries: list[dict[str, str]] = []
        self.url = ""
        self._ended = asyncio.Event()
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        watch = request.query.get("watch") == "true"
        queue = self.watches if watch else self.lists
        answer = queue.popleft() if queue else []
        if isinstance(answer, int):
            return web.json_response({"kind": "Status", "code": answer, "message": f"code {answer}"}, status=answer)
        if not watch:
            return web.json_response(answer)
        response = web.StreamResponse()
        await response.prepare(request)
        for kind, body in answer:  # type: ignore[misc]
            await response.write(json.dumps({"type": kind, "object": body}).encode() + b"\n")
        if not self.watches:
            await self._ended.wait()
        return response
