"""The API server of unit tests answers as the real one: the same requests to both, and their answers compared."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.resources import DEFINITIONS, MUTATING_CONFIGURATIONS
from testbed import Bed
from testbed.api import Connection, answers, trusting
from testbed.gobuild import KUBERNETES
from testbed.waiting import PATIENCE, until
from tests.support.apiserver.conformance.kinds import DEFINITION, WIDGETS
from tests.support.apiserver.conformance.player import Player
from tests.support.apiserver.server import ApiServer
from tests.support.beds import chosen_kubernetes


@pytest.fixture
def namespace(control_plane: Bed) -> Iterator[str]:
    """An empty namespace of a cluster that knows the script's own kind."""
    name = f"double-{uuid.uuid4().hex[:8]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    for path, made in (("/api/v1/namespaces", body), (DEFINITIONS.path(), DEFINITION)):
        status, answer = control_plane.request("POST", path, made)
        assert status == 201, answer
    access, address = control_plane.administrator, ("127.0.0.1", control_plane.state.port)
    until(
        lambda: answers(lambda: Connection(None, address, trusting(access.ca), access.token), WIDGETS.path(name)),
        seconds=PATIENCE,
        what="the script's own kind served",
    )
    yield name
    for path in (
        DEFINITIONS.path(None, DEFINITION["metadata"]["name"]),
        MUTATING_CONFIGURATIONS.path(None, "double.example.com"),
        f"/api/v1/namespaces/{name}",
    ):
        control_plane.request("DELETE", path)


@pytest.mark.skipif(chosen_kubernetes() is not KUBERNETES, reason="the double is of the newest Kubernetes")
async def test_both_answer_alike(control_plane: Bed, namespace: str) -> None:
    administrator = control_plane.administrator
    real = ClientConfig(administrator.server, ca_file=str(administrator.ca), token=lambda: administrator.token)
    expected = await Player(real, namespace).play()
    async with ApiServer() as api:
        found = await Player(ClientConfig(api.url), namespace).play()
    differing: list[tuple[str, Any, Any]] = [
        (str(step), wanted, answer)
        for (step, wanted), (_, answer) in zip(expected, found, strict=True)
        if wanted != answer
    ]
    assert differing == []
