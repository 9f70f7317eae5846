"""The forwarder: bytes go both ways, an end is passed on, and a dead server does not end it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from testbed import forwarder


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers in capitals, but only when the client has said all: so its end must come through."""
    writer.write((await reader.read()).upper())
    await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def forwarding(port: int) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    task = asyncio.create_task(forwarder.serve(listener, "127.0.0.1", port))
    try:
        yield listener.getsockname()[1]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_bytes_and_ends_go_both_ways() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    data = b"x" * 3_000_000
    async with server, forwarding(server.sockets[0].getsockname()[1]) as port:
        answers = await asyncio.gather(*(ask(port, data) for _ in range(3)))
    assert answers == [data.upper()] * 3


async def test_it_outlives_a_server_that_is_down() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    there = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with forwarding(there) as port:
        assert await ask(port, b"x") == b""
        async with await asyncio.start_server(echo, "127.0.0.1", there):
            assert await ask(port, b"x") == b"X"
