"""The operator's own HTTP endpoints: /healthz (the loop turns), /readyz, /metrics. Plain HTTP, GET only."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from prometheus_client import generate_latest

from nginx_operator import metrics


class CannotServeError(Exception):
    """The address is taken, or is none of this machine's. Waiting cannot help."""


@contextlib.asynccontextmanager
async def serve(bind: tuple[str, int] | None, unready: Callable[[], str | None]) -> AsyncIterator[None]:
    """Serves while the context is open.

    Args:
        bind: (host, port), or None to serve nothing.
        unready: says why the process is not ready, or None when it is.

    Raises:
        CannotServeError: the address cannot be bound.
    """
    if bind is None:
        yield
        return

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        why = unready()
        return web.Response(text="ok\n") if why is None else web.Response(status=503, text=f"not ready: {why}\n")

    async def numbers(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(metrics.REGISTRY), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    application = web.Application()
    application.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", numbers)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, *bind).start()
        except OSError as error:
            raise CannotServeError(f"cannot serve on {bind[0]}:{bind[1]}: {error.strerror or error}") from error
        yield
    finally:
        await runner.cleanup()
