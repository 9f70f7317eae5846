"""What is written, in which order and with which preconditions, and what the API server makes of it."""

import msgspec
import pytest

from nginx_operator.api import names
from nginx_operator.api.types import Child, Nginx, NginxSpec, ObjectMeta, ServiceSpec
from nginx_operator.children import CHILDREN
from nginx_operator.decide.compare import IMAGE, Difference
from nginx_operator.decide.plan import Apply, Plan, UpdateOwnerReference, plan
from nginx_operator.kube.client import Client
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, SERVICES
from nginx_operator.reconcile.executor import Executor
from nginx_operator.runtime.workqueue import RetryLater
from tests.support.apiserver.faults import Answer, Request, refused
from tests.support.apiserver.server import ApiServer
from tests.support.apiserver.status_errors import Object

DEPLOYMENT_KIND, _ = CHILDREN
NGINX, DEPLOYMENT, SERVICE = (resource.path("shop", "web") for resource in (NGINXES, DEPLOYMENTS, SERVICES))


class Observer:
    """What the executor tells the caches."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.deleted: list[str] = []

    def observe_write(self, plural: str, _key: tuple[str, str], _raw: bytes) -> None:
        self.written.append(plural)

    def observe_deletion(self, plural: str, _key: tuple[str, str], _name: str) -> None:
        self.deleted.append(plural)


@pytest.fixture
def api(api: ApiServer, nginx: Nginx) -> ApiServer:
    """An API server with the Nginx."""
    api.put(NGINX, {"metadata": {"uid": nginx.metadata.uid, "generation": nginx.metadata.generation}})
    return api


@pytest.fixture
def observer() -> Observer:
    return Observer()


@pytest.fixture
def executor(client: Client, observer: Observer) -> Executor:
    return Executor(client, observer)


async def test_children_are_created_only_where_nothing_is(
    executor: Executor, api: ApiServer, observer: Observer, nginx: Nginx, spec: NginxSpec
) -> None:
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert api.calls == ["patch deployments", "patch services"]
    assert [request.body["metadata"]["resourceVersion"] for request in api.sent("patch")] == ["1", "1"]
    assert {DEPLOYMENT, SERVICE} < api.objects.keys()
    assert outcome.complete
    assert observer.written == ["deployments", "services"]


async def test_nothing_to_do_says_nothing(executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec) -> None:
    paused = msgspec.structs.replace(spec, paused=True)
    assert (await executor.execute(nginx, plan(nginx.metadata, paused, {}))).complete
    assert api.calls == []


async def test_what_belongs_to_somebody_else_is_not_forced(
    executor: Executor, api: ApiServer, observer: Observer, nginx: Nginx, spec: NginxSpec
) -> None:
    theirs = api.put(SERVICE, {"spec": {"clusterIP": "None"}})
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert [(conflict.kind, conflict.owner) for conflict in outcome.name_conflicts] == [("Service", "no Nginx")]
    assert api.calls[-2:] == ["patch services", "get services"]
    assert api.objects[SERVICE] == theirs
    assert observer.written == ["deployments"]


async def test_what_is_ours_already_is_forced(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec
) -> None:
    actions = plan(nginx.metadata, spec, {})
    (deployment, _) = actions.actions
    assert isinstance(deployment, Apply)
    api.put(DEPLOYMENT, deployment.body)
    assert (await executor.execute(nginx, actions)).complete
    assert api.calls[:3] == ["patch deployments", "get deployments", "patch deployments force"]
    assert "resourceVersion" not in api.sent("patch")[1].body["metadata"]


async def test_what_is_gone_again_is_tried_again_later(
    executor: Executor, api: ApiServer, observer: Observer, nginx: Nginx, spec: NginxSpec
) -> None:
    api.faults.next("patch", "deployments", refused(409, "Conflict"))
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert (outcome.complete, outcome.transient, outcome.name_conflicts) == (False, 1, [])
    assert observer.written == ["services"]  # a child that cannot be written does not hold up the next


async def test_what_is_wrong_with_the_api_server_is_told(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec
) -> None:
    api.faults.next("patch", "deployments", refused(500, "InternalError"))
    outcome = await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    assert outcome.server_error.startswith("Deployment web: ")
    assert outcome.transient == 1


@pytest.mark.parametrize(
    "changed", [{"uid": "other"}, {"generation": 4}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}]
)
async def test_what_was_known_of_an_nginx_and_is_not_stored_any_more_is_not_acted_on(
    changed: Object, executor: Executor, api: ApiServer, nginx: Nginx
) -> None:
    api.put(NGINX, {"metadata": api.objects[NGINX]["metadata"] | changed})
    with pytest.raises(RetryLater):
        await executor.check_current(nginx)
    assert api.calls == ["get nginxes"]


async def test_an_update_names_the_child_and_a_deletion_its_version(
    executor: Executor, api: ApiServer, observer: Observer, nginx: Nginx, spec: NginxSpec, owner: ObjectMeta
) -> None:
    await executor.execute(nginx, plan(owner, spec, {}))
    deployment, service = api.objects[DEPLOYMENT], api.objects[SERVICE]
    observed = {
        plural: msgspec.json.decode(msgspec.json.encode(child), type=Child)
        for plural, child in (("deployments", deployment), ("services", service))
    }
    api.requests.clear()
    smaller = NginxSpec(count=1, image=spec.image, service=msgspec.structs.replace(spec.service, enabled=False))
    outcome = await executor.execute(nginx, plan(owner, smaller, observed))
    assert outcome.complete
    assert api.calls == ["patch deployments force", "delete services"]
    update, deletion = (request.body for request in api.requests)
    assert update["metadata"]["uid"] == deployment["metadata"]["uid"]
    assert deletion["preconditions"] == {key: service["metadata"][key] for key in ("uid", "resourceVersion")}
    assert api.objects[DEPLOYMENT]["spec"]["replicas"] == 1
    assert SERVICE not in api.objects
    assert observer.deleted == ["services"]


async def test_a_reference_is_readdressed_by_its_uid_in_one_version_of_the_child(
    executor: Executor, api: ApiServer, observer: Observer, nginx: Nginx
) -> None:
    stale = {"uid": nginx.metadata.uid, "apiVersion": "proxy.example.com/v1alpha0", "kind": names.KIND, "name": "web"}
    other = {**stale, "uid": "other"}
    version = api.put(DEPLOYMENT, {"metadata": {"ownerReferences": [other, stale]}})["metadata"]["resourceVersion"]
    outcome = await executor.execute(nginx, Plan((UpdateOwnerReference(DEPLOYMENT_KIND, "web", version),)))
    assert api.calls == ["patch deployments"]
    reference = {"uid": nginx.metadata.uid, "apiVersion": names.API_VERSION}
    assert api.requests[0].body == {"metadata": {"resourceVersion": version, "ownerReferences": [reference]}}
    assert api.objects[DEPLOYMENT]["metadata"]["ownerReferences"] == [other, stale | reference]
    assert (outcome.complete, observer.written) == (True, ["deployments"])


async def restored(api: ApiServer, executor: Executor, nginx: Nginx, spec: NginxSpec) -> Plan:
    """The plan for a Deployment as a backup brings it back: nobody controls it, and another manager has its fields."""
    await executor.execute(nginx, plan(nginx.metadata, spec, {}))
    backup = api.objects[DEPLOYMENT]
    api.store.remove(DEPLOYMENT)
    kept = {key: backup["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    api.put(DEPLOYMENT, {"metadata": kept, "spec": backup["spec"]}, "velero-server")
    observed = {
        plural: msgspec.json.decode(msgspec.json.encode(api.objects[path]), type=Child)
        for plural, path in (("deployments", DEPLOYMENT), ("services", SERVICE))
    }
    api.requests.clear()
    return plan(nginx.metadata, spec, observed)


async def test_what_is_adopted_is_ours_alone(
    executor: Executor, api: ApiServer, observer: Observer, nginx: Nginx, spec: NginxSpec
) -> None:
    due = await restored(api, executor, nginx, spec)
    before = api.objects[DEPLOYMENT]["metadata"]
    observer.written.clear()
    assert (await executor.execute(nginx, due)).complete
    assert api.calls == ["get deployments", "patch deployments", "patch deployments force"]
    patch = api.requests[1].body["metadata"]
    assert (patch["uid"], patch["resourceVersion"]) == (before["uid"], before["resourceVersion"])
    after = api.objects[DEPLOYMENT]["metadata"]
    assert [owner["uid"] for owner in after["ownerReferences"]] == [nginx.metadata.uid]
    assert after["annotations"] == before["annotations"]
    assert {(entry["manager"]) for entry in after["managedFields"]} == {names.FIELD_MANAGER}
    assert observer.written == ["deployments", "deployments"]


async def test_what_is_adopted_and_could_not_be_applied_is_applied_later(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec
) -> None:
    due = await restored(api, executor, nginx, spec)
    api.faults.next("patch", "deployments", lambda _: None, refused(500, "InternalError"))
    assert not (await executor.execute(nginx, due)).complete
    adopted = msgspec.json.decode(msgspec.json.encode(api.objects[DEPLOYMENT]), type=Child)
    (action, *_) = plan(nginx.metadata, spec, {"deployments": adopted}).actions
    assert isinstance(action, Apply)
    assert not action.creates


async def test_what_the_cluster_makes_of_an_adoption_is_told_too(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec
) -> None:
    due = await restored(api, executor, nginx, spec)
    mirrored = msgspec.json.decode(msgspec.json.encode(api.objects[DEPLOYMENT]))
    mirrored["spec"]["template"]["spec"]["containers"][0]["image"] = "mirror.example.com/nginx:1"
    api.faults.next("patch", "deployments", lambda _: None, Answer(200, mirrored))
    (done,) = (await executor.execute(nginx, due)).done
    assert (done.action, done.changed) == (due.actions[0], True)
    assert done.rewritten == [Difference(IMAGE, spec.image, "mirror.example.com/nginx:1")]


async def test_who_changes_what_is_about_to_be_adopted_keeps_it(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec
) -> None:
    due = await restored(api, executor, nginx, spec)
    api.put(DEPLOYMENT, {**api.objects[DEPLOYMENT], "status": {"replicas": 7}})
    outcome = await executor.execute(nginx, due)
    assert (outcome.complete, outcome.transient) == (False, 1)
    assert "ownerReferences" not in api.objects[DEPLOYMENT]["metadata"]


async def test_the_ownership_of_forced_fields_is_given_up_though_somebody_writes_meanwhile(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec, owner: ObjectMeta
) -> None:
    await executor.execute(nginx, plan(owner, spec, {}))
    observed = {"deployments": msgspec.json.decode(msgspec.json.encode(api.objects[DEPLOYMENT]), type=Child)}
    api.put(DEPLOYMENT, api.objects[DEPLOYMENT] | {"spec": {**api.objects[DEPLOYMENT]["spec"], "replicas": 7}})

    def somebody_writes(_: Request) -> None:
        api.put(DEPLOYMENT, api.objects[DEPLOYMENT] | {"status": {"replicas": 7}})

    # The apply is refused; the spec is replaced; somebody writes before the ownership of that is given up.
    api.faults.next("patch", "deployments", refused(422, "Invalid"), lambda _: None, somebody_writes)
    api.requests.clear()
    (action, *_) = plan(owner, NginxSpec(count=1, image=spec.image), observed).actions
    assert (await executor.execute(nginx, Plan((action,)))).complete
    assert api.calls == [
        *("patch deployments force", "get deployments", "patch deployments"),
        *("patch deployments", "get deployments", "patch deployments"),
        "patch deployments force",
    ]
    entries = api.objects[DEPLOYMENT]["metadata"]["managedFields"]
    assert (names.FIELD_MANAGER, "Update") not in {(entry["manager"], entry["operation"]) for entry in entries}


CLASS_REFUSED = Answer(
    422,
    {
        "kind": "Status",
        "code": 422,
        "reason": "Invalid",
        "message": "spec.loadBalancerClass: may not change once set",
        "details": {"causes": [{"reason": "FieldValueInvalid", "field": "spec.loadBalancerClass"}]},
    },
)


def balanced(spec: NginxSpec, name: str | None) -> NginxSpec:
    service = msgspec.structs.replace(spec.service, type="LoadBalancer", load_balancer_class=name)
    return msgspec.structs.replace(spec, service=service)


@pytest.mark.parametrize("refused", [True, False])
async def test_a_class_that_the_api_server_does_not_change_comes_by_way_of_a_cluster_ip(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec, owner: ObjectMeta, refused: bool
) -> None:
    await executor.execute(nginx, plan(owner, balanced(spec, "a"), {}))
    observed = {
        plural: msgspec.json.decode(msgspec.json.encode(api.objects[path]), type=Child)
        for plural, path in (("deployments", DEPLOYMENT), ("services", SERVICE))
    }
    api.requests.clear()
    if refused:
        api.faults.next("patch", "services", CLASS_REFUSED)
    outcome = await executor.execute(nginx, plan(owner, balanced(spec, "b"), observed))
    assert outcome.complete
    sent = [
        (request.body["spec"]["type"], request.body["spec"].get("loadBalancerClass")) for request in api.sent("patch")
    ]
    wanted = ("LoadBalancer", "b")
    assert sent == ([wanted, ("ClusterIP", None), wanted] if refused else [wanted])
    assert api.calls == ["patch services force"] * len(sent)
    (done,) = outcome.done
    assert isinstance(done.action, Apply)
    assert (done.action.via is not None) is refused  # so that the event tells what happened


async def test_an_answer_tells_what_was_changed_and_what_was_rewritten(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec, owner: ObjectMeta
) -> None:
    (action, _) = plan(owner, spec, {}).actions
    created = await executor.execute(nginx, Plan((action,)))
    assert [(done.changed, done.rewritten) for done in created.done] == [(True, [])]
    mirrored = api.objects[DEPLOYMENT]
    mirrored["spec"]["template"]["spec"]["containers"][0]["image"] = "mirror.example.com/nginx:1"
    live = msgspec.json.decode(msgspec.json.encode(api.put(DEPLOYMENT, mirrored)), type=Child)
    (action, _) = plan(owner, spec, {"deployments": live}).actions
    api.faults.next("patch", "deployments", Answer(200, api.objects[DEPLOYMENT]))  # admission writes the image again
    again = await executor.execute(nginx, Plan((action,)))
    assert [(done.changed, done.rewritten) for done in again.done] == [
        (False, [Difference(IMAGE, spec.image, "mirror.example.com/nginx:1")])
    ]


async def test_a_class_that_is_refused_otherwise_is_a_failure(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec, owner: ObjectMeta
) -> None:
    await executor.execute(nginx, plan(owner, spec, {}))
    service = msgspec.json.decode(msgspec.json.encode(api.objects[SERVICE]), type=Child)
    api.faults.next("patch", "services", CLASS_REFUSED)
    (_, action) = plan(owner, balanced(spec, "b"), {"services": service}).actions
    outcome = await executor.execute(nginx, Plan((action,)))
    assert [failure.what for failure in outcome.failures] == ["Service web"]


async def test_what_can_never_be_applied_is_not_forced(
    executor: Executor, api: ApiServer, nginx: Nginx, spec: NginxSpec, owner: ObjectMeta
) -> None:
    families = msgspec.structs.replace(spec, service=ServiceSpec(ip_families=("IPv6",)))
    await executor.execute(nginx, plan(owner, spec, {}))
    api.objects[SERVICE]["spec"]["ipFamilies"] = ["IPv4"]
    service = msgspec.json.decode(msgspec.json.encode(api.objects[SERVICE]), type=Child)
    (*_, action) = plan(owner, families, {"services": service}).actions
    api.faults.next("patch", "services", refused(422, "Invalid"))
    api.requests.clear()
    (failure,) = (await executor.execute(nginx, Plan((action,)))).failures
    assert api.calls == ["patch services force", "get services"]
    assert failure.message.startswith("a Service keeps its first IP family for life, and this one has IPv4; delete ")
