"""These tests run on uvloop, as the process does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from tests.support.apiserver.server import ApiServer


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def client(api: ApiServer) -> AsyncIterator[Client]:
    async with Client(ClientConfig(server=api.url), user_agent="test") as opened:
        yield opened
