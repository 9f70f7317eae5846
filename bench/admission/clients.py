"""Clients of the webhooks' port, lean enough that one core of them keeps one core of the server busy."""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, cast

#: Seconds that an honest client waits for an answer, as an API server does by default in our chart.
PATIENCE: Final = 5.0


@dataclass(frozen=True)
class Target:
    """Where the webhooks listen, and the file of the authority that they are trusted by."""

    host: str
    port: int
    ca: Path
    name: str = "localhost"

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """The same for TLS."""
        return ssl.create_default_context(cafile=str(self.ca))


@dataclass
class Tally:
    """Answers by HTTP status, 0 for a broken connection; and the seconds that each took."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, status: int, seconds: float) -> None:
        """One answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.append(seconds)


class Kept(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, as long as `more` says so."""

    def __init__(self, request: bytes, tally: Tally, more: Callable[[], bool]) -> None:
        self._request = request
        self._tally = tally
        self._more = more
        self._pending = b""
        self._began = 0.0
        self._transport: asyncio.Transport | None = None
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks the first time."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own has another base
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        self._pending += data
        header, end, body = self._pending.partition(b"\r\n\r\n")
        if not end or len(body) < int(header.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        self._tally.add(int(header[9:12]), time.perf_counter() - self._began)
        self._pending = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ended by either side."""
        if self._began:
            self._tally.add(0, time.perf_counter() - self._began)
        if not self.ended.done():
            self.ended.set_result(None)

    async def end(self) -> None:
        """Returns once it has ended; it is cut when that takes longer than patience lasts."""
        await asyncio.wait([self.ended], timeout=PATIENCE)
        if not self.ended.done():
            assert self._transport is not None
            self._transport.abort()
            await self.ended

    def _ask(self) -> None:
        assert self._transport is not None
        if self._more():
            self._began = time.perf_counter()
            self._transport.write(self._request)
        else:
            self._began = 0.0
            # All is answered. To close would wait for the other side's end of TLS: half a minute, where none comes.
            self._transport.abort()


async def flood(target: Target, request: bytes, connections: int, seconds: float) -> tuple[Tally, float]:
    """Ask as fast as it goes over kept connections. The answers, and the seconds that they took."""
    loop = asyncio.get_running_loop()
    tally, began = Tally(), time.perf_counter()
    protocols = []
    for _ in range(connections):
        _, protocol = await loop.create_connection(
            lambda: Kept(request, tally, lambda: time.perf_counter() - began < seconds),
            target.host,
            target.port,
            ssl=target.trust,
            server_hostname=target.name,
        )
        protocols.append(protocol)
    # One that is never answered must not hold up the others' figures for ever.
    await asyncio.wait([protocol.ended for protocol in protocols], timeout=seconds + PATIENCE)
    took = time.perf_counter() - began
    await asyncio.gather(*(protocol.end() for protocol in protocols))
    return tally, took


class Once(Kept):
    """One request on a connection of its own. Its time counts from before the connection, handshake included."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        once = iter((True,))
        super().__init__(request, tally, lambda: next(once, False))
        self._since = time.perf_counter()

    def _ask(self) -> None:
        super()._ask()
        if self._began:
            self._began = self._since


async def ask_once(target: Target, request: bytes, tally: Tally) -> None:
    """One request over a connection of its own, the handshake included."""
    asked = Once(request, tally)
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().create_connection(
                lambda: asked, target.host, target.port, ssl=target.trust, server_hostname=target.name
            )
    except (OSError, TimeoutError):
        tally.add(0, time.perf_counter() - began)
    else:
        await asked.end()
