"""Forwards a loopback port of the machine to the API server inside a bed's network namespace.

Run as a program inside the namespace. The listening socket comes as file descriptor 3, opened by
whoever starts it: a socket belongs to the namespace that it was opened in, so this one accepts on the
machine's loopback while everything dialled here is dialled inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

LISTENER = 3
CHUNK = 256 * 1024


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until one side ends, then pass the end on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Forward every connection that `listener` accepts to host:port, until cancelled."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        finally:
            writer.transport.abort()
            there_writer.transport.abort()

    server = await asyncio.start_server(forward, sock=listener, limit=CHUNK, backlog=512)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the target's host and port from the command line and serve."""
    listener = socket.socket(fileno=LISTENER)
    listener.setblocking(False)
    asyncio.run(serve(listener, sys.argv[1], int(sys.argv[2])))


if __name__ == "__main__":
    main()
