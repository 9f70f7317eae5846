"""What the operator makes of an Nginx, and how it keeps it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from bench.audit import Audit
from nginx_operator.api import names
from nginx_operator.reconcile.write_conflicts import BURST
from testbed.waiting import PATIENCE, until
from tests.support.answers import ready_condition
from tests.support.namespaces import RESOURCES, Namespace, serving
from tests.support.product import IMAGE


def test_three_pods_are_named_in_the_status(namespace: Namespace) -> None:
    namespace.apply({"count": 3})
    namespace.kubectl("wait", "--for=condition=Ready", "nginx/web", "--timeout=150s")
    found = namespace.get("nginx")
    pods = namespace.list("pod")
    assert found is not None
    assert found["status"]["nodes"] == sorted(pod["metadata"]["name"] for pod in pods)
    assert (found["status"]["count"], found["status"]["readyCount"]) == (3, 3)
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"]
    assert found["status"]["image"] == found["spec"]["image"]
    assert found["status"]["selector"] == names.selector("web")
    assert ready_condition(found)["message"] == "all 3 pods are ready"


def test_nothing_is_written_on_the_users_resource_but_its_status(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    found = namespace.wait("nginx", serving(1))
    assert "finalizers" not in found["metadata"]
    assert list(found["metadata"].get("annotations", {})) == ["kubectl.kubernetes.io/last-applied-configuration"]
    theirs = [entry for entry in found["metadata"]["managedFields"] if entry["manager"] == names.FIELD_MANAGER]
    assert [entry["subresource"] for entry in theirs] == ["status"]


def test_kubectl_get_shows_what_matters(namespace: Namespace) -> None:
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))
    header, row = namespace.kubectl("get", "ngx").stdout.splitlines()
    assert header.split() == ["NAME", "COUNT", "READY", "STATUS", "AGE"]
    assert row.split()[:4] == ["web", "2", "2", "Ready"]


def test_scale_follows_and_reports(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    namespace.kubectl("scale", "nginx", "web", "--replicas=3")
    namespace.wait("nginx", serving(3))
    scale = json.loads(namespace.kubectl("get", "nginx", "web", "--subresource=scale", "-o", "json").stdout)
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 3)
    assert scale["status"]["selector"] == names.selector("web")
    namespace.kubectl("scale", "nginx", "web", "--replicas=0")
    assert namespace.wait_reason("Stopped")["status"] == "True"
    found = namespace.get("nginx")
    assert found is not None
    assert found["status"]["nodes"] == []


@pytest.mark.parametrize(
    ("kind", "patch", "repaired"),
    [
        ("deployment", {"spec": {"replicas": 5}}, lambda d: d["spec"]["replicas"] == 2),
        (
            "deployment",
            {"metadata": {"labels": {names.LABEL_INSTANCE: None}}},
            lambda d: d["metadata"]["labels"].get(names.LABEL_INSTANCE) == "web",
        ),
        ("service", {"spec": {"ports": [{"port": 8888}]}}, lambda s: s["spec"]["ports"][0]["port"] == 80),
        ("service", {"spec": {"selector": {"x": "y"}}}, lambda s: s["spec"]["selector"] == names.labels("web")),
    ],
)
def test_what_somebody_edits_is_put_back(namespace: Namespace, kind: str, patch: Any, repaired: Any) -> None:
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))
    namespace.kubectl("patch", kind, "web", "--type=merge", "-p", json.dumps(patch))
    namespace.wait(kind, repaired)


IN_POD = "spec.template.spec.containers[nginx]"
ANOTHER_PORT = json.dumps([{"op": "replace", "path": "/spec/ports/0/port", "value": 81}])


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            ("scale", "deployment", "web", "--replicas=5"),
            "Deployment web: spec.replicas 5 -> 2, changed by kubectl (scale): "
            "scale the Nginx, or point the autoscaler at it",
        ),
        (
            ("set", "image", "deployment/web", "nginx=example.com/other:1"),
            f"{IN_POD}.image example.com/other:1 -> {IMAGE}, changed by kubectl-set: set spec.image of the Nginx",
        ),
        (
            ("patch", "service", "web", "--type=json", "-p", ANOTHER_PORT),
            "changed by kubectl-patch: set spec.service of the Nginx",
        ),
        (
            ("label", "service", "web", f"{names.LABEL_NAME}-"),
            f"metadata.labels[{names.LABEL_NAME}] none -> nginx, changed by somebody: the operator sets this field",
        ),
    ],
    ids=["scale", "set image", "patch", "label"],
)
def test_a_repair_names_the_field_who_changed_it_and_what_to_do(
    namespace: Namespace, command: tuple[str, ...], told: str
) -> None:
    namespace.apply({"count": 2, "image": IMAGE})
    namespace.wait("nginx", serving(2))
    namespace.kubectl(*command)

    def repairs() -> list[str]:
        return [event["message"] for event in namespace.list("event") if event["reason"] == "Repaired"]

    until(repairs, seconds=PATIENCE, what="the event of the repair")
    (message,) = repairs()
    assert told in message


def fight(namespace: Namespace, undo: Callable[[], bool]) -> None:
    """Undoes what the operator writes until it says so; that has to be soon."""
    undone = 0

    def contested() -> bool:
        nonlocal undone
        undone += undo()
        assert undone < 3 * BURST, "the operator writes as fast as somebody undoes it"
        return any(event["reason"] == "Contested" for event in namespace.list("event"))

    until(contested, seconds=PATIENCE, what="a contest")


def test_a_name_that_is_taken_excuses_no_fight_over_the_other_child(namespace: Namespace) -> None:
    namespace.kubectl("create", "service", "clusterip", "web", "--tcp=80")
    namespace.apply({"count": 1})
    namespace.wait_reason("NameConflict")
    path = RESOURCES["deployment"].path(namespace.name, "web")
    merge = {"Content-Type": "application/merge-patch+json"}

    def undo() -> bool:
        if namespace.bed.request("GET", path)[1]["spec"]["replicas"] != 1:
            return False
        return namespace.bed.request("PATCH", path, {"spec": {"replicas": 2}}, merge)[0] == 200

    fight(namespace, undo)


def test_who_deletes_a_child_without_end_is_contested_too(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    path = RESOURCES["service"].path(namespace.name, "web")
    fight(namespace, lambda: namespace.bed.request("DELETE", path)[0] == 200)
    assert "somebody else keeps undoing" in namespace.wait_reason("Contested")["message"]
    namespace.wait("service", lambda _: True)
    namespace.wait("nginx", serving(1))


IN_CONTAINER = {
    "another probe": {"readinessProbe": {"httpGet": {"path": "/", "port": 80}, "tcpSocket": None}},
    "another handler": {"lifecycle": {"preStop": {"exec": {"command": ["true"]}, "sleep": None}}},
    "too small limits": {"resources": {"requests": {"cpu": "5m"}, "limits": {"cpu": "10m"}}},
}


@pytest.mark.parametrize("edit", IN_CONTAINER.values(), ids=IN_CONTAINER.keys())
def test_what_is_invalid_together_with_ours_makes_room(namespace: Namespace, edit: dict[str, Any]) -> None:
    namespace.apply({"count": 1, "resources": {"requests": {"cpu": "50m"}}})
    namespace.wait("nginx", serving(1))
    before = namespace.get("deployment")
    assert before is not None
    ours = pod_of(before)
    containers = [{"name": names.CONTAINER, **edit}, {"name": "mesh", "image": "example.com/mesh:1"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    namespace.kubectl("patch", "deployment", "web", "-p", json.dumps(patch))
    found = namespace.wait("deployment", lambda d: pod_of(d) == ours)
    assert [c["name"] for c in found["spec"]["template"]["spec"]["containers"]] == [names.CONTAINER, "mesh"]
    namespace.apply({"count": 2})  # and what leaves the spec still leaves the child
    namespace.wait("deployment", lambda d: pod_of(d).get("resources", {}) == {} and d["spec"]["replicas"] == 2)


def test_a_volume_that_somebody_exchanged_is_put_back(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    volumes = [{"name": "tmp", "emptyDir": None, "configMap": {"name": "other"}}]
    patch = {"spec": {"template": {"spec": {"volumes": volumes}}}}
    namespace.kubectl("patch", "deployment", "web", "-p", json.dumps(patch))
    namespace.wait("deployment", lambda d: {"name": "tmp", "emptyDir": {}} in d["spec"]["template"]["spec"]["volumes"])


@contextmanager
def going(namespace: Namespace, kind: str) -> Iterator[None]:
    """The object is being deleted, and somebody's finalizer holds it until the end of the block."""

    def finalizers(value: list[str] | None) -> None:
        patch = {"metadata": {"finalizers": value}}
        namespace.kubectl("patch", kind, "web", "--type=merge", "-p", json.dumps(patch))

    finalizers(["somebody.example.com/holds"])
    namespace.kubectl("delete", kind, "web", "--wait=false")
    yield
    finalizers(None)


