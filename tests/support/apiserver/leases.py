"""An API server of Leases: real HTTP on loopback, resourceVersions, conflicts."""

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.support.apiserver.conversation import failure
from tests.support.loopback import Loopback

LEASE = "/apis/coordination.k8s.io/v1/namespaces/operators/leases/nginx-operator"


class Leases(Loopback):
    """Leases by their path. Use as an async context manager.

    Attributes:
        stored: path -> Lease.
        broken: answer every request with 500.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, dict[str, Any]] = {}
        self.broken = False
        self._version = 0
        self._seen = asyncio.Semaphore(0)

    def take(self, holder: str, duration: int = 3600, renewed: str = "2026-01-01T00:00:00.000000Z") -> None:
        """Writes the Lease as another process would."""
        spec = {"holderIdentity": holder, "leaseDurationSeconds": duration, "renewTime": renewed}
        self._store(LEASE, {"metadata": {"name": "nginx-operator"}, "spec": spec})

    async def requests(self, count: int) -> None:
        """Waits for further requests."""
        while not self._seen.locked():
            await self._seen.acquire()
        for _ in range(count):
            await asyncio.wait_for(self._seen.acquire(), 30)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = json.loads(await request.read() or b"{}")
        code, answer = self._answer(request.method, request.path, body)
        self._seen.release()
        return web.json_response(answer, status=code)

    def _answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
        live = self.stored.get(path)
        if self.broken:
            return failure(500, "InternalError")
        if method == "POST":
            return failure(409, "AlreadyExists") if live else (201, self._store(path, body))
        if live is None:
            return failure(404, "NotFound")
        if method == "GET":
            return 200, live
        if body["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
            return failure(409, "Conflict")
        return 200, self._store(path, body)

    def _store(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        self.stored[path] = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self._version)}}
        return self.stored[path]
