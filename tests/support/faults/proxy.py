"""A proxy between the operator and the API server that injects faults where a test wants them.

    operator --http--> Proxy --https--> kube-apiserver

It speaks HTTP/1.1 with the operator and passes its bearer token on, so RBAC and the audit log work as without it. A
fault is an answer that a real API server gives too, a lost answer, or a broken connection.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from aiohttp import web

from testbed import Bed
from testbed.api import trusting
from testbed.waiting import PATIENCE, until

_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
#: Headers that belong to one connection (RFC 9110, 7.6.1), or that the next client sets itself.
_HOP: Final = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        verb: as in RBAC and the audit log: get, list, watch, create, update, patch, delete.
        resource: plural, with the subresource where there is one: "nginxes/status".
        namespace, name: "" where the path names none.
        query: its parameters.
        body: as sent.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    query: dict[str, str]
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, method: str, path: str, query: Mapping[str, str], body: bytes) -> "Call":
        """Read a request line. Paths are /api/v1/... or /apis/GROUP/VERSION/..., then [namespaces/NS/]PLURAL..."""
        parts = path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        plural, name, sub = [*rest, "", "", ""][:3]
        if method == "GET":
            verb = "get" if name else "watch" if query.get("watch") == "true" else "list"
        else:
            verb = _VERBS[method]
        return cls(verb, f"{plural}/{sub}" if sub else plural, namespace, name, dict(query), body)

    @property
    def writes(self) -> bool:
        """Whether it writes, Leases and Events aside."""
        return self.verb in _VERBS.values() and self.resource not in ("leases", "events")


@dataclass
class Answer:
    """An answer of the API server, or of a fault in its place."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class BrokenError(Exception):
    """The connection breaks: the operator gets no answer, or no more of it."""


#: Passes a call on to the API server.
Forward = Callable[[], Awaitable[Answer]]
#: Answers a call, with or without passing it on.
Fault = Callable[[Call, Forward], Awaitable[Answer]]


@dataclass
class Rule:
    """A fault, and the calls that it applies to.

    Attributes:
        matches: which calls.
        fault: what happens to them.
        times: how many calls it still meets; None means all.
        met: how many it has met.
    """

    matches: Callable[[Call], bool]
    fault: Fault
    times: int | None = 1
    met: int = 0

    def meets(self, call: Call) -> bool:
        """Whether it applies to this call, which then counts as one of `times`."""
        if (self.times is not None and self.met >= self.times) or not self.matches(call):
            return False
        self.met += 1
        return True


def to(verb: str, resource: str) -> Callable[[Call], bool]:
    """Matches calls of a verb to a resource."""
    return lambda call: (call.verb, call.resource) == (verb, resource)


def refused(code: int, reason: str, message: str = "made by a test", *, retry_after: int | None = None) -> Fault:
    """Answers with a metav1.Status without passing the call on."""
    details = {"retryAfterSeconds": retry_after} if retry_after is not None else {}
    status = {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}

    async def fault(_call: Call, _forward: Forward) -> Answer:
        return Answer(code, json.dumps(status).encode(), {"Content-Type": "application/json", **headers})

    return fault


async def reset(_call: Call, _forward: Forward) -> Answer:
    """Breaks the connection before the API server hears of the call."""
    raise BrokenError


async def lost_answer(_call: Call, forward: Forward) -> Answer:
    """Passes the call on and breaks the connection before the answer."""
    await forward()
    raise BrokenError


@dataclass
class Watching:
    """The treatment of watches that begin from now on.

    Attributes:
        cut_after: end a watch after so many lines; None means never.
        broken: whether the connection breaks then, rather than ending in order.
        silent: pass no line on, as a dead connection would.
    """

    cut_after: int | None = None
    broken: bool = False
    silent: bool = False


@dataclass
class Write:
    """A write that was passed on, and the API server's status code."""

    call: Call
    status: int


