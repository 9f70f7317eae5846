"""The port that the kubelet and Prometheus ask."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import urlsplit

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Gauge

from nginx_operator.serving import health
from nginx_operator.serving.listening import Address


@dataclass
class Asked:
    """A server, and what it answers."""

    url: str = ""
    unready: str | None = None
    unhealthy: str | None = None
    notice: str = ""
    scrapes: int = 0

    async def answers(self, sent: bytes) -> list[bytes]:
        """What comes back on one connection until it ends, by answer."""
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(sent)
        found = await reader.read()
        writer.close()
        return found.split(b"HTTP/1.1 ")[1:]

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path) as response:
            return response.status, await response.text()


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    found, registry = Asked(), CollectorRegistry()

    def scrape() -> int:
        found.scrapes += 1
        return 42

    Gauge("answer", "The answer.", registry=registry).set_function(scrape)
    checks = health.Checks(lambda: found.unready, lambda: found.unhealthy, lambda: found.notice)
    async with health.serve(Address("127.0.0.1", 0), checks, registry) as address:
        found.url = f"http://{address}"
        yield found


async def test_what_is_not_ready_is_alive(asked: Asked) -> None:
    asked.unready = "the caches are not filled yet"
    assert await asked.get("/readyz") == (503, "the caches are not filled yet\n")
    assert await asked.get("/healthz") == (200, "ok\n")


async def test_what_only_a_restart_can_help_is_not_alive(asked: Asked) -> None:
    asked.unhealthy = "the watch of pods has stood still for 700 s"
    assert await asked.get("/healthz") == (503, "the watch of pods has stood still for 700 s\n")
    assert await asked.get("/readyz") == (200, "ok\n")


async def test_metrics(asked: Asked) -> None:
    status, text = await asked.get("/metrics")
    assert status == 200
    assert "answer 42.0" in text


async def test_who_is_ready_may_have_something_to_say(asked: Asked) -> None:
    asked.notice = "left out: namespace b"
    assert await asked.get("/readyz") == (200, "ok; left out: namespace b\n")
    assert await asked.get("/healthz") == (200, "ok\n")


async def test_metrics_are_rendered_once_a_second_whoever_asks(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("nginx_operator.serving.health.time", SimpleNamespace(monotonic=lambda: now))
    for _ in range(20):
        assert "answer 42.0" in (await asked.get("/metrics"))[1]
    assert asked.scrapes == 1
    now += health.METRICS_SECONDS - 0.001
    await asked.get("/metrics")
    assert asked.scrapes == 1
    now += 0.001
    await asked.get("/metrics")
    assert asked.scrapes == 2
    assert health.METRICS_SECONDS <= 1


async def test_of_requests_in_one_read_the_first_alone_is_answered(asked: Asked) -> None:
    answers = await asked.answers(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 60)
    assert len(answers) == 1
    assert answers[0].startswith(b"200 OK")
    assert b"answer 42.0" in answers[0]


async def test_one_request_after_the_other_keeps_its_connection(asked: Asked) -> None:
    address = urlsplit(asked.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for path in ("/healthz", "/readyz", "/healthz"):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b"Connection: close" not in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(3) == b"ok\n"
    writer.close()


async def test_nothing_else_is_there(asked: Asked) -> None:
    assert (await asked.get("/"))[0] == 404
    assert (await asked.get("/healthz", "POST"))[0] == 405
