"""An API server with one CustomResourceDefinition and its Nginx: real HTTP on loopback, pages, one watch, conflicts."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from nginx_operator.api import names
from nginx_operator.kube.resources import DEFINITIONS
from tests.support.apiserver.conversation import Answer, failure
from tests.support.loopback import Loopback

_PATH = DEFINITIONS.path(None, names.CRD)


class Definitions(Loopback):
    """The definition, and in which version each Nginx is stored. Use as an async context manager.

    Attributes:
        stored: name -> version; all in namespace "shop".
        writes: names of the Nginx that were written, in order.
        refuse: called with a name before each write; an answer is given instead of it.
        managed: name -> metadata.managedFields.
        page: how many Nginx a page holds.
    """

    def __init__(self, *versions: str, storage: str, may_be: list[str]) -> None:
        super().__init__()
        self.stored: dict[str, str] = {}
        self.writes: list[str] = []
        self.refuse: Callable[[str], Answer | None] = lambda _: None
        self.managed: dict[str, list[dict[str, Any]]] = {}
        self.page = 2
        self._version = 1
        self._changed = asyncio.Condition()
        self._definition = {
            "metadata": {"name": names.CRD, "uid": "crd", "resourceVersion": "1"},
            "spec": {"versions": [{"name": name, "served": True, "storage": name == storage} for name in versions]},
            "status": {"storedVersions": may_be},
        }

    @property
    def may_be(self) -> list[str]:
        """status.storedVersions."""
        return list(self._definition["status"]["storedVersions"])

    async def store_as(self, storage: str) -> None:
        """What `helm upgrade` does when the storage version changes, and the API server about it."""
        versions = [{**version, "storage": version["name"] == storage} for version in self._versions()]
        await self._change(spec={"versions": versions}, status={"storedVersions": sorted({*self.may_be, storage})})

    async def un_serve(self, name: str) -> None:
        """The next step of the ladder."""
        versions = [{**version, "served": version["name"] != name} for version in self._versions()]
        await self._change(spec={"versions": versions})

    async def told(self, condition: Callable[[], bool]) -> None:
        """Waits until something is so; looked at after each write."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(condition)

    def _versions(self) -> list[dict[str, Any]]:
        return list(self._definition["spec"]["versions"])

    async def _change(self, **parts: Any) -> None:
        async with self._changed:
            self._version += 1
            meta = {**self._definition["metadata"], "resourceVersion": str(self._version)}
            self._definition = {**self._definition, **parts, "metadata": meta}
            self._changed.notify_all()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._watch(request)
        body = json.loads(await request.read() or b"{}")
        if request.method == "GET":
            status, answer = self._list(request)
        elif request.path == f"{_PATH}/status":
            status, answer = await self._say(body)
        else:
            status, answer = await self._write(request.path.split("/")[7], body)
        return web.json_response(answer, status=status)

    def _list(self, request: web.BaseRequest) -> Answer:
        if request.path == DEFINITIONS.path():
            assert request.query["fieldSelector"] == f"metadata.name={names.CRD}"
            return 200, {"metadata": {"resourceVersion": str(self._version)}, "items": [self._definition]}
        assert "PartialObjectMetadataList" in request.headers["Accept"]
        start = int(request.query.get("continue", "0"))
        rest = list(self.stored)[start:]
        token = str(start + self.page) if len(rest) > self.page else ""
        items = [
            {"metadata": {"name": name, "namespace": "shop", "managedFields": self.managed.get(name, [])}}
            for name in rest[: self.page]
        ]
        return 200, {"metadata": {"continue": token}, "items": items}

    async def _write(self, name: str, body: Any) -> Answer:
        if (refusal := self.refuse(name)) is not None:
            return refusal
        if name not in self.stored:
            return failure(404, "NotFound")
        async with self._changed:
            self.writes.append(name)
            for operation in body or ():  # a JSON patch; a merge patch here is an empty one
                if operation["path"] == "/metadata/managedFields":
                    self.managed[name] = operation["value"]
            self.stored[name] = next(version["name"] for version in self._versions() if version["storage"])
            self._changed.notify_all()
        return 200, {}

    async def _say(self, body: dict[str, Any]) -> Answer:
        if body["metadata"] != {"uid": "crd", "resourceVersion": str(self._version)}:
            return failure(409, "Conflict")
        await self._change(status=body["status"])
        return 200, self._definition

    async def _watch(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        told = int(request.query["resourceVersion"])
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda told=told: self._version > told)
            told = self._version
            await response.write(json.dumps({"type": "MODIFIED", "object": self._definition}).encode() + b"\n")
