"""kopf wiring and nothing else: log-in, start-up, clean-up, and the watch of nginxes.

Only `on.event` is used. It writes no annotation and no finalizer on the user's resource; kopf's other handlers do.
Its handler is a coroutine, because kopf runs plain functions in threads, and the caches belong to the loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from nginx_operator.api import names
from nginx_operator.cluster.connection import Connection
from nginx_operator.controller import Controller


async def operate(
    controller: Controller,
    connection: Connection,
    namespaces: tuple[str, ...],
    stop: asyncio.Event,
    finish: Callable[[], Awaitable[None]],
) -> None:
    """Runs kopf around the controller until a signal comes, `stop` is set, or something of kopf's fails.

    At the end it calls `finish`, which ends every task of ours: kopf waits 5 s for those that it finds.
    """
    await kopf.operator(
        registry=register(controller, connection, stop, finish),
        # For peering, which is off. Left out, kopf asks for the user's name, and a container's uid need not have one.
        identity=names.FIELD_MANAGER,  # type: ignore[arg-type]  # kopf does not export the type
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
    )


def register(
    controller: Controller, connection: Connection, stop: asyncio.Event, finish: Callable[[], Awaitable[None]]
) -> kopf.OperatorRegistry:
    """A registry with our handlers and no others."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(
            server=connection.server,
            ca_path=connection.ca_file,
            insecure=not connection.verify,
            token=connection.token(),
            certificate_path=connection.cert_file,
            private_key_path=connection.key_file,
            default_namespace=connection.namespace,
        )

    @kopf.on.startup(registry=registry)
    async def start(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)
        await controller.start()

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        stop.set()  # after a signal kopf's own task still waits for it
        await finish()

    @kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=registry)
    async def observe(event: kopf.RawEvent, **_: Any) -> None:
        controller.caches.observe(event["type"], event["object"])

    return registry


class _NoProgress(kopf.ProgressStorage):
    """Where kopf keeps how far its handlers got: nowhere. A handler of events is called once, whatever comes of it."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None: ...

    def purge(self, **_: Any) -> None: ...

    def touch(self, **_: Any) -> None: ...

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


class _NoEssence(kopf.DiffBaseStorage):
    """What kopf compares states by: nothing. It copies each object deeply for that, and only handlers of changes,
    which we have none of, would look at the result.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None: ...


def configure(settings: kopf.OperatorSettings) -> None:
    """Kopf as a plain watcher: no events posted, no peering, no scan for CRDs and namespaces, no finalizer of ours."""
    settings.persistence.diffbase_storage = _NoEssence()
    settings.persistence.progress_storage = _NoProgress()
    settings.queueing.idle_timeout = 1.0  # a task and a queue for each object that had news lately
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.watching.chunk_size = 500
    settings.persistence.finalizer = f"{names.GROUP}/unused"
