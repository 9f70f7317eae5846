"""ConfigMaps of earlier configurations go when no ReplicaSet needs them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from nginx_operator.api import names
from nginx_operator.kube.client import Client
from nginx_operator.kube.resources import CONFIG_MAPS, REPLICA_SETS
from tests.support.apiserver.server import ApiServer
from tests.support.reconciling import DEPLOYMENT, KEY, WEB, Operator, running
from tests.support.waiting import until


@pytest.fixture
async def operator(api: ApiServer, client: Client) -> AsyncIterator[Operator]:
    async with running(api, client) as found:
        yield found


async def serve(operator: Operator, word: str) -> str:
    """Has the Nginx serve another text, to the end of the rollout. Returns the name of its ConfigMap."""
    spec = {"count": 0, "image": "example.com/nginx:1", "config": {"http": {"inline": f"# {word}"}}}
    operator.api.put(WEB, {"spec": spec})
    await until(lambda: (found := operator.caches.nginx(KEY)) is not None and found.spec == spec)
    await operator.settled()
    deployment = operator.api.objects[DEPLOYMENT]
    status = {"observedGeneration": deployment["metadata"]["generation"], "updatedReplicas": 0}
    operator.api.put(DEPLOYMENT, {**deployment, "status": status})
    await until(
        lambda: operator.caches.children(KEY)["deployments"].status.observed_generation == status["observedGeneration"]
    )
    return f"web-{deployment['spec']['template']['metadata']['labels'][names.LABEL_CONFIG]}"


def replica_set(operator: Operator, config_map: str) -> str:
    """A ReplicaSet of the Deployment as it is. Returns its path."""
    path = REPLICA_SETS.path(KEY[0], f"rs-{config_map}")
    labels = {**names.labels("web"), names.LABEL_CONFIG: config_map.removeprefix("web-")}
    operator.api.put(path, {"metadata": {"labels": labels}})
    return path


def stored(operator: Operator) -> set[str]:
    return {path.rpartition("/")[2] for path in operator.api.objects if "/configmaps/" in path}


def lists(operator: Operator) -> int:
    return sum(call.startswith("list replicasets") for call in operator.api.calls)


async def test_one_is_kept_as_long_as_a_replica_set_needs_it(operator: Operator) -> None:
    first = await serve(operator, "one")
    await operator.settled()
    assert (stored(operator), lists(operator)) == ({first}, 0)
    path = replica_set(operator, first)
    second = await serve(operator, "two")
    await operator.settled()
    await operator.settled()
    assert (stored(operator), lists(operator)) == ({first, second}, 1)
    operator.api.delete(path)
    replica_set(operator, second)
    third = await serve(operator, "three")
    await operator.settled()
    assert stored(operator) == {second, third}


async def test_one_that_is_being_deleted_is_not_deleted_again(operator: Operator) -> None:
    first = await serve(operator, "one")
    path = CONFIG_MAPS.path(KEY[0], first)
    before = operator.api.objects[path]
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/kept"]}
    operator.api.put(path, {**before, "metadata": before["metadata"] | going})
    await until(lambda: operator.caches.config_maps(KEY)[first].metadata.deletion_timestamp is not None)
    second = await serve(operator, "two")
    await operator.settled()
    assert stored(operator) == {first, second}
    assert not [call for call in operator.api.calls if call.startswith("delete")]


async def test_what_others_made_and_what_pods_wait_for_stays(operator: Operator) -> None:
    await serve(operator, "one")
    mine: dict[str, Any] = {"metadata": {"labels": names.labels("web")}, "data": {}}
    operator.api.put(CONFIG_MAPS.path(KEY[0], "web-settings"), mine)
    await until(lambda: "web-settings" in operator.caches.config_maps(KEY))
    second = await serve(operator, "two")
    deployment = operator.api.objects[DEPLOYMENT]
    operator.api.put(DEPLOYMENT, {**deployment, "status": {"observedGeneration": 0}})  # has not begun yet
    await until(lambda: operator.caches.children(KEY)["deployments"].status.observed_generation == 0)
    before = stored(operator)
    await operator.settled()
    assert stored(operator) == before
    operator.api.put(DEPLOYMENT, {**operator.api.objects[DEPLOYMENT], "status": deployment["status"]})
    await until(lambda: operator.caches.children(KEY)["deployments"].status.observed_generation > 0)
    await operator.settled()
    assert stored(operator) == {second, "web-settings"}
