"""When an Nginx is read live before its children are written: where the cache may hold old news of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from nginx_operator.kube.client import Client
from nginx_operator.runtime.workqueue import RetryLater
from tests.support.apiserver.server import ApiServer
from tests.support.reconciling import DEPLOYMENT, KEY, WEB, Operator, drift, running
from tests.support.waiting import until

IMAGE = "example.com/nginx:1"


@pytest.fixture
async def operator(api: ApiServer, client: Client) -> AsyncIterator[Operator]:
    """One that leads, and an Nginx of before."""
    api.put(WEB, {"spec": {"count": 2, "image": IMAGE}})
    async with running(api, client) as found:
        await found.caches.scopes[0].take_baseline()
        api.requests.clear()
        yield found


def reads(operator: Operator) -> int:
    """How often the Nginx was read live since the last call."""
    found = operator.api.calls.count("get nginxes")
    operator.api.requests.clear()
    return found


async def known(operator: Operator, count: int) -> None:
    def look() -> bool:
        nginx = operator.caches.nginx(KEY)
        return nginx is not None and nginx.spec["count"] == count

    await until(look)


async def scale(operator: Operator, count: int) -> None:
    operator.put(count)
    await known(operator, count)
    await operator.settled()


async def test_an_nginx_of_before_is_read_once(operator: Operator) -> None:
    await operator.settled()
    assert reads(operator) == 1
    await scale(operator, 3)
    await scale(operator, 4)
    assert reads(operator) == 0


async def test_one_that_the_watch_tells_of_is_not_read(operator: Operator) -> None:
    operator.api.delete(WEB)
    await until(lambda: operator.caches.nginx(KEY) is None)
    await scale(operator, 1)
    await scale(operator, 2)
    assert operator.api.objects[DEPLOYMENT]["spec"]["replicas"] == 2
    assert reads(operator) == 0


async def test_until_the_leader_knows_which_version_it_is_each_write_is_preceded_by_a_read(
    api: ApiServer, client: Client
) -> None:
    async with running(api, client) as operator:
        operator.put(1)
        await known(operator, 1)
        await operator.settled()
        await scale(operator, 2)
        assert reads(operator) == 2


async def test_what_an_earlier_leader_may_have_seen_is_read(api: ApiServer, client: Client) -> None:
    """The watch of a standby is behind: a former leader has acted on more than it tells."""
    async with running(api, client) as operator:
        operator.put(1)
        await known(operator, 1)
        await operator.caches.scopes[0].take_baseline()  # it leads now
        await operator.settled()
        assert reads(operator) == 1


async def test_after_another_list_it_is_read_again(operator: Operator) -> None:
    await operator.settled()
    reads(operator)
    store = operator.caches.scopes[0].informers["nginxes"].store
    lists = store.baseline.lists
    operator.api.compact()
    await until(lambda: store.baseline.lists > lists)
    await drift(operator, 7)
    await operator.settled()
    await drift(operator, 8)
    await operator.settled()
    assert reads(operator) == 1


async def test_a_child_that_was_there_is_made_again_only_if_the_nginx_is(operator: Operator) -> None:
    await operator.settled()
    known_of = operator.caches.nginx(KEY)
    assert known_of is not None
    operator.api.delete(DEPLOYMENT)
    await until(lambda: "deployments" not in operator.caches.children(KEY))
    operator.api.delete(WEB)
    await until(lambda: operator.caches.nginx(KEY) is None)
    operator.caches.scopes[0].informers["nginxes"].store.observe("ADDED", known_of)  # as if the watch had not told yet
    operator.api.requests.clear()
    with pytest.raises(RetryLater, match="the Nginx is gone"):
        await operator.reconciler.reconcile(KEY)
    assert DEPLOYMENT not in operator.api.objects


async def test_a_stale_list_undoes_nothing(operator: Operator) -> None:
    """An API server that is behind shows a state that was acted on before."""
    store: Any = operator.caches.scopes[0].informers["nginxes"].store
    await operator.settled()
    old = operator.caches.nginx(KEY)
    assert old is not None
    await scale(operator, 3)
    store.replace([old], old.metadata.resource_version)
    with pytest.raises(RetryLater, match="the spec has changed"):
        await operator.reconciler.reconcile(KEY)
    assert operator.api.objects[DEPLOYMENT]["spec"]["replicas"] == 3
