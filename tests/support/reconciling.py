"""The part of the operator that reconciles, called by a test, against the API server of unit tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nginx_operator.api.policy import Policies
from nginx_operator.cache.caches import Caches
from nginx_operator.kube.client import Client
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, SERVICES
from nginx_operator.reconcile.reconciler import Reconciler
from nginx_operator.runtime.events import EventRecorder
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until

KEY = ("shop", "web")
WEB, DEPLOYMENT, SERVICE = (kind.path(*KEY) for kind in (NGINXES, DEPLOYMENTS, SERVICES))


class Operator:
    """The part of the operator that reconciles, called by hand."""

    def __init__(self, api: ApiServer, client: Client) -> None:
        self.api = api
        self.caches = Caches(client, (), Policies())
        self.reconciler = Reconciler(client, self.caches, EventRecorder(client, "operator-1"))

    def put(self, count: int) -> None:
        self.api.put(WEB, {"spec": {"count": count, "image": "example.com/nginx:1"}})

    async def settled(self) -> None:
        """Reconciles until a reconcile writes nothing."""
        for _ in range(10):
            before = len(self.writes)
            await self.reconciler.reconcile(KEY)
            if len(self.writes) == before:
                return
        raise AssertionError(f"it never comes to rest: {self.writes}")

    @property
    def writes(self) -> list[str]:
        return [call for call in self.api.calls if not call.startswith(("get ", "list ", "watch "))]

    def status(self) -> Any:
        return self.api.objects[WEB]["status"]


@asynccontextmanager
async def running(api: ApiServer, client: Client) -> AsyncIterator[Operator]:
    operator = Operator(api, client)
    tasks = [asyncio.create_task(reflector.run()) for reflector in operator.caches.reflectors]
    try:
        await until(lambda: operator.caches.synced)
        yield operator
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def drift(operator: Operator, replicas: int) -> None:
    """Somebody else sets the number of pods, and the watch tells."""
    deployment = operator.api.objects[DEPLOYMENT]
    operator.api.put(DEPLOYMENT, {**deployment, "spec": {**deployment["spec"], "replicas": replicas}})
    wanted = f'"replicas":{replicas}'.encode()
    await until(lambda: wanted in bytes(operator.caches.children(KEY)["deployments"].spec).replace(b" ", b""))
