"""A cluster whose admission rewrites what the operator writes: taken as it is, told once, and guarded like any field.

The policies stand for a registry mirror, for a platform that raises requests, and for one that bounds replicas.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from bench.audit import Audit
from testbed.waiting import PATIENCE, until
from tests.support.answers import ready_condition
from tests.support.namespaces import RESOURCES, Namespace, serving
from tests.support.product import IMAGE, NAMESPACE, Program

GROUP = "admissionregistration.k8s.io/v1"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:nginx-operator"
MIRROR = "mirror.example.com"
OTHER_IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.31-alpine"

POD = "/spec/template/spec"
MIRRORED = f"""
(object.spec.template.spec.containers[0].image.startsWith("{MIRROR}/") ? [] : [JSONPatch{{
  op: "replace", path: "{POD}/containers/0/image",
  value: "{MIRROR}/" + object.spec.template.spec.containers[0].image}}])
+ (has(object.spec.template.spec.containers[0].resources) &&
   has(object.spec.template.spec.containers[0].resources.requests) ? [JSONPatch{{
  op: "add", path: "{POD}/containers/0/resources/requests/cpu", value: "250m"}}] : [])
+ (has(object.spec.template.spec.topologySpreadConstraints) ? [JSONPatch{{
  op: "remove", path: "{POD}/topologySpreadConstraints"}}] : [])
