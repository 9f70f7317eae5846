"""What is written, in which order and with which preconditions, to an API server that answers as a test says."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from nginx_operator.api.types import Child, Nginx, NginxSpec, ObjectMeta
from nginx_operator.cluster.client import Client
from nginx_operator.cluster.connection import Connection
from nginx_operator.execute import Executor
from nginx_operator.plan import Apply, plan
from nginx_operator.workqueue import RetryLater

Object = dict[str, Any]


class Conversation:
    """Real HTTP on loopback. Each request gets the next answer that was prepared for its method and plural.

    Attributes:
        answers: (method, plural) -> (status, body) in order; without one a GET finds nothing, and a write is echoed.
        heard: "METHOD plural", and "force" for an apply by force.
        bodies: of the writes.
    """

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], list[tuple[int, Object]]] = {}
        self.heard: list[str] = []
        self.bodies: list[Object] = []
        self.assumed: list[str] = []
        self.forgotten: list[str] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        plural = request.path.split("/")[-2]
        force = " force" if request.query.get("force") == "true" else ""
        self.heard.append(f"{request.method} {plural}{force}")
        body = json.loads(await request.read() or b"{}")
        if request.method != "GET":
            self.bodies.append(body)
        prepared = self.answers.get((request.method, plural))
        if prepared:
            status, answer = prepared.pop(0)
        elif request.method == "GET":
            status, answer = failure(404, "NotFound")
        else:
            status, answer = 200, stored(body)
        return web.json_response(answer, status=status)

    def assume(self, plural: str, _raw: bytes) -> None:
        self.assumed.append(plural)

    def forget(self, plural: str, _key: tuple[str, str]) -> None:
        self.forgotten.append(plural)


def stored(body: Object, **meta: Any) -> Object:
    return {**body, "metadata": {**body.get("metadata", {}), "uid": "child", "resourceVersion": "7", **meta}}


def failure(code: int, reason: str, *causes: str) -> tuple[int, Object]:
    details = {"causes": [{"reason": cause} for cause in causes]}
    return code, {"kind": "Status", "code": code, "reason": reason, "message": reason, "details": details}


@pytest.fixture
def talk(nginx: Nginx) -> Conversation:
    talk = Conversation()
    meta = {"name": "web", "namespace": "shop", "uid": nginx.metadata.uid, "generation": nginx.metadata.generation}
    talk.answers["GET", "nginxes"] = [(200, {"metadata": meta})]
    return talk


@pytest.fixture
async def executor(talk: Conversation) -> AsyncIterator[Executor]:
    runner = web.ServerRunner(web.Server(talk.handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Client(Connection(f"http://127.0.0.1:{runner.addresses[0][1]}")) as client:
        yield Executor(client, talk)
    await runner.cleanup()


def foreign(kind: str) -> Object:
    return {"kind": kind, "metadata": {"name": "web", "namespace": "shop", "uid": "theirs", "resourceVersion": "3"}}


async def test_children_are_looked_for_before_they_are_created(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert talk.heard == ["GET nginxes", "GET deployments", "PATCH deployments", "GET services", "PATCH services"]
    assert outcome.complete
    assert talk.assumed == ["deployments", "services"]


async def test_nothing_to_do_says_nothing(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    paused = msgspec.structs.replace(spec, paused=True)
    assert (await executor.execute(nginx, plan(nginx.metadata, paused, {}))).complete
    assert talk.heard == []


async def test_what_belongs_to_somebody_else_is_not_written(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    talk.answers["GET", "services"] = [(200, foreign("Service"))]
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert [(conflict.kind, conflict.owner) for conflict in outcome.conflicts] == [("Service", "no Nginx")]
    assert "PATCH services" not in talk.heard
    assert talk.assumed == ["deployments"]


async def test_what_is_ours_already_is_forced(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    actions = plan(nginx.metadata, spec, {})
    (deployment, _) = actions.actions
    assert isinstance(deployment, Apply)
    talk.answers["GET", "deployments"] = [(200, stored(deployment.body))]
    await executor.execute(nginx, actions)
    assert "PATCH deployments force" in talk.heard


async def test_what_comes_between_look_and_write_is_looked_at_again_later(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    talk.answers["PATCH", "deployments"] = [failure(409, "Conflict", "FieldManagerConflict")]
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert (outcome.complete, outcome.passing, outcome.conflicts) == (False, 1, [])
    assert talk.assumed == ["services"]  # a child that cannot be written does not hold up the next


@pytest.mark.parametrize(
    "changed", [{"uid": "other"}, {"generation": 4}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}]
)
async def test_a_plan_for_a_state_that_is_gone_is_not_carried_out(
    changed: Object, executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    (_, found), *_ = talk.answers["GET", "nginxes"]
    found["metadata"] |= changed
    with pytest.raises(RetryLater):
        await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert talk.heard == ["GET nginxes"]


async def test_an_update_names_the_child_and_a_deletion_its_version(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec, owner: ObjectMeta
) -> None:
    made = [action for action in plan(owner, spec, {}).actions if isinstance(action, Apply)]
    observed = {a.kind.plural: msgspec.json.decode(json.dumps(stored(a.body)), type=Child) for a in made}
    smaller = NginxSpec(count=1, image=spec.image, service=msgspec.structs.replace(spec.service, enabled=False))
    outcome = await executor.execute(nginx, plan(owner, smaller, observed))
    assert outcome.complete
    assert talk.heard == ["GET nginxes", "PATCH deployments force", "DELETE services"]
    update, deletion = talk.bodies
    assert update["metadata"]["uid"] == "child"
    assert deletion["preconditions"] == {"uid": "child", "resourceVersion": "7"}
    assert talk.forgotten == ["services"]