class Proxy:
    """The proxy of one bed's API server. It runs in a thread of its own, so tests may block.

    Attributes:
        rules: the first that meets a call decides. It is replaced, never changed: tests call from threads.
        watching: by plural; "" stands for all others.
        calls: all calls, in the order of their arrival.
        open: calls that have no answer yet, watches aside.
        writes: all writes that reached the API server, in the order of its answers.
        url: where it listens.
    """

    def __init__(self) -> None:
        self.rules: tuple[Rule, ...] = ()
        self._changing = threading.Lock()
        self.watching: dict[str, Watching] = {"": Watching()}
        self.calls: list[Call] = []
        self.open: list[Call] = []
        self.writes: list[Write] = []
        self.url = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._upstream: aiohttp.ClientSession | None = None
        self._streams: set[asyncio.Task[Any]] = set()
        self._over = False

    @asynccontextmanager
    async def _serve(self, bed: Bed) -> AsyncIterator[None]:
        config = bed.administrator
        connector = aiohttp.TCPConnector(ssl=trusting(config.ca), limit=0)
        async with aiohttp.ClientSession(
            config.server, connector=connector, timeout=aiohttp.ClientTimeout(), auto_decompress=False
        ) as self._upstream:
            runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=5)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                yield
            finally:
                self._over = True
                self._cut()
                if self._streams:
                    await asyncio.wait(self._streams, timeout=PATIENCE)
                await runner.cleanup()

    @contextmanager
    def running(self, bed: Bed) -> Iterator[None]:
        """Listen on a port of 127.0.0.1 until the end of the block."""
        over = asyncio.Event()

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            async with self._serve(bed):
                await over.wait()

        thread = threading.Thread(target=asyncio.run, args=[run()], name="proxy")
        thread.start()
        try:
            until(lambda: self.url or not thread.is_alive(), seconds=PATIENCE, what="a listening proxy")
            assert thread.is_alive()
            yield
        finally:
            if thread.is_alive():
                self.call_soon(over.set)
            thread.join()

    def add(self, matches: Callable[[Call], bool], fault: Fault, times: int | None = 1) -> Rule:
        """Add a rule, and return it."""
        rule = Rule(matches, fault, times)
        with self._changing:
            self.rules = (*self.rules, rule)
        return rule

    def remove(self, rule: Rule) -> None:
        """Remove a rule; calls that it has met already are not affected."""
        with self._changing:
            self.rules = tuple(other for other in self.rules if other is not rule)

    def cut(self) -> None:
        """Break all watches that are under way."""
        self.call_soon(self._cut)

    def call_soon(self, what: Callable[[], object]) -> None:
        """Call something on the proxy's loop, where faults run."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    def _cut(self) -> None:
        for stream in self._streams:
            stream.cancel()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Call.of(request.method, request.path, request.query, await request.read())
        self.calls.append(call)

        async def forward() -> Answer:
            return await self._forward(request, call)

        rule = next((rule for rule in self.rules if rule.meets(call)), None)
        if rule is None and call.verb == "watch":
            return await self._stream(request, call)
        self.open.append(call)
        try:
            answer = await (rule.fault(call, forward) if rule else forward())
        except BrokenError:
            return _break(request)
        finally:
            self.open.remove(call)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def _forward(self, request: web.BaseRequest, call: Call) -> Answer:
        async with self._open(request, call) as response:
            if call.verb == "watch" and response.status == 200:
                _abort(response)  # there is no end of it to wait for
                return Answer(response.status, b"", _kept(response.headers))
            body = await response.read()
            if call.verb in _VERBS.values():
                self.writes.append(Write(call, response.status))
            return Answer(response.status, body, _kept(response.headers))

    async def _stream(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        try:
            async with self._open(request, call) as response:
                self._streams.add(task)  # not before: to cancel it while it opens would leave a transport behind
                if response.status != 200:
                    return web.Response(status=response.status, body=await response.read())
                try:
                    if self._over:
                        raise BrokenError
                    return await self._pass_lines(
                        request, response, self.watching.get(call.resource, self.watching[""])
                    )
                finally:
                    _abort(response)
        except (asyncio.CancelledError, BrokenError, ConnectionResetError):  # the last: the operator was killed
            return _break(request)
        finally:
            self._streams.discard(task)

    async def _pass_lines(
        self, request: web.BaseRequest, response: aiohttp.ClientResponse, watching: Watching
    ) -> web.StreamResponse:
        down = web.StreamResponse(headers=_kept(response.headers))
        await down.prepare(request)
        lines = 0
        while watching.cut_after is None or lines < watching.cut_after:
            line = await response.content.readline()
            if not line:
                break
            if not watching.silent:
                await down.write(line)
            lines += 1
        if watching.broken:
            raise BrokenError
        await down.write_eof()
        return down

    def _open(self, request: web.BaseRequest, call: Call) -> Any:
        assert self._upstream is not None
        return self._upstream.request(
            request.method,
            request.path,
            params=call.query,
            data=call.body or None,
            headers=_kept(request.headers),
        )


def _abort(response: aiohttp.ClientResponse) -> None:
    """Ends the connection to the API server at once: in order, TLS would wait for it, and this loop may end sooner."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()


def _break(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the operator's connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP}
