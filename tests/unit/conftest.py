"""What all unit tests share."""

import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from tests.support.apiserver.server import ApiServer

# A busy machine is no fault of the code: properties are about results, never about time.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("project", PATIENT)
settings.register_profile("campaign", PATIENT, max_examples=5000)
settings.load_profile("campaign" if "CAMPAIGN" in os.environ else "project")


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer() as server:
        yield server


@pytest.fixture
async def client(api: ApiServer) -> AsyncIterator[Client]:
    async with Client(ClientConfig(api.url, namespace="operators")) as opened:
        yield opened
