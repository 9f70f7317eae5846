"""What is written, in which order and with which preconditions, to an API server that answers as a test says."""

import json

import msgspec
import pytest

from nginx_operator.api import names
from nginx_operator.api.types import Child, Nginx, NginxSpec, ObjectMeta
from nginx_operator.children import CHILDREN
from nginx_operator.decide.plan import Apply, Plan, UpdateOwnerReference, plan
from nginx_operator.kube.client import Client
from nginx_operator.reconcile.executor import Executor
from nginx_operator.runtime.workqueue import RetryLater
from tests.support.apiserver.conversation import Conversation, Object, failure, stored

DEPLOYMENT, _ = CHILDREN


class Observer:
    """What the executor tells the caches."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.deleted: list[str] = []

    def observe_write(self, plural: str, _key: tuple[str, str], _raw: bytes) -> None:
        self.written.append(plural)

    def observe_deletion(self, plural: str, _key: tuple[str, str]) -> None:
        self.deleted.append(plural)


@pytest.fixture
def talk(talk: Conversation, nginx: Nginx) -> Conversation:
    meta = {"name": "web", "namespace": "shop", "uid": nginx.metadata.uid, "generation": nginx.metadata.generation}
    talk.answer("GET", "nginxes", (200, {"metadata": meta}))
    return talk


@pytest.fixture
def observer() -> Observer:
    return Observer()


@pytest.fixture
def executor(client: Client, observer: Observer) -> Executor:
    return Executor(client, observer)


def foreign(kind: str) -> Object:
    return {"kind": kind, "metadata": {"name": "web", "namespace": "shop", "uid": "theirs", "resourceVersion": "3"}}


async def test_children_are_created_only_where_nothing_is(
    executor: Executor, talk: Conversation, observer: Observer, nginx: Nginx, spec: NginxSpec
) -> None:
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert talk.heard == ["GET nginxes", "PATCH deployments", "PATCH services"]
    assert [body["metadata"]["resourceVersion"] for body in talk.bodies] == ["1", "1"]
    assert outcome.complete
    assert observer.written == ["deployments", "services"]


async def test_nothing_to_do_says_nothing(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    paused = msgspec.structs.replace(spec, paused=True)
    assert (await executor.execute(nginx, plan(nginx.metadata, paused, {}))).complete
    assert talk.heard == []


async def test_what_belongs_to_somebody_else_is_not_forced(
    executor: Executor, talk: Conversation, observer: Observer, nginx: Nginx, spec: NginxSpec
) -> None:
    talk.answer("PATCH", "services", failure(409, "Conflict"))
    talk.answer("GET", "services", (200, foreign("Service")))
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert [(conflict.kind, conflict.owner) for conflict in outcome.conflicts] == [("Service", "no Nginx")]
    assert talk.heard[-2:] == ["PATCH services", "GET services"]
    assert observer.written == ["deployments"]


async def test_what_is_ours_already_is_forced(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    actions = plan(nginx.metadata, spec, {})
    (deployment, _) = actions.actions
    assert isinstance(deployment, Apply)
    talk.answer("PATCH", "deployments", failure(409, "Conflict"), (200, stored(deployment.body)))
    talk.answer("GET", "deployments", (200, stored(deployment.body)))
    assert (await executor.execute(nginx, actions)).complete
    assert talk.heard[1:4] == ["PATCH deployments", "GET deployments", "PATCH deployments force"]
    assert "resourceVersion" not in talk.bodies[1]["metadata"]


async def test_what_is_gone_again_is_tried_again_later(
    executor: Executor, talk: Conversation, observer: Observer, nginx: Nginx, spec: NginxSpec
) -> None:
    talk.answer("PATCH", "deployments", failure(409, "Conflict"))
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert (outcome.complete, outcome.transient, outcome.conflicts) == (False, 1, [])
    assert observer.written == ["services"]  # a child that cannot be written does not hold up the next


async def test_what_is_wrong_with_the_api_server_is_told(
    executor: Executor, talk: Conversation, nginx: Nginx, spec: NginxSpec
) -> None:
    talk.answer("PATCH", "deployments", failure(500, "InternalError"))
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert outcome.trouble.startswith("Deployment web: ")
    assert outcome.transient == 1


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
    executor: Executor, talk: Conversation, observer: Observer, nginx: Nginx, spec: NginxSpec, owner: ObjectMeta
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
    assert observer.deleted == ["services"]


async def test_a_reference_is_readdressed_by_its_uid_in_one_version_of_the_child(
    executor: Executor, talk: Conversation, observer: Observer, nginx: Nginx
) -> None:
    outcome = await executor.execute(nginx, Plan((UpdateOwnerReference(DEPLOYMENT, "web", "5"),)))
    assert talk.heard == ["GET nginxes", "PATCH deployments"]
    reference = {"uid": nginx.metadata.uid, "apiVersion": names.API_VERSION}
    assert talk.bodies == [{"metadata": {"resourceVersion": "5", "ownerReferences": [reference]}}]
    assert (outcome.complete, observer.written) == (True, ["deployments"])