def test_ready_does_not_speak_of_a_child_that_is_being_deleted(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    with going(namespace, "service"):
        namespace.apply({"count": 1, "service": {"port": 8888}})
        assert "Service web, which is being deleted" in namespace.wait_reason("Progressing")["message"]
    namespace.wait("service", lambda s: s["spec"]["ports"][0]["port"] == 8888)
    namespace.wait("nginx", serving(1))


def test_a_child_that_is_being_deleted_is_left_alone_though_the_caches_do_not_hold_it(namespace: Namespace) -> None:
    """Whoever takes away the labels by which it is watched hides it; a creation finds it, then."""
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    with going(namespace, "service"):
        namespace.kubectl("label", "service", "web", f"{names.LABEL_MANAGED_BY}-")
        before = namespace.get("service")
        namespace.apply({"count": 1, "service": {"port": 8888}})
        found = namespace.wait("nginx", lambda n: n["status"]["observedGeneration"] == n["metadata"]["generation"])
        waits = "Service web, which is being deleted, is gone; its finalizers hold it: somebody.example.com"
        assert waits in ready_condition(found)["message"]
        assert namespace.get("service") == before
    namespace.wait("service", lambda s: s["spec"]["ports"][0]["port"] == 8888)
    namespace.wait("nginx", serving(1))


def test_somebody_elses_object_that_is_being_deleted_is_waited_for(namespace: Namespace) -> None:
    namespace.kubectl("create", "service", "clusterip", "web", "--tcp=80")
    with going(namespace, "service"):
        namespace.apply({"count": 1})
        assert "Service web, which is being deleted" in namespace.wait_reason("Progressing")["message"]
    namespace.wait("nginx", serving(1))


def test_an_nginx_that_waits_for_finalizers_tells_the_truth(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    with going(namespace, "nginx"):
        namespace.kubectl("delete", "deployment", "web")
        condition = namespace.wait_reason("Deleting")
        assert condition["status"] == "False"
        assert condition["message"].endswith("metadata.finalizers are removed: somebody.example.com/holds")
        namespace.wait("nginx", lambda nginx: nginx["status"]["nodes"] == [])
        assert namespace.get("deployment") is None
    namespace.wait_gone("nginx")


@pytest.mark.parametrize("kind", ["deployment", "service"])
def test_what_somebody_deletes_comes_back(namespace: Namespace, kind: str) -> None:
    namespace.apply({"count": 1})
    before = namespace.wait("nginx", serving(1)) and namespace.get(kind)
    namespace.kubectl("delete", kind, "web")
    namespace.wait(kind, lambda new: before is not None and new["metadata"]["uid"] != before["metadata"]["uid"])
    namespace.wait("nginx", serving(1))


def test_what_others_own_is_left_alone(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    namespace.kubectl("rollout", "restart", "deployment/web")
    namespace.kubectl("annotate", "service", "web", "mesh.example.com/x=y")
    namespace.kubectl("scale", "nginx", "web", "--replicas=2")
    namespace.wait("nginx", serving(2))
    deployment, service = namespace.get("deployment"), namespace.get("service")
    assert deployment is not None
    assert service is not None
    template = deployment["spec"]["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in template
    assert service["metadata"]["annotations"]["mesh.example.com/x"] == "y"


def test_changes_of_the_spec_reach_the_children(namespace: Namespace) -> None:
    namespace.apply({"count": 1, "resources": {"requests": {"cpu": "0.5"}}, "service": {"annotations": {"a": "b"}}})
    namespace.wait("nginx", serving(1))
    image = "docker.io/nginxinc/nginx-unprivileged:1.31-alpine"
    namespace.apply({"count": 1, "image": image, "service": {"port": 8080}})
    found = namespace.wait("deployment", lambda d: pod_of(d)["image"] == image)
    assert pod_of(found).get("resources", {}) == {}
    service = namespace.wait("service", lambda s: s["spec"]["ports"][0]["port"] == 8080)
    assert "a" not in service["metadata"]["annotations"]
    namespace.wait("nginx", lambda nginx: nginx["status"]["image"] == image and serving(1)(nginx))


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return container


def test_the_service_goes_and_comes_with_the_spec(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("service", bool)
    namespace.apply({"count": 1, "service": {"enabled": False}})
    namespace.wait_gone("service")
    namespace.apply({"count": 1})
    namespace.wait("service", bool)


def test_paused_leaves_the_children_alone_and_keeps_the_status_true(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    namespace.apply({"count": 3, "paused": True})
    condition = namespace.wait_reason("Paused")
    assert condition["message"].endswith("1 of 3 pods are ready")
    namespace.kubectl("scale", "deployment", "web", "--replicas=2")
    namespace.wait("nginx", lambda nginx: nginx["status"]["readyCount"] == 2)
    namespace.apply({"count": 3})
    namespace.wait("nginx", serving(3))


@pytest.mark.parametrize(
    ("kind", "create"),
    [
        ("deployment", ("create", "deployment", "web", "--image=example.com/other:1", "--replicas=0")),
        ("service", ("create", "service", "clusterip", "web", "--tcp=9:9")),
        # It has no selector, so an apply without force would meet no conflict.
        ("service", ("create", "service", "externalname", "web", "--external-name=other.example.com")),
    ],
)
def test_a_foreign_object_of_the_name_is_left_alone_and_reported(
    namespace: Namespace, kind: str, create: tuple[str, ...]
) -> None:
    namespace.kubectl(*create)
    before = namespace.get(kind)
    namespace.apply({"count": 1})
    condition = namespace.wait_reason("NameConflict")
    assert f"{kind.capitalize()} web exists" in condition["message"]
    after = namespace.get(kind)
    assert before is not None
    assert after is not None
    assert after["spec"] == before["spec"]
    assert after["metadata"].get("ownerReferences") is None
    assert "NameConflict" in namespace.kubectl("describe", "nginx", "web").stdout
    namespace.kubectl("delete", kind, "web")
    namespace.wait("nginx", serving(1))


def test_two_nginx_in_one_namespace_never_see_each_others_pods(namespace: Namespace) -> None:
    namespace.apply({"count": 2}, "one")
    namespace.apply({"count": 1}, "two")
    one = namespace.wait("nginx", serving(2), "one")["status"]["nodes"]
    two = namespace.wait("nginx", serving(1), "two")["status"]["nodes"]
    assert all(node.startswith("one-") for node in one)
    assert all(node.startswith("two-") for node in two)


def test_deletion_leaves_nothing_behind(namespace: Namespace) -> None:
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))
    namespace.kubectl("delete", "nginx", "web")
    until(
        lambda: not any(map(namespace.list, ("deployment", "replicaset", "pod", "service", "endpointslice"))),
        seconds=PATIENCE,
        what="all children gone",
    )


def test_deleted_and_created_again_at_once(namespace: Namespace) -> None:
    namespace.apply({"count": 2})
    old = namespace.wait("nginx", serving(2))
    namespace.kubectl("delete", "nginx", "web")
    namespace.apply({"count": 3})
    new = namespace.wait("nginx", serving(3))
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    deployment = namespace.get("deployment")
    assert deployment is not None
    assert [owner["uid"] for owner in deployment["metadata"]["ownerReferences"]] == [new["metadata"]["uid"]]


def test_events_tell_what_was_done_and_never_twice(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    namespace.kubectl("scale", "nginx", "web", "--replicas=2")
    namespace.wait("nginx", serving(2))

    def told() -> dict[str, Any] | None:
        items = namespace.list("event")
        ours = {e["reason"]: e for e in items if e["involvedObject"]["kind"] == "Nginx"}
        return ours if {"Created", "Scaled"} <= ours.keys() else None

    ours = until(told, seconds=PATIENCE, what="events Created and Scaled")
    assert "Ready" not in ours  # nobody waits for good news of every rollout
    assert ours["Created"]["message"] == "Deployment web is created; Service web is created"
    assert ours["Scaled"]["message"] == "Deployment web is scaled from 1 to 2"
    assert ours["Created"]["count"] == 1


def test_quota_is_named(namespace: Namespace) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
    namespace.kubectl("apply", "-f", "-", input=yaml.safe_dump(quota))
    namespace.wait("resourcequota", lambda q: "used" in q.get("status", {}), "q")
    namespace.apply({"count": 3})
    assert "exceeded quota: q" in namespace.wait_reason("QuotaExceeded")["message"]


def test_labels_and_annotations_of_the_children_come_and_go_and_replace_no_pod(namespace: Namespace) -> None:
    wanted = {"labels": {"team": "shop"}, "annotations": {"example.com/owner": "anna"}}
    namespace.apply({"count": 2})
    before = namespace.wait("nginx", serving(2))["status"]["nodes"]
    namespace.apply({"count": 2, "deployment": wanted, "service": wanted})
    for kind in ("deployment", "service"):
        found = namespace.wait(kind, lambda found: found["metadata"]["labels"].get("team") == "shop")
        assert found["metadata"]["annotations"]["example.com/owner"] == "anna"
    selected = namespace.kubectl("get", "deployments,services", "-l", "team=shop", "-o", "name").stdout.split()
    assert selected == ["deployment.apps/web", "service/web"]
    namespace.apply({"count": 2, "deployment": {"labels": {"other": "x"}}})
    for kind in ("deployment", "service"):
        found = namespace.wait(kind, lambda found: "team" not in found["metadata"]["labels"])
        assert "example.com/owner" not in found["metadata"].get("annotations", {})
    assert namespace.wait("nginx", serving(2))["status"]["nodes"] == before
    assert len(namespace.list("replicaset")) == 1


def test_a_quota_that_wants_requests_is_named_with_what_to_do(namespace: Namespace) -> None:
    hard = {"hard": {"requests.cpu": "1"}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": hard}
    namespace.kubectl("apply", "-f", "-", input=yaml.safe_dump(quota))
    namespace.wait("resourcequota", lambda q: "used" in q.get("status", {}), "q")
    namespace.apply({"count": 1})
    message = namespace.wait_reason("QuotaExceeded")["message"]
    assert "failed quota: q: must specify requests.cpu" in message
    assert message.endswith("set spec.resources, or have a LimitRange of the namespace give defaults")
    namespace.apply({"count": 1, "resources": {"requests": {"cpu": "10m"}}})
    namespace.wait("nginx", serving(1))


def test_an_orphaned_deployment_of_another_spec_is_made_anew_while_its_pods_serve_on(namespace: Namespace) -> None:
    namespace.apply({"count": 2})
    before = namespace.wait("nginx", serving(2))["status"]["nodes"]
    namespace.kubectl("delete", "nginx", "web", "--cascade=orphan")
    namespace.wait("deployment", lambda found: "ownerReferences" not in found["metadata"])
    namespace.wait("service", lambda found: "ownerReferences" not in found["metadata"])
    fits_nowhere = {"requests": {"cpu": "99"}}  # the rollout begins, and does not end
    namespace.apply({"count": 2, "resources": fits_nowhere})
    message = namespace.wait_reason("NameConflict")["message"]
    (command,) = re.findall(r"`kubectl (delete deployment web [^`]*)`", message)
    namespace.kubectl(*command.split())
    namespace.wait_reason("Unschedulable")
    assert set(before) < {pod["metadata"]["name"] for pod in namespace.list("pod")}
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))


def test_pods_that_fit_nowhere_are_named(namespace: Namespace) -> None:
    namespace.apply({"count": 1, "resources": {"requests": {"cpu": "100000"}}})
    assert "Insufficient cpu" in namespace.wait_reason("Unschedulable")["message"]
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))


def test_a_settled_nginx_costs_no_write(namespace: Namespace) -> None:
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))
    audit = Audit(namespace.bed.audit_log)
    for kind in ("deployment", "service"):  # an annotation of somebody else brings the operator to look again
        namespace.kubectl("annotate", kind, "web", "somebody.example.com/was=here")
    namespace.apply({"count": 2}, "other")  # and this one tells when it has
    namespace.wait("nginx", serving(2), "other")
    ours = [
        f"{entry['verb']} {entry['objectRef'].get('resource')}"
        for entry in audit.requests()
        if entry["user"]["username"].endswith(":nginx-operator")
        and entry["verb"] not in ("get", "list", "watch")
        and entry.get("objectRef", {}).get("namespace") == namespace.name
        and entry["objectRef"].get("name") == "web"
    ]
    assert ours == []


