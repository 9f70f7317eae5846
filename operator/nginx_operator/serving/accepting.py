"""Connections that come: taken from listening sockets, and led through their handshake at a bounded cost."""

import asyncio
import logging
import socket
import ssl
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final

from nginx_operator.serving.http_protocol import Connection

if TYPE_CHECKING:
    from nginx_operator.serving.connections import Connections

log = logging.getLogger(__name__)

#: Connections taken before other work has a turn.
_ACCEPTED_AT_ONCE: Final = 32
#: Handshakes begun before other work has a turn; each takes half a millisecond.
_HANDSHAKES_AT_ONCE: Final = 8
#: Seconds until connections are taken again after the system had no room for one.
_BREATH: Final = 0.5
#: Bytes that the kernel holds of a connection's requests and of its answers; left alone, it would grow both to
#: megabytes. What one read brings TLS keeps room for as long as the connection lasts, several times over.
_BUFFERS: Final = {socket.SO_RCVBUF: 16 * 1024, socket.SO_SNDBUF: 64 * 1024}


class Acceptor:
    """Takes connections, and looks after each until its handshake is over.

    Args:
        home: makes way for a newcomer, and has all that have finished their handshake.
    """

    def __init__(self, home: "Connections") -> None:
        self._home = home
        self._loop = asyncio.get_running_loop()
        self._listeners: list[socket.socket] = []
        #: In the order in which they came.
        self._handshakes: OrderedDict[asyncio.Task[None], float] = OrderedDict()
        self._hellos: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        """Handshakes at this moment."""
        return len(self._handshakes)

    @property
    def oldest(self) -> float | None:
        """loop.time() at which the oldest handshake began; None without one."""
        return next(iter(self._handshakes.values()), None)

    def listen(self, listener: socket.socket, context: ssl.SSLContext | None = None) -> None:
        """Takes connections from a socket from now on; without a context, plain TCP."""
        listener.setblocking(False)
        for buffer, size in _BUFFERS.items():
            listener.setsockopt(socket.SOL_SOCKET, buffer, size)  # a connection inherits them
        self._listeners.append(listener)
        self._loop.add_reader(listener.fileno(), self._accept, listener, context)

    def cut_oldest(self) -> None:
        """Ends the oldest handshake."""
        task, _ = self._handshakes.popitem(last=False)
        task.cancel()

    def stop(self) -> None:
        """Takes no connections any more and ends all handshakes."""
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())
            listener.close()
        self._listeners.clear()
        for task in [*self._handshakes]:
            task.cancel()

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no file descriptors, no memory
                log.warning("cannot take a connection: %s", error.strerror)
                self._loop.remove_reader(listener.fileno())
                self._loop.call_later(_BREATH, self._resume, listener, context)
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._home.make_way()
            task = self._loop.create_task(self._open(accepted, context))
            self._handshakes[task] = self._loop.time()
            task.add_done_callback(partial(self._shaken, accepted))

    def _resume(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener.fileno(), self._accept, listener, context)

    async def _open(self, accepted: socket.socket, context: ssl.SSLContext | None) -> None:
        """The TLS handshake. One that does not come to its end leaves nothing behind."""
        try:
            async with asyncio.timeout(self._home.deadlines.handshake):
                if context is not None:
                    await self._first_byte(accepted)
                await self._loop.connect_accepted_socket(lambda: Connection(self._home), accepted, ssl=context)
        except TimeoutError:
            self._home.limited("handshake")
            accepted.close()
        except OSError:  # ssl.SSLError is one: a client that does not know us, or an old TLS
            accepted.close()

    async def _first_byte(self, accepted: socket.socket) -> None:
        """Waits for the client's hello, and for a turn: the state of TLS takes 50 KiB, which silence does not get."""
        begun = self._loop.create_future()
        self._loop.add_reader(accepted.fileno(), self._hello, accepted, begun)
        try:
            await begun
        finally:
            self._loop.remove_reader(accepted.fileno())

    def _hello(self, accepted: socket.socket, begun: asyncio.Future[None]) -> None:
        self._loop.remove_reader(accepted.fileno())
        if not self._hellos:
            self._loop.call_soon(self._begin_handshakes)
        self._hellos.append(begun)

    def _begin_handshakes(self) -> None:
        """Begins a few, newest first, and lets others have their turn: a thousand take a second of CPU time.

        Newest first, so that in a flood most newcomers wait for nothing, where in a queue all would wait for all.
        """
        for _ in range(min(_HANDSHAKES_AT_ONCE, len(self._hellos))):
            begun = self._hellos.pop()
            if not begun.done():
                begun.set_result(None)
        if self._hellos:
            self._loop.call_soon(self._begin_handshakes)

    def _shaken(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._handshakes.pop(task, None)
        if task.cancelled():
            accepted.close()  # its transport may never have come to be
