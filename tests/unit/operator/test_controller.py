"""The controller's parts together: what it waits for, and namespaces that may not be read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from nginx_operator.controller import Controller
from nginx_operator.kube.client import Client
from nginx_operator.kube.resources import DEPLOYMENTS, NAMESPACES, NGINXES
from nginx_operator.metrics import Metrics
from nginx_operator.policy_file import PolicyFile
from nginx_operator.serving import health
from nginx_operator.settings import Settings
from tests.support.apiserver.faults import Answer, Request, refused
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until

SETTINGS = Settings(namespaces=("a", "b"), leader_election=False, workers=2)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("kube.reflector", "runtime.preflight"):
        monkeypatch.setattr(f"nginx_operator.{module}._FIRST_DELAY", 0.01)
        monkeypatch.setattr(f"nginx_operator.{module}._LONGEST_DELAY", 0.02)


@dataclass
class Rights:
    """Who may read what, changed as the test goes on."""

    refused: frozenset[str] = frozenset()
    definition: bool = True

    def hook(self, request: Request) -> Answer | None:
        if request.info.plural == NGINXES.plural and not self.definition:
            return refused(404, "NotFound", "the server could not find the requested resource")
        if request.info.namespace not in self.refused:
            return None
        return refused(403, "Forbidden", f"{request.info.plural} is forbidden in namespace {request.info.namespace}")


@dataclass
class Story:
    """A controller, started, and the world around it."""

    api: ApiServer
    controller: Controller
    metrics: Metrics
    rights: Rights
    started: asyncio.Task[None]

    def left_out(self) -> int:
        return int(self.value("nginx_operator_namespaces_left_out"))

    def value(self, name: str) -> float:
        found = [line for line in generate_latest(self.metrics.registry).decode().splitlines() if line.startswith(name)]
        return float(found[0].split()[-1])

    def create(self, namespace: str, name: str = "web", **spec: Any) -> None:
        spec = {"count": 1, "image": "example.com/nginx:1", **spec}
        self.api.put(NGINXES.path(namespace, name), {"spec": spec})

    def works(self, namespace: str, name: str = "web") -> bool:
        return DEPLOYMENTS.path(namespace, name) in self.api.objects

    def cut_watches(self) -> None:
        for watch in list(self.api.watches):
            watch.end()


@asynccontextmanager
async def telling(api: ApiServer, client: Client, *refused: str, settings: Settings = SETTINGS) -> AsyncIterator[Story]:
    metrics, rights = Metrics(), Rights(frozenset(refused))
    failures: list[str] = []
    controller = Controller(settings, client, PolicyFile(settings.policy_file), metrics, failures.append)
    with api.faults.every("*", "*", rights.hook):
        started = asyncio.create_task(controller.start())
        try:
            yield Story(api, controller, metrics, rights, started)
        finally:
            started.cancel()
            await asyncio.gather(started, return_exceptions=True)
            await controller.stop()
    assert failures == []


async def test_a_namespace_that_may_not_be_read_holds_up_no_other_and_comes_back_by_itself(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with telling(api, client, "b") as story:
        await until(lambda: story.controller.unready() is None)
        assert "namespace b is left out until it can be read" in caplog.text
        assert "helm upgrade gives the operator its Role back" in caplog.text
        await until(lambda: story.left_out() == 1)
        story.create("a")
        story.create("b")
        await until(lambda: story.works("a"))
        assert "may not be read: namespaces b. Where one was recreated, helm upgrade" in story.controller.notice()
        assert not story.works("b")

        story.rights.refused = frozenset()
        await until(lambda: story.works("b"))
        assert story.controller.unready() is None
        assert story.controller.notice() == ""
        assert story.left_out() == 0


async def test_a_namespace_that_goes_while_we_run_is_left_alone_until_it_is_back(
    api: ApiServer, client: Client
) -> None:
    async with telling(api, client) as story:
        story.create("b", "old")
        await until(lambda: story.works("b", "old"))
        story.rights.refused = frozenset({"b"})
        story.cut_watches()
        await until(lambda: story.left_out() == 1)
        assert story.controller.unready() is None
        assert {nginx.metadata.namespace for nginx in story.controller._caches.nginxes()} == set()

        api.requests.clear()
        story.controller._queue.add(("b", "old"))  # as a change that came with the last breath of the watch does
        story.create("a")
        await until(lambda: story.works("a"))
        await until(lambda: not story.controller._queue)
        assert not [sent for sent in api.requests if sent.info.namespace == "b" and sent.verb not in ("list", "watch")]
        assert story.value('nginx_operator_reconcile_total{result="requeue"}') > 0

        story.create("b", "new")
        story.rights.refused = frozenset()
        await until(lambda: story.works("b", "new"))


async def test_a_definition_that_is_deleted_while_we_run_is_named_and_waited_for(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with telling(api, client, settings=replace(SETTINGS, namespaces=())) as story:
        await until(lambda: story.controller.unready() is None)
        assert story.value('nginx_operator_watch_failing{resource="nginxes"}') == 0
        missing = "CustomResourceDefinition nginxes.proxy.example.com is not installed"
        story.rights.definition = False
        story.cut_watches()
        await until(lambda: story.controller.unready() == missing)
        assert f"cannot watch nginxes: {missing}" in caplog.text
        await until(lambda: story.value('nginx_operator_watch_failing{resource="nginxes"}') == 1)
        assert story.controller.unhealthy() is None
        story.rights.definition = True
        await until(lambda: story.controller.unready() is None)
        story.create("a")
        await until(lambda: story.works("a"))


async def test_where_nothing_at_all_may_be_read_it_waits(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with telling(api, client, "a", "b") as story:
        await until(lambda: "missing permission: nginxes is forbidden in namespace a" in caplog.text)
        assert story.controller.unready() is not None
        story.rights.refused = frozenset({"a"})
        await until(lambda: story.controller.unready() is None)


async def test_a_new_policy_is_adopted_while_a_namespace_is_left_out(
    api: ApiServer, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nginx_operator.controller._POLICY_PERIOD", 0.01)
    policy = tmp_path / "policy.yaml"
    policy.write_text("maxCount: 3\n")
    api.put(NAMESPACES.path(None, "a"), {"metadata": {"labels": {"tier": "gold"}}})
    async with telling(api, client, "b", settings=replace(SETTINGS, policy_file=policy)) as story:
        await until(lambda: story.controller.unready() is None)
        story.create("a", count=5)
        classes = "classes: [{name: gold, selector: {key: tier, operator: In, values: [gold]}, maxCount: 9}]\n"
        policy.write_text("maxCount: 3\n" + classes)
        await until(lambda: story.works("a"))


@pytest.mark.parametrize("waiting", [True, False], ids=["for the definition", "for an event"])
async def test_who_waits_to_start_stands_not_still(
    waiting: bool, api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes without the CRD are no reason for the kubelet to end us; ten of a silent watch are."""
    monkeypatch.setattr(health, "_STUCK_SECONDS", 0.0)
    absent: Callable[[Request], Answer | None] = lambda _: refused(404, "NotFound") if waiting else None  # noqa: E731
    with api.faults.every("list", "nginxes", absent):
        async with telling(api, client, settings=replace(SETTINGS, namespaces=())) as story:
            if waiting:
                await until(lambda: len(api.sent("list")) > 3)
                assert story.controller.unhealthy() is None
            else:
                await until(lambda: "stood still" in (story.controller.unhealthy() or ""))
