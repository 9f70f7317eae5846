"""Accepts connections, and completes their TLS handshakes at a bounded cost."""

import asyncio
import logging
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final

log = logging.getLogger(__name__)

#: Connections accepted in one turn of the event loop.
_ACCEPTS_PER_TURN: Final = 32
#: Handshakes begun in one turn of the event loop; each takes half a millisecond.
_HANDSHAKES_PER_TURN: Final = 8
#: Seconds until the next attempt to accept, after the system had no file descriptor or memory left.
_RETRY_DELAY: Final = 0.5
#: Bytes of a connection's buffers in the kernel, which would grow to megabytes by themselves. TLS keeps several times
#: the size of one read for as long as the connection lasts.
_SOCKET_BUFFERS: Final = {socket.SO_RCVBUF: 16 * 1024, socket.SO_SNDBUF: 64 * 1024}


class Acceptor:
    """Owns listening sockets, and connections until their handshake is over.

    Args:
        create_protocol: makes the protocol of a connection once its handshake begins.
        make_room: called before each new connection is counted.
        handshake_timeout: in seconds.
        on_timeout: called for each handshake that exceeds it.
    """

    def __init__(
        self,
        create_protocol: Callable[[], asyncio.Protocol],
        *,
        make_room: Callable[[], None],
        handshake_timeout: float,
        on_timeout: Callable[[], None],
    ) -> None:
        self._create_protocol = create_protocol
        self._make_room = make_room
        self._handshake_timeout = handshake_timeout
        self._on_timeout = on_timeout
        self._loop = asyncio.get_running_loop()
        self._listeners: list[socket.socket] = []
        #: With loop.time() at their beginning, oldest first.
        self._handshakes: OrderedDict[asyncio.Task[None], float] = OrderedDict()
        #: One for each connection whose ClientHello has arrived and whose handshake has not begun.
        self._waiting: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        """Handshakes under way."""
        return len(self._handshakes)

    @property
    def oldest(self) -> float | None:
        """loop.time() at the beginning of the oldest handshake; None if there is none."""
        return next(iter(self._handshakes.values()), None)

    def listen(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        """Accepts connections from a socket from now on; without a context, plain TCP."""
        listener.setblocking(False)
        for buffer, size in _SOCKET_BUFFERS.items():
            listener.setsockopt(socket.SOL_SOCKET, buffer, size)  # accepted sockets inherit them
        self._listeners.append(listener)
        self._loop.add_reader(listener.fileno(), self._accept, listener, context)

    def abort_oldest(self) -> None:
        """Ends the oldest handshake."""
        task, _ = self._handshakes.popitem(last=False)
        task.cancel()

    def close(self) -> None:
        """Closes the listening sockets, and ends all handshakes."""
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())
            listener.close()
        self._listeners.clear()
        for task in [*self._handshakes]:
            task.cancel()

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                accepted, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no file descriptors, no memory
                log.warning("cannot take a connection: %s", error.strerror)
                self._loop.remove_reader(listener.fileno())
                self._loop.call_later(_RETRY_DELAY, self._resume, listener, context)
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._make_room()
            task = self._loop.create_task(self._handshake(accepted, context))
            self._handshakes[task] = self._loop.time()
            task.add_done_callback(partial(self._handshake_done, accepted))

    def _resume(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener.fileno(), self._accept, listener, context)

    async def _handshake(self, accepted: socket.socket, context: ssl.SSLContext | None) -> None:
        """The TLS handshake. One that fails leaves nothing behind."""
        try:
            async with asyncio.timeout(self._handshake_timeout):
                if context is not None:
                    await self._client_hello(accepted)
                await self._loop.connect_accepted_socket(self._create_protocol, accepted, ssl=context)
        except TimeoutError:
            self._on_timeout()
            accepted.close()
        except OSError:  # or ssl.SSLError, its subclass: the client does not trust us, or its TLS is too old
            accepted.close()

    async def _client_hello(self, accepted: socket.socket) -> None:
        """Waits for the ClientHello, and for a turn: the state of TLS takes 50 KiB, which no silent client gets."""
        turn = self._loop.create_future()
        self._loop.add_reader(accepted.fileno(), self._wait_for_turn, accepted, turn)
        try:
            await turn
        finally:
            self._loop.remove_reader(accepted.fileno())

    def _wait_for_turn(self, accepted: socket.socket, turn: asyncio.Future[None]) -> None:
        self._loop.remove_reader(accepted.fileno())
        if not self._waiting:
            self._loop.call_soon(self._begin_handshakes)
        self._waiting.append(turn)

    def _begin_handshakes(self) -> None:
        """Begins a few handshakes, newest first, then lets other work run: a thousand take a second of CPU time.

        Newest first, because in a flood most newcomers then need not wait at all; in a queue each would wait for all.
        """
        for _ in range(min(_HANDSHAKES_PER_TURN, len(self._waiting))):
            turn = self._waiting.pop()
            if not turn.done():
                turn.set_result(None)
        if self._waiting:
            self._loop.call_soon(self._begin_handshakes)

    def _handshake_done(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._handshakes.pop(task, None)
        if task.cancelled():
            accepted.close()  # there may be no transport yet that would close it
