"""A small API server: real HTTP on loopback, resourceVersions with conflicts, server-side apply, watches.

It holds objects of any kind by URL. A test changes them with `put`, `delete`, `wipe`, and makes rules with `forbid`.
"""

import asyncio
import base64
import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from nginx_operator.kube.client import APPLY, MERGE
from tests.support.loopback import Loopback

Object = dict[str, Any]


class ApiServer(Loopback):
    """Objects under /api and /apis."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, Object] = {}
        self.requests: list[tuple[str, str]] = []
        self.version = 100
        self.oldest_version = 0
        self._applied: dict[tuple[str, str], Object] = {}
        self._history: list[tuple[int, str, str, Object]] = []
        self._forbidden: set[tuple[str, str]] = set()
        self._overtaken = ""
        #: What an admission plugin makes of an object that a merge patch would store.
        self.altered: Callable[[Object], Object] = lambda body: body
        self._news = asyncio.Event()

    # --- what a test does ---

    def put(self, path: str, body: Object) -> Object:
        """Creates or replaces the object at a path; all that others have applied is gone, as with `replace --force`."""
        self._applied = {key: value for key, value in self._applied.items() if key[0] != path}
        return self._store(path, copy.deepcopy(body))

    def delete(self, path: str) -> None:
        found = self.objects.pop(path)
        self.version += 1
        self._record("DELETED", path, found)

    def forbid(self, verb: str, plural: str) -> None:
        self._forbidden.add((verb, plural))

    def allow(self, verb: str, plural: str) -> None:
        self._forbidden.discard((verb, plural))

    def compact(self) -> None:
        """Forgets the history: watches from an older version get 410, running ones an ERROR event."""
        self.oldest_version = self.version
        self._announce()

    def writes(self, plural: str) -> int:
        return sum(1 for verb, path in self.requests if verb == "patch" and f"/{plural}/" in path)

    def data(self, path: str) -> dict[str, bytes]:
        """A Secret's data, decoded."""
        return {key: base64.b64decode(value) for key, value in (self.objects[path].get("data") or {}).items()}

    @contextmanager
    def overtaking(self, path: str) -> Iterator[None]:
        """Touches the object just before each write to it inside the block, as a faster writer does."""
        self._overtaken = path
        try:
            yield
        finally:
            self._overtaken = ""

    # --- what it answers ---

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, query = request.path, request.query
        collection = path not in self.objects and request.method != "PATCH" and "fieldSelector" in query
        verb = {"PATCH": "patch"}.get(request.method, "get")
        if collection:
            verb = "watch" if query.get("watch") == "true" else "list"
        self.requests.append((verb, path))
        plural = path.split("/")[-1 if collection else -2]
        if (verb, plural) in self._forbidden:
            return _status(403, "Forbidden", f'{plural} is forbidden: User "test" cannot {verb} resource "{plural}"')
        match verb:
            case "list":
                name = query["fieldSelector"].removeprefix("metadata.name=")
                items = [found for key, found in self.objects.items() if key == f"{path}/{name}"]
                return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": items})
            case "watch":
                return await self._watch(request, f"{path}/{query['fieldSelector'].removeprefix('metadata.name=')}")
            case "patch":
                return await self._patch(request)
        found = self.objects.get(path)
        return web.json_response(found) if found else _status(404, "NotFound", f"{path} not found")

    async def _watch(self, request: web.BaseRequest, wanted: str) -> web.StreamResponse:
        position = int(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            news = self._news
            if position < self.oldest_version:
                gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
                await response.write(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
                return response
            for version, kind, path, found in list(self._history):
                if version > position and path == wanted:
                    await response.write(json.dumps({"type": kind, "object": found}).encode() + b"\n")
                    position = version
            await news.wait()

    async def _patch(self, request: web.BaseRequest) -> web.Response:
        path, manager = request.path, request.query.get("fieldManager", "")
        kind = request.headers["Content-Type"]
        if kind not in (APPLY, MERGE) or not manager:
            return _status(415, "UnsupportedMediaType", "only apply and merge are supported")
        body = json.loads(await request.read())
        if path == self._overtaken:
            self._store(path, self.objects[path])
        live = self.objects.get(path)
        version = body["metadata"].pop("resourceVersion", None)
        if live is None and (version is not None or kind == MERGE):
            return _status(404, "NotFound", f"{path} not found")
        if live is not None and version not in (None, live["metadata"]["resourceVersion"]):
            return _status(
                409, "Conflict", "the object has been modified; please apply your changes to the latest version"
            )
        if kind == MERGE:
            wanted = self.altered(_merged(live, body))
        else:
            wanted = _merge(_without(live or {}, self._applied.get((path, manager), {}), body), body)
            self._applied[path, manager] = body
        return web.json_response(live if wanted == live else self._store(path, wanted))

    def _store(self, path: str, body: Object) -> Object:
        self.version += 1
        kind = "MODIFIED" if path in self.objects else "ADDED"
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}
        self.objects[path] = body
        self._record(kind, path, body)
        return body

    def _record(self, kind: str, path: str, body: Object) -> None:
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}
        self._history.append((self.version, kind, path, body))
        self._announce()

    def _announce(self) -> None:
        """Wakes every watch; each waits for the next event object afterwards."""
        self._news, news = asyncio.Event(), self._news
        news.set()


def _merged(live: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386): null takes a key away."""
    if not isinstance(patch, dict):
        return patch
    kept = live if isinstance(live, dict) else {}
    changed = {key: _merged(kept.get(key), value) for key, value in patch.items() if value is not None}
    return {key: value for key, value in kept.items() if key not in patch} | changed


def _merge(live: Any, applied: Any) -> Any:
    """Server-side apply of what is owned: mappings by key, lists of named entries by name, all else as a whole."""
    if isinstance(live, dict) and isinstance(applied, dict):
        return {**live, **{key: _merge(live.get(key), value) for key, value in applied.items()}}
    if _named(live) and _named(applied):
        entries = {entry["name"]: entry for entry in live}
        for entry in applied:
            entries[entry["name"]] = _merge(entries.get(entry["name"], {}), entry)
        return list(entries.values())
    return applied


def _without(live: Any, before: Any, now: Any) -> Any:
    """`live` without what the same manager applied before and does not apply now."""
    if not (isinstance(live, dict) and isinstance(before, dict) and isinstance(now, dict)):
        return live
    kept = {key: value for key, value in live.items() if key in now or key not in before}
    return {key: _without(value, before.get(key), now.get(key)) for key, value in kept.items()}


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) and "name" in entry for entry in value)


def _status(code: int, reason: str, message: str) -> web.Response:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return web.json_response(body, status=code)
