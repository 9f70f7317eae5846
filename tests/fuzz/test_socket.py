"""Bent requests over real sockets, to a process that ends itself as soon as it does what it must not."""

import asyncio
import os
import random
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from nginx_operator.api.policy import Policy
from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.pem import encode_certificates
from tests.support.campaign import TURNS
from tests.support.fuzz import oracle
from tests.support.fuzz.mutation import CORPUS, bent_bytes, bodies
from tests.support.waiting import PATIENCE

#: Requests at the same time.
AT_ONCE = 100
CASES = 2_000 * TURNS

PATHS = [
    *("/validate", "/mutate") * 8,
    *("/", "*", "//validate", "/validate/", "/validate/../mutate", "/./validate", "/%76alidate", "/validate%00"),
    *("/validate;x=y", "/validate#x", "http://other/validate", "\\validate", "/VALIDATE", "/healthz", "/" + "a" * 9000),
    *("/validate?timeout=0s", "/validate?timeout=-1s", "/mutate?timeout=%s&timeout", "/validate?timeout=99999999s"),
]
METHODS = [*("POST",) * 12, "GET", "HEAD", "PUT", "OPTIONS", "CONNECT", "TRACE", "post", "P\x00ST"]
FIELDS = [
    *("",) * 12,
    "Content-Type: application/json\r\n",
    "Content-Type: text/html; charset=utf-7\r\n",
    "Content-Encoding: gzip\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 3\r\n",
    "Expect: 100-continue\r\n",
    "Connection: close, Upgrade\r\nUpgrade: h2c\r\n",
    "X: " + "a" * 20_000 + "\r\n",
    "Host: [::1\r\n",
    "\x00: \xff\r\n",
]


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """The process, with its port and what to trust. At the end it must have ended in order."""
    now = datetime.now(UTC)
    ca = authority.create(now)
    leaf = authority.issue(ca, ["localhost"], now)
    (folder / "tls.crt").write_bytes(leaf.certificate_pem)
    (folder / "tls.key").write_bytes(leaf.key_pem)
    (folder / "policy.yaml").write_text("minCount: 1\n")
    words = (
        *(sys.executable, "-m", "tests.support.fuzz.watch", "serve", "--bind", "127.0.0.1:0"),
        *("--cert-file", str(folder / "tls.crt"), "--key-file", str(folder / "tls.key")),
        *("--policy-file", str(folder / "policy.yaml")),
    )
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*words, stderr=log)
    try:
        async with asyncio.timeout(PATIENCE):
            while "webhooks on https" not in (text := (folder / "log").read_text()):
                assert process.returncode is None, text
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGUSR1)
        port = int(text.rpartition("webhooks on https://127.0.0.1:")[2].split()[0])
        yield port, ssl.create_default_context(cadata=encode_certificates([ca.certificate]).decode())
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0, (folder / "log").read_text()[-3000:]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert "Traceback" not in (folder / "log").read_text()


async def answer(port: int, trust: ssl.SSLContext, sent: bytes) -> bytes:
    """All that comes back to a request on a connection of its own; empty if nothing does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
    try:
        writer.write(sent)
        found = b""
        with suppress(TimeoutError, ConnectionError, ssl.SSLError):
            async with asyncio.timeout(0.3):  # a request that is not whole gets no answer so soon; that is its affair
                while chunk := await reader.read(65536):
                    found += chunk
        return found
    finally:
        writer.transport.abort()


async def test_bent_requests(tmp_path: Path) -> None:
    seed = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
    chance, source = random.Random(seed), bodies(seed)
    statuses: set[int] = set()
    async with watched(tmp_path) as (port, trust):

        async def one(sent: bytes) -> None:
            found = await answer(port, trust, sent)
            assert b"Traceback" not in found
            for status in (int(part[:3]) for part in found.split(b"HTTP/1.1 ")[1:]):
                assert status < 500, f"FUZZ_SEED={seed}: {sent[:2000]!r}"
                statuses.add(status)

        for _ in range(CASES // AT_ONCE):
            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_ONCE):
                    sent = request(chance, source())
                    tasks.create_task(one(bent_bytes(chance, sent) if chance.random() < 0.1 else sent))
        for path, body in product(("/validate", "/mutate"), CORPUS):
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            found = await answer(port, trust, head.encode() + body)
            header, _, text = found.partition(b"\r\n\r\n")
            oracle.check(path, body, int(header[9:12]), text, Policy(min_count=1))
    assert {200, 400, 404, 405, 431} <= statuses


def request(chance: random.Random, body: bytes) -> bytes:
    """A request that is strange in its method, its path or its fields, or in none of them."""
    head = f"{chance.choice(METHODS)} {chance.choice(PATHS)} HTTP/1.1\r\nHost: x\r\n{chance.choice(FIELDS)}"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode("latin-1") + body
