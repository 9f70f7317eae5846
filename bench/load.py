"""What users do, and what they see: Nginx are created and changed, and a watch tells when each is as asked."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from nginx_operator.api import names
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import NGINXES

Key = tuple[str, str]
#: Requests under way at once.
WIDTH: Final = 16


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    generation: int = 0
    resource_version: str = ""


class _Status(msgspec.Struct, rename="camel"):
    nodes: list[str] = []
    ready_count: int = 0
    observed_generation: int = 0


class _Nginx(msgspec.Struct):
    metadata: _Metadata
    status: _Status = msgspec.field(default_factory=_Status)


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class Load:
    """The Nginx of one trial, and one measurement at a time."""

    def __init__(self, client: Client, *, services: bool = True) -> None:
        self._client = client
        self._services = services
        self._news = asyncio.Event()
        self._arrived: dict[Key, float] = {}
        self._asked: frozenset[Key] = frozenset()
        self._complete: Callable[[_Nginx], bool] = lambda _: False

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch until the end of the block."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        version = ""
        while True:
            try:
                params = {"resourceVersion": version} if version else {}
                async for line in self._client.watch(NGINXES, None, params):
                    event = msgspec.json.decode(line, type=_Event)
                    found = msgspec.json.decode(event.object, type=_Nginx)
                    version = found.metadata.resource_version
                    if event.type in ("ADDED", "MODIFIED"):
                        self._observe(found)
            except ApiError:
                version = ""
            await asyncio.sleep(0.1)

    def _observe(self, found: _Nginx) -> None:
        key = (found.metadata.namespace, found.metadata.name)
        if key in self._asked and key not in self._arrived and self._complete(found):
            self._arrived[key] = time.monotonic()
            self._news.set()

    async def create(self, keys: Iterable[Key], count: int) -> dict[Key, float]:
        """Create Nginx. Seconds that each took from the answer to its creation until it was as asked."""
        body = {"apiVersion": names.API_VERSION, "kind": names.KIND, "spec": spec(count, services=self._services)}

        async def one(key: Key) -> None:
            metadata = {"namespace": key[0], "name": key[1]}
            await self._client.request("POST", NGINXES.path(key[0]), {**body, "metadata": metadata})

        return await self._measure(keys, count, one)

    async def scale(self, keys: Iterable[Key], count: int) -> dict[Key, float]:
        """Change spec.count. Seconds that each took from the answer to the change until it was as asked."""
        return await self.patch(keys, {"count": count}, count)

    async def patch(self, keys: Iterable[Key], changes: Mapping[str, Any], count: int) -> dict[Key, float]:
        """Change specs, by a merge patch. Seconds that each took until it was as asked, with so many pods."""

        async def one(key: Key) -> None:
            await self._client.merge(NGINXES, *key, {"spec": changes})

        return await self._measure(keys, count, one)

    async def _measure(self, keys: Iterable[Key], count: int, act: Callable[[Key], Any]) -> dict[Key, float]:
        wanted = list(keys)
        self._asked, self._arrived = frozenset(wanted), {}
        self._complete = lambda nginx: (
            len(nginx.status.nodes) == nginx.status.ready_count == count
            and nginx.status.observed_generation == nginx.metadata.generation
        )
        asked: dict[Key, float] = {}
        slots = asyncio.Semaphore(WIDTH)

        async def one(key: Key) -> None:
            async with slots:
                await act(key)
                asked[key] = time.monotonic()

        async with asyncio.TaskGroup() as tasks:
            for key in wanted:
                tasks.create_task(one(key))
        while len(self._arrived) < len(wanted):
            self._news.clear()
            await self._news.wait()
        return {key: max(self._arrived[key] - asked[key], 0.0) for key in wanted}

    @property
    def arrived(self) -> int:
        """How many are as asked so far."""
        return len(self._arrived)


def spec(count: int, *, services: bool) -> dict[str, Any]:
    """The spec of each, in full, because no webhooks run here."""
    return {
        "count": count,
        "image": "docker.io/nginxinc/nginx-unprivileged:1.30-alpine",
        "imagePullPolicy": "IfNotPresent",
        "containerPort": 8080,
        "service": {"enabled": services, "port": 80, "type": "ClusterIP"},
    }
