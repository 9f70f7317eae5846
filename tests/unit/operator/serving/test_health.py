"""The port that the kubelet and Prometheus ask."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

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

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path) as response:
            return response.status, await response.text()


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    found, registry = Asked(), CollectorRegistry()
    Gauge("answer", "The answer.", registry=registry).set(42)
    checks = health.Checks(lambda: found.unready, lambda: found.unhealthy)
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


async def test_nothing_else_is_there(asked: Asked) -> None:
    assert (await asked.get("/"))[0] == 404
    assert (await asked.get("/healthz", "POST"))[0] == 405
