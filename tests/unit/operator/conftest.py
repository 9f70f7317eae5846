"""Objects as the API server would send them, made small."""

from collections.abc import AsyncIterator

import pytest

from nginx_operator.api.types import Nginx, NginxSpec, ObjectMeta
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from tests.support.apiserver.server import ApiServer

IMAGE = "example.com/nginx:1.30"


@pytest.fixture
def owner() -> ObjectMeta:
    return ObjectMeta(name="web", namespace="shop", uid="uid-1", resource_version="10", generation=3)


@pytest.fixture
def spec() -> NginxSpec:
    return NginxSpec(count=2, image=IMAGE)


@pytest.fixture
def nginx(owner: ObjectMeta) -> Nginx:
    return Nginx(metadata=owner, spec={"count": 2, "image": IMAGE})


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer() as server:
        yield server


@pytest.fixture
async def client(api: ApiServer) -> AsyncIterator[Client]:
    async with Client(ClientConfig(api.url, namespace="operators")) as opened:
        yield opened