def test_an_image_of_a_pod_that_no_status_can_hold_is_left_out(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    (pod,) = namespace.list("pod")
    containers = [{"name": names.CONTAINER, "image": f"example.com/{'a/' * 300}x"}]
    namespace.kubectl("patch", "pod", pod["metadata"]["name"], "-p", json.dumps({"spec": {"containers": containers}}))
    namespace.wait("nginx", lambda found: "image" not in found["status"])


def test_a_probe_changes_its_handler(namespace: Namespace) -> None:
    """Also where somebody else has set another one: the API server takes one handler alone."""

    def probe() -> dict[str, Any]:
        found = namespace.get("deployment")
        assert found is not None
        return dict(found["spec"]["template"]["spec"]["containers"][0]["readinessProbe"])

    def handlers() -> set[str]:
        return {"tcpSocket", "httpGet", "exec"} & probe().keys()

    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    assert handlers() == {"tcpSocket"}
    for readiness, expected in (({"httpGet": {"path": "/healthz"}}, "httpGet"), ({}, "tcpSocket")) * 2:
        namespace.apply({"count": 1, "probes": {"readiness": readiness}})
        namespace.wait("deployment", lambda _, expected=expected: handlers() == {expected})
        namespace.wait("nginx", serving(1))
    theirs = {"tcpSocket": None, "exec": {"command": ["true"]}}
    container = {"name": "nginx", "readinessProbe": theirs}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    namespace.kubectl("patch", "deployment", "web", "--type=strategic", "-p", json.dumps(patch))
    namespace.wait("deployment", lambda _: handlers() == {"tcpSocket"})
    namespace.apply({"count": 1, "probes": {"readiness": {"httpGet": {"path": "/", "port": 81}, "periodSeconds": 7}}})
    namespace.wait("nginx", serving(1))
    namespace.wait("deployment", lambda _: handlers() == {"httpGet"})
    assert (probe()["httpGet"]["port"], probe()["periodSeconds"], probe()["timeoutSeconds"]) == (81, 7, 5)
