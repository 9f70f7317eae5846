from collections.abc import AsyncIterator

import aiohttp
import pytest

from nginx_operator.serving import health
from nginx_operator.serving.listening import Address
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.readiness import Readiness


class Bed:
    def __init__(self) -> None:
        self.certificate_valid = True
        self.readiness = Readiness(lambda: self.certificate_valid)
        self.metrics = Metrics()
        self.url = ""

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            return response.status, await response.text()


@pytest.fixture
async def bed() -> AsyncIterator[Bed]:
    found = Bed()
    bind = Address("127.0.0.1", 0)
    checks = health.Checks(lambda: found.readiness.fault)
    async with health.serve(bind, checks, found.metrics.registry) as address:
        found.url = f"http://{address}"
        yield found


async def test_alive_while_not_ready(bed: Bed) -> None:
    bed.readiness.waiting_for = "Secret system/ca"
    assert await bed.get("/healthz") == (200, "ok\n")
    assert await bed.get("/readyz") == (503, "waiting for Secret system/ca\n")


async def test_readiness_is_latched(bed: Bed) -> None:
    bed.readiness.prove()
    bed.readiness.waiting_for = "something that passes"
    assert await bed.get("/readyz") == (200, "ok\n")


async def test_an_expired_certificate_and_the_end_take_readiness_back(bed: Bed) -> None:
    bed.readiness.prove()
    bed.certificate_valid = False
    assert await bed.get("/readyz") == (503, "the certificate has expired\n")
    bed.certificate_valid = True
    assert (await bed.get("/readyz"))[0] == 200
    bed.readiness.drain()
    assert (await bed.get("/readyz"))[0] == 503
    assert (await bed.get("/healthz"))[0] == 200


async def test_metrics(bed: Bed) -> None:
    bed.metrics.admissions.labels("validate", "denied").inc()
    bed.metrics.certificate_expiry.set(1_800_000_000)
    status, text = await bed.get("/metrics")
    assert status == 200
    assert 'nginx_webhooks_admissions_total{verdict="denied",webhook="validate"} 1.0' in text
    assert "nginx_webhooks_certificate_expiry_timestamp_seconds 1.8e+09" in text