"""
AT_MOST_THREE = 'object.spec.replicas > 3 ? [JSONPatch{op: "replace", path: "/spec/replicas", value: 3}] : []'


@pytest.fixture
def rewriting(namespace: Namespace) -> Iterator[Callable[[str], None]]:
    """Has a MutatingAdmissionPolicy patch each Deployment of the namespace by a CEL expression."""
    served = namespace.bed.get(f"/apis/{GROUP}")
    assert served is not None
    if "mutatingadmissionpolicies" not in {resource["name"] for resource in served["resources"]}:
        pytest.skip(f"this Kubernetes serves no MutatingAdmissionPolicy in {GROUP}")
    bed, name, made = namespace.bed, namespace.name, list[str]()

    def rewrite(expression: str) -> None:
        rules = [
            {
                "apiGroups": ["apps"],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["deployments"],
            }
        ]
        policy = {
            "apiVersion": GROUP,
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "matchConstraints": {"resourceRules": rules},
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
            },
        }
        selector = {"matchLabels": {"kubernetes.io/metadata.name": name}}
        binding = {
            "apiVersion": GROUP,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "matchResources": {"namespaceSelector": selector}},
        }
        bed.kubectl("apply", "-f", "-", input=yaml.safe_dump_all([policy, binding]))
        made.append(expression)
        until(lambda: rewrites(namespace), seconds=PATIENCE, what="the policy in force")

    yield rewrite
    if made:
        bed.kubectl("delete", "mutatingadmissionpolicybinding,mutatingadmissionpolicy", name)


def rewrites(namespace: Namespace) -> bool:
    """Whether a Deployment that is created now is stored otherwise; it is not stored."""
    labels, container = {"a": "b"}, {"name": "c", "image": "example.com/c:1"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "probe"},
        "spec": {
            "replicas": 9,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    status, found = namespace.bed.request("POST", f"{RESOURCES['deployment'].path(namespace.name)}?dryRun=All", body)
    assert status == 201, found
    spec = found["spec"]
    return bool(spec["replicas"] != 9 or spec["template"]["spec"]["containers"][0]["image"] != container["image"])


def image_of(deployment: dict[str, Any]) -> str:
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def running(image: str, count: int) -> Callable[[dict[str, Any]], bool]:
    """All pods serve, and run this image."""
    return lambda nginx: serving(count)(nginx) and nginx["status"].get("image") == image


def at_rest(deployment: dict[str, Any]) -> bool:
    """Whether the deployment controller has written all that it will."""
    status = deployment["status"]
    reasons = [found["reason"] for found in status.get("conditions", ()) if found["type"] == "Progressing"]
    return (
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and status.get("replicas") == status.get("updatedReplicas") == status.get("availableReplicas")
        and reasons == ["NewReplicaSetAvailable"]
    )


def ready(count: int) -> Callable[[dict[str, Any]], bool]:
    """So many pods are ready, and there are no others."""
    return lambda found: found["status"].get("readyCount") == found["status"].get("count") == count


def events(namespace: Namespace, reason: str) -> list[tuple[str, int]]:
    """Message and count of the events of a reason, in the order in which they were first told."""
    found = [event for event in namespace.list("event") if event["reason"] == reason]
    ours = [event for event in found if event["involvedObject"]["name"] == "web"]
    return [(event["message"], event["count"]) for event in sorted(ours, key=lambda event: event["firstTimestamp"])]


def writes(audit: Audit, namespace: Namespace) -> int:
    """How often the operator wrote the Deployment."""
    return sum(
        request["verb"] == "patch"
        and request["user"]["username"] == OPERATOR
        and request["objectRef"]["resource"] == "deployments"
        and request["objectRef"]["namespace"] == namespace.name
        and request["objectRef"]["name"] == "web"
        for request in audit.requests()
    )


def looked_again(namespace: Namespace, later: str) -> None:
    """Returns when the operator has looked at the Deployment once more, and then made another Nginx."""
    namespace.kubectl("annotate", "deployment", "web", "somebody.example.com/was=here", "--overwrite")
    namespace.apply({"count": 1}, later)
    namespace.wait("nginx", serving(1), later)


def but_for_status(deployment: dict[str, Any]) -> Any:
    """What a write of the operator would change; the deployment controller may still count pods."""
    meta = deployment["metadata"]
    managed = [entry for entry in meta["managedFields"] if entry.get("subresource") != "status"]
    return meta["generation"], meta.get("labels"), meta.get("annotations"), managed, deployment["spec"]


@contextmanager
def away(operator: Program) -> Iterator[None]:
    """The operator is down inside of the block."""
    assert operator.stop() == 0
    yield
    operator.start_again()


def test_what_admission_rewrites_is_settled_and_told_once(
    namespace: Namespace, rewriting: Callable[[str], None], operator: Program
) -> None:
    rewriting(MIRRORED)
    audit, small = Audit(namespace.bed.audit_log), {"requests": {"cpu": "50m"}}
    namespace.apply({"count": 2, "resources": small})
    namespace.wait("nginx", running(f"{MIRROR}/{IMAGE}", 2))
    ((told, times),) = events(namespace, "Rewritten")
    assert times == 1
    pod = "spec.template.spec"
    assert f"{pod}.containers[nginx].image: sent {IMAGE}, the cluster stored {MIRROR}/{IMAGE}" in told
    assert f"{pod}.containers[nginx].resources.requests.cpu: sent 50m, the cluster stored 250m" in told
    assert f"{pod}.topologySpreadConstraints: sent [" in told
    assert told.endswith("the cluster dropped it")
    looked_again(namespace, "one")
    assert writes(audit, namespace) == 1

    audit = Audit(namespace.bed.audit_log)
    namespace.apply({"count": 2, "resources": small, "image": OTHER_IMAGE})  # a rollout
    namespace.wait("nginx", running(f"{MIRROR}/{OTHER_IMAGE}", 2))
    namespace.kubectl("scale", "nginx", "web", "--replicas=3")
    namespace.wait("nginx", running(f"{MIRROR}/{OTHER_IMAGE}", 3))
    assert writes(audit, namespace) == 2
    told = (message.count("sent ") for message, _ in events(namespace, "Rewritten"))
    assert sorted(told) == [1, 3]  # of the new image nothing but that
    assert events(namespace, "Repaired") == []

    namespace.kubectl("set", "image", "deployment/web", f"nginx={MIRROR}/evil:1")  # which admission lets be
    namespace.wait("deployment", lambda found: image_of(found) == f"{MIRROR}/{OTHER_IMAGE}")
    namespace.wait("nginx", running(f"{MIRROR}/{OTHER_IMAGE}", 3))
    assert writes(audit, namespace) == 3
    assert [times for _, times in events(namespace, "Repaired")] == [1]
    assert events(namespace, "Contested") == []

    before = namespace.wait("deployment", at_rest)
    audit = Audit(namespace.bed.audit_log)
    with away(operator):
        pass
    until(lambda: writes(audit, namespace), seconds=PATIENCE, what="the apply of a process that knows nothing yet")
    after = namespace.get("deployment")
    assert after is not None
    assert but_for_status(after) == but_for_status(before)  # it changed nothing
    looked_again(namespace, "two")
    assert writes(audit, namespace) == 1
    assert [times for _, times in events(namespace, "Repaired")] == [1]


def test_a_number_of_pods_that_admission_bounds_is_told_and_not_fought(
    namespace: Namespace, rewriting: Callable[[str], None]
) -> None:
    rewriting(AT_MOST_THREE)
    audit = Audit(namespace.bed.audit_log)
    namespace.apply({"count": 5})
    bounded = "admission changed spec.replicas: sent 5, the cluster stored 3"
    namespace.wait("nginx", lambda found: bounded in ready_condition(found).get("message", ""))
    namespace.wait("nginx", ready(3))
    assert events(namespace, "Rewritten") == [("Deployment web: spec.replicas: sent 5, the cluster stored 3", 1)]
    namespace.kubectl("scale", "deployment", "web", "--replicas=2")  # no autoscaler's: it is drift
    namespace.wait("deployment", lambda found: found["spec"]["replicas"] == 3)
    until(lambda: events(namespace, "Repaired"), seconds=PATIENCE, what="the event of the repair")
    assert [times for _, times in events(namespace, "Repaired")] == [1]
    for count, stored in ((2, 2), (4, 3), (1, 1)):
        namespace.kubectl("scale", "nginx", "web", f"--replicas={count}")
        namespace.wait("deployment", lambda found, stored=stored: found["spec"]["replicas"] == stored)
        namespace.wait("nginx", ready(stored))
    namespace.wait("nginx", serving(1))
    assert writes(audit, namespace) == 5
    assert events(namespace, "Contested") == []
