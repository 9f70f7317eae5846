"""Clients that hold back what they have to say, as a process of their own: they must not slow the honest ones down.

python -m bench.admission.besiegers HOST PORT CA NUMBER
"""

import asyncio
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import uvloop

from bench.admission.clients import Target
from bench.admission.reviews import nginx, post, review

#: Seconds between two bytes.
DRIBBLE: Final = 0.5


class _Slow(asyncio.Protocol):
    """Sends something, then one byte now and then."""

    def __init__(self, before: bytes, dribbled: bytes) -> None:
        self._before = before
        self._dribbled = iter(dribbled)
        self._loop = asyncio.get_running_loop()
        self.ended = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._before)
        self._dribble()

    def _dribble(self) -> None:
        byte = next(self._dribbled, None)
        if byte is not None and not self.transport.is_closing():
            self.transport.write(bytes((byte,)))
            self._loop.call_later(DRIBBLE, self._dribble)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cut."""
        if not self.ended.done():
            self.ended.set_result(None)


async def slow(target: Target, kind: str, request: bytes) -> None:
    """A connection of a kind in SLOW that holds back what it has to say, and opens itself anew whenever it is cut."""
    before, dribbled = SLOW[kind](request)
    context = None if kind == "no handshake" else target.trust
    name = target.name if context else None
    while True:
        protocol: _Slow | None = None
        try:
            _, protocol = await asyncio.get_running_loop().create_connection(
                lambda: _Slow(before, dribbled), target.host, target.port, ssl=context, server_hostname=name
            )
            await protocol.ended
        except OSError:
            await asyncio.sleep(DRIBBLE)
        finally:
            if protocol is not None:
                protocol.transport.abort()


def _body_at(request: bytes) -> int:
    return request.index(b"\r\n\r\n") + 4


#: What each kind sends at once, and what it dribbles.
SLOW: Final[dict[str, Callable[[bytes], tuple[bytes, bytes]]]] = {
    "no handshake": lambda request: (b"", b""),
    "silence": lambda request: (b"", b""),
    "header": lambda request: (b"", request[: _body_at(request) - 2]),
    "body": lambda request: (request[: _body_at(request)], request[_body_at(request) : -1]),
}


async def besiege(target: Target, number: int) -> None:
    """So many of them, of every kind, for ever."""
    request, kinds = post("/validate", review(nginx("web"))), itertools.cycle(SLOW)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(number):
            tasks.create_task(slow(target, next(kinds), request))
        print(f"{number} slow connections", flush=True)


if __name__ == "__main__":
    host, port, ca, number = sys.argv[1:]
    uvloop.run(besiege(Target(host, int(port), Path(ca)), int(number)))
