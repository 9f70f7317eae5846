"""kopf's handlers: log-in, start-up, clean-up; kopf also handles the signals.

kopf watches no resource: an event of an Nginx cost more in it than everything else that the operator does with the
event (docs/decisions/0004). It logs in nevertheless, because at its start it asks the API server which kinds there are.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from nginx_operator.api import names
from nginx_operator.controller import Controller
from nginx_operator.kube.client_config import ClientConfig


async def operate(
    controller: Controller, connection: ClientConfig, stop: asyncio.Event, finish: Callable[[], Awaitable[None]]
) -> None:
    """Runs kopf around the controller until a signal comes, `stop` is set, or something of kopf's fails.

    At the end it calls `finish`, which ends every task of ours: kopf waits 5 s for those that it finds.
    """
    await kopf.operator(
        registry=register(controller, connection, stop, finish),
        # For peering, which is off. Left out, kopf asks for the user's name, and a container's uid need not have one.
        identity=names.FIELD_MANAGER,  # type: ignore[arg-type]  # kopf does not export the type
        standalone=True,
        clusterwide=True,
        stop_flag=stop,
    )


def register(
    controller: Controller, connection: ClientConfig, stop: asyncio.Event, finish: Callable[[], Awaitable[None]]
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
        settings.posting.enabled = False
        settings.scanning.disabled = True
        await controller.start()

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        stop.set()  # after a signal kopf's own task still waits for it
        await finish()

    return registry
