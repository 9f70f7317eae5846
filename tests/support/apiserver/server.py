"""The API server of unit tests: HTTP on loopback in front of a store."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from nginx_operator.kube.client import APPLY, JSON_PATCH, MERGE, STRATEGIC_MERGE
from tests.support.apiserver import patches
from tests.support.apiserver.faults import Answer, Faults, Request
from tests.support.apiserver.listing import listed, metadata_of, partial
from tests.support.apiserver.request_info import RequestInfo
from tests.support.apiserver.selectors import selected
from tests.support.apiserver.status_errors import Object, StatusError, bad_request, unsupported
from tests.support.apiserver.store import Store
from tests.support.apiserver.watch import Watch

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class ApiServer:
    """An API server on a free port. Use as an async context manager.

    Attributes:
        url: its address, once it is entered.
        store: its objects; `objects`, `put`, `touch` and `delete` are the store's.
        faults: what requests meet before they reach the store.
        requests: those received, in order.
        watches: the open ones.
    """

    def __init__(self) -> None:
        self.url = ""
        self.store = Store()
        self.faults = Faults()
        self.requests: list[Request] = []
        self.watches: list[Watch] = []
        self.objects, self.put, self.touch, self.delete = (
            self.store.objects,
            self.store.put,
            self.store.touch,
            self.store.remove,
        )
        server = web.Server(self._handle, access_log=None, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for watch in self.watches:
            watch.end()
        await self._runner.cleanup()

    @property
    def calls(self) -> list[str]:
        """Each request as VERB PLURAL; an apply by force ends in "force"."""
        return [str(request) for request in self.requests]

    def sent(self, *verbs: str, plural: str = "") -> list[Request]:
        """The requests with one of these verbs, for one plural or for all."""
        return [found for found in self.requests if found.verb in verbs and plural in ("", found.info.plural)]

    def data(self, path: str) -> dict[str, bytes]:
        """A Secret's data, decoded."""
        return {key: base64.b64decode(value) for key, value in self.objects[path].get("data", {}).items()}

    def compact(self) -> None:
        """Drops the history: open watches end with an ERROR event, and later ones from before get 410."""
        self.store.compact()
        for watch in self.watches:
            watch.expire(0, self.store.oldest)

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        try:
            request = await _read(http)
            self.requests.append(request)
            answer = await self.faults.answer_to(request)
            if answer is None and request.verb == "watch":
                return await self._watch(http, request)
            answer = answer or self._answer(request)
        except StatusError as error:
            answer = Answer(error.code, error.body)
        if answer.code == 0 and http.transport is not None:
            http.transport.abort()
        headers = {"Content-Type": "application/json", **answer.headers}
        return web.Response(status=answer.code or 500, body=answer.data, headers=headers)

    def _answer(self, request: Request) -> Answer:
        info, query, body = request.info, request.query, request.body
        manager = query.get("fieldManager") or request.headers.get("User-Agent", "unknown").partition("/")[0]
        dry_run = query.get("dryRun") == "All"
        match request.verb:
            case "get":
                return Answer(200, self.store.get(info))
            case "list":
                found = listed(self.store, info, query)
                metadata_only = "as=PartialObjectMetadataList" in request.headers.get("Accept", "")
                return Answer(200, metadata_of(found) if metadata_only else found)
            case "create":
                return Answer(201, self.store.create(info, body, manager, dry_run=dry_run))
            case "update":
                return Answer(200, self.store.update(info, body, manager, dry_run=dry_run))
            case "delete":
                return Answer(200, self.store.delete(info, (body or {}).get("preconditions", {})))
        content_type = request.headers.get("Content-Type", "")
        if content_type == APPLY:
            code = 200 if info.path() in self.objects else 201
            force = query.get("force") == "true"
            return Answer(code, self.store.apply(info, body, manager, force=force, dry_run=dry_run))
        return Answer(200, self.store.patch(info, _change(info, content_type, body), manager, dry_run=dry_run))

    async def _watch(self, http: web.BaseRequest, request: Request) -> web.StreamResponse:
        version = int(request.query.get("resourceVersion") or self.store.version)
        metadata_only = "as=PartialObjectMetadata;" in request.headers.get("Accept", "")
        watch = Watch(request.info, selected(request.query), *([partial] if metadata_only else []))
        if version < self.store.oldest:
            watch.expire(version, self.store.oldest)
        for event in self.store.history:
            if event.version > version:
                watch.observe(event)
        self.watches.append(watch)
        self.store.listeners.append(watch.observe)
        response = web.StreamResponse()
        try:
            await response.prepare(http)
            async with asyncio.timeout(float(request.query.get("timeoutSeconds", 3600))):
                while (line := await watch.lines.get()) is not None:
                    await response.write(line)
        except TimeoutError:
            pass
        finally:
            self.watches.remove(watch)
            self.store.listeners.remove(watch.observe)
        return response


def _change(info: RequestInfo, content_type: str, body: Any) -> Callable[[Object], Object]:
    """The change that a patch makes to an object."""
    change = {MERGE: patches.merge, JSON_PATCH: patches.json_patch, STRATEGIC_MERGE: patches.strategic_merge}
    if info.custom:
        del change[STRATEGIC_MERGE]
    if content_type not in change:
        raise unsupported((*sorted(change), APPLY))
    return lambda live: change[content_type](live, body)


async def _read(http: web.BaseRequest) -> Request:
    info = RequestInfo.of(http.path)
    query: Mapping[str, str] = dict(http.query)
    verb = _VERBS.get(http.method, "get" if info.name or not info.api_version else "list")
    if verb == "list" and query.get("watch") == "true":
        verb = "watch"
    raw = await http.read()
    try:
        body = json.loads(raw) if raw else None
    except ValueError as error:
        raise bad_request(f"the body is no JSON: {error}") from error
    return Request(verb, http.method, http.path, info, query, http.headers, body)
