"""Objects as the API server would send them, made small."""

import pytest

from nginx_operator.api.types import Nginx, NginxSpec, ObjectMeta

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
