"""An HTTP server on loopback, which the API servers of unit tests are made of."""

from types import TracebackType
from typing import Self

from aiohttp import web


class Loopback:
    """A server on a free port that answers as `_handle` says. Use as an async context manager.

    Attributes:
        url: where it is, once it is entered.
    """

    def __init__(self) -> None:
        self.url = ""
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
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError
