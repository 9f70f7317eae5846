"""The least that a Python process can do: one apply a child, one status write, nothing kept right afterwards.

No cache of children, no drift repaired, no condition but Ready, no event. What is between this and nginx-operator is
the price of being an operator.
"""

import asyncio
from typing import Any

import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children import CHILDREN
from nginx_operator.children.configuration import FROM_IMAGE
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import load_config
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, PODS, SERVICES, Resource

Key = tuple[str, str]
#: Nginx that are written at once, as many as in nginx-operator.
WIDTH = 24
RESOURCES = {resource.plural: resource for resource in (DEPLOYMENTS, SERVICES)}


class Nginx(msgspec.Struct):
    """An Nginx as it comes by the watch."""

    metadata: ObjectMeta
    spec: dict[str, Any] = {}


class Condition(msgspec.Struct):
    """A pod's condition."""

    type: str
    status: str


class PodStatus(msgspec.Struct):
    """A pod's status."""

    conditions: list[Condition] = []


class Pod(msgspec.Struct):
    """A pod as it comes by the watch."""

    metadata: ObjectMeta
    status: PodStatus


class Event(msgspec.Struct):
    """A line of a watch."""

    type: str
    object: msgspec.Raw


class Floor:
    """All state: the Nginx, and the ready pods of each."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.nginxes: dict[Key, Nginx] = {}
        self.ready: dict[Key, set[str]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.slots = asyncio.Semaphore(WIDTH)

    async def watch_nginxes(self) -> None:
        """Applies the children of each Nginx that comes or changes its spec."""
        async for kind, raw in self.events(NGINXES, {}):
            nginx = msgspec.json.decode(raw, type=Nginx)
            key = nginx.metadata.key
            known = self.nginxes.get(key)
            if kind == "DELETED":
                self.nginxes.pop(key, None)
            elif known is None or known.metadata.generation != nginx.metadata.generation:
                self.nginxes[key] = nginx
                self.spawn(self.apply(nginx))

    async def watch_pods(self) -> None:
        """Writes the status of an Nginx when as many pods are ready as it wants."""
        async for kind, raw in self.events(PODS, {"labelSelector": names.CHILDREN_SELECTOR}):
            pod = msgspec.json.decode(raw, type=Pod)
            key = (pod.metadata.namespace, pod.metadata.labels[names.LABEL_INSTANCE])
            ready = self.ready.setdefault(key, set())
            gone = kind == "DELETED" or pod.metadata.deletion_timestamp is not None
            if not gone and any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions):
                ready.add(pod.metadata.name)
            else:
                ready.discard(pod.metadata.name)
            nginx = self.nginxes.get(key)
            if nginx is not None and len(ready) == nginx.spec["count"]:
                self.spawn(self.report(nginx, sorted(ready)))

    async def apply(self, nginx: Nginx) -> None:
        """One apply a child."""
        spec = NginxSpec.from_dict(nginx.spec)
        for child in CHILDREN:
            await self.client.apply(
                RESOURCES[child.plural], *nginx.metadata.key, child.build(nginx.metadata, spec, FROM_IMAGE), force=True
            )
        ready = self.ready.get(nginx.metadata.key, set())
        if len(ready) == spec.count:
            await self.report(nginx, sorted(ready))

    async def report(self, nginx: Nginx, nodes: list[str]) -> None:
        """One status write."""
        status = {
            "observedGeneration": nginx.metadata.generation,
            "nodes": nodes,
            "count": len(nodes),
            "readyCount": len(nodes),
        }
        await self.client.merge(NGINXES, *nginx.metadata.key, {"status": status}, "status")

    async def events(self, resource: Resource, params: dict[str, str]) -> Any:
        """Kind and object of each event, for ever; each new watch tells of everything that is there."""
        while True:
            try:
                async for line in self.client.watch(resource, None, params):
                    event = msgspec.json.decode(line, type=Event)
                    if event.type in ("ADDED", "MODIFIED", "DELETED"):
                        yield event.type, event.object
            except ApiError:
                await asyncio.sleep(1)

    def spawn(self, work: Any) -> None:
        """Does it beside everything else, when it is its turn."""
        task = asyncio.create_task(self.in_turn(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def in_turn(self, work: Any) -> None:
        """Waits until there are few enough others."""
        async with self.slots:
            await work


async def main() -> None:
    """Runs for ever."""
    async with Client(load_config(), user_agent="floor") as client:
        floor = Floor(client)
        await asyncio.gather(floor.watch_nginxes(), floor.watch_pods())


if __name__ == "__main__":
    asyncio.run(main())
