"""Requests web pages at a steady rate, each over a new connection, until stdin ends; then prints the outcome.

A program of its own, because Service addresses answer only in the network namespace of a bed:

    python -m tests.support.load.pages 10.96.0.7 10.96.0.8
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from testbed import Bed

#: Requests a second, to all addresses by turns.
RATE = 20.0
#: Seconds that an answer may take, since a loaded machine may stall.
PATIENCE = 30.0
ROOT = Path(__file__).parents[3]


@dataclass
class Pages:
    """The outcome.

    Attributes:
        requests: how many were asked.
        failed: what was wrong with those that were not answered by a page, one sentence each.
    """

    requests: int = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def asked(bed: Bed, addresses: Sequence[str]) -> Iterator[Pages]:
    """Requests pages within the block; the result is complete after it."""
    pages = Pages()
    command = bed.command([sys.executable, "-m", "tests.support.load.pages", *addresses])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        process.stdout.readline()  # each address has served once
        try:
            yield pages
        finally:
            told, _ = process.communicate()
    assert process.returncode == 0
    pages.requests, pages.failed = json.loads(told)


async def main(addresses: Sequence[str]) -> Pages:
    """Requests pages until stdin ends."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        for address in addresses:
            await _until_it_serves(address)
    sys.stdout.write("they serve\n")
    sys.stdout.flush()
    ended = loop.run_in_executor(None, sys.stdin.read)
    pages, due = Pages(), loop.time()
    async with asyncio.TaskGroup() as group:
        for address in cycle(addresses):
            if ended.done():
                break
            group.create_task(_one(address, pages))
            due += 1 / RATE
            await asyncio.sleep(due - loop.time())
    return pages


async def _until_it_serves(address: str) -> None:
    """A pod is ready a moment before kube-proxy has programmed it."""
    while True:
        try:
            await _get(address)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return


async def _one(address: str, pages: Pages) -> None:
    pages.requests += 1
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await _get(address)
    except (OSError, TimeoutError) as error:
        pages.failed.append(f"{address}: {error or type(error).__name__}")
        return
    status, _, _ = answer.partition(b"\r\n")
    if status != b"HTTP/1.1 200 OK" or b"nginx" not in answer:
        pages.failed.append(f"{address}: {status.decode(errors='replace')}")


async def _get(address: str) -> bytes:
    reader, writer = await asyncio.open_connection(address, 80)
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()


if __name__ == "__main__":
    came = asyncio.run(main(sys.argv[1:]))
    sys.stdout.write(json.dumps([came.requests, came.failed]))
