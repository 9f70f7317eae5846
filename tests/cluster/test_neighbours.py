"""What others on the cluster do to children: admission adds to them, backups strip them, other nodes stand beside."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from bench.audit import WRITES, Audit
from nginx_operator.api import names
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.deployment import build_deployment
from testbed import Bed, kwok
from testbed.gobuild import OLDEST_KUBERNETES
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, serving
from tests.support.product import IMAGE

OS = "kubernetes.io/os"
OTHER_IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.31-alpine"
POD = "/spec/template/spec"
INIT = "Object.spec.template.spec.initContainers"
#: As GKE Autopilot, Kyverno and Gatekeeper add them to Deployments: path and value, in CEL.
ADDED = {
    f"{POD}/tolerations": "[{'key': 'cloud.example.com/spot', 'operator': 'Exists'}]",
    f"{POD}/nodeSelector/kubernetes.io~1arch": "'amd64'",
    f"{POD}/priorityClassName": "'tenants'",
    f"{POD}/containers/0/env": "[{'name': 'HTTP_PROXY', 'value': 'http://192.0.2.9'}]",
    f"{POD}/initContainers": (
        f"[{INIT}{{name: 'wait', image: 'example.com/wait:1', securityContext: {INIT}.securityContext{{"
        f"allowPrivilegeEscalation: false, capabilities: {INIT}.securityContext.capabilities{{drop: ['ALL']}}}}}}]"
    ),
    "/spec/template/metadata/annotations": "{'example.com/cost': '7', 'sidecar.istio.io/inject': 'true'}",
}


@contextmanager
def applied(bed: Bed, *objects: dict[str, Any]) -> Iterator[None]:
    """These objects, until the end of the block."""
    text = yaml.safe_dump_all(objects)
    bed.kubectl("apply", "-f", "-", input=text)
    try:
        yield
    finally:
        bed.kubectl("delete", "-f", "-", input=text)


def admission(namespace: str) -> list[dict[str, Any]]:
    """A MutatingAdmissionPolicy that adds all of ADDED to each Deployment of one namespace."""
    patches = [f"JSONPatch{{op: 'add', path: '{path}', value: {value}}}" for path, value in ADDED.items()]
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    version, metadata = "admissionregistration.k8s.io/v1", {"name": namespace}
    return [
        {
            "apiVersion": version,
            "kind": "MutatingAdmissionPolicy",
            "metadata": metadata,
            "spec": {
                "reinvocationPolicy": "Never",
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                    "resourceRules": [rule],
                },
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{', '.join(patches)}]"}}],
            },
        },
        {
            "apiVersion": version,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": {"policyName": namespace},
        },
    ]


def mutates(namespace: Namespace) -> bool:
    """Whether the policy is in force: it adds to a Deployment like ours."""
    body = yaml.safe_dump(deployment(namespace))
    done = namespace.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", input=body)
    return "tolerations" in json.loads(done.stdout)["spec"]["template"]["spec"]


def deployment(namespace: Namespace) -> dict[str, Any]:
    """A Deployment of the operator's, of another name."""
    owner = ObjectMeta(name="probe", namespace=namespace.name, uid="2c5f0a3e-0000-4000-8000-000000000000")
    return build_deployment(owner, NginxSpec(count=1, image=IMAGE))


def writes(audit: Audit, namespace: Namespace) -> list[str]:
    """What the operator wrote of the children of web."""
    return [
        f"{entry['verb']} {entry['objectRef']['resource']}"
        for entry in audit.requests()
        if entry["user"]["username"].endswith(":nginx-operator")
        and entry["verb"] in WRITES
        and entry["objectRef"].get("namespace") == namespace.name
        and entry["objectRef"].get("name") == "web"
        and entry["objectRef"]["resource"] in ("deployments", "services")
    ]


def pod_of(deployment: dict[str, Any] | None) -> dict[str, Any]:
    assert deployment is not None
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def test_what_the_platforms_admission_adds_is_let_through_and_left_alone(namespace: Namespace) -> None:
    if namespace.bed.kubernetes is OLDEST_KUBERNETES:
        pytest.skip("Kubernetes 1.30 has no MutatingAdmissionPolicy")
    tenants = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "tenants"},
        "value": 9,
    }
    with applied(namespace.bed, tenants, *admission(namespace.name)):
        until(lambda: mutates(namespace), seconds=PATIENCE, what="the platform's policy in force")
        namespace.apply({"count": 2})
        namespace.wait("nginx", serving(2))
        audit = Audit(namespace.bed.audit_log)
        namespace.kubectl("annotate", "deployment", "web", "somebody.example.com/was=here")
        namespace.apply({"count": 3, "image": OTHER_IMAGE})
        namespace.wait("nginx", lambda nginx: nginx["status"].get("image") == OTHER_IMAGE and serving(3)(nginx))
        namespace.apply({"count": 1}, "other")  # tells when the operator has looked
        namespace.wait("nginx", serving(1), "other")
        assert writes(audit, namespace) == ["patch deployments"]
        found = namespace.get("deployment")
        pod = pod_of(found)
        assert pod["tolerations"] == [{"key": "cloud.example.com/spot", "operator": "Exists"}]
        assert pod["nodeSelector"] == {OS: "linux", "kubernetes.io/arch": "amd64"}
        assert pod["priorityClassName"] == "tenants"
        assert [variable["name"] for variable in pod["containers"][0]["env"]] == ["HTTP_PROXY"]
        assert [container["name"] for container in pod["initContainers"]] == ["wait"]
        assert found is not None
        assert found["spec"]["template"]["metadata"]["annotations"]["example.com/cost"] == "7"


# --- backups ----------------------------------------------------------------------------------------------------------

SPEC = {"count": 2, "resources": {"requests": {"cpu": "10m"}}}
KINDS = ("deployment", "service")


def orphan(namespace: Namespace) -> None:
    """The Nginx goes, its children stay."""
    namespace.kubectl("delete", "nginx", "web", "--cascade=orphan")
    for kind in KINDS:
        namespace.wait(kind, lambda child: not child["metadata"].get("ownerReferences"))


def restore(namespace: Namespace) -> None:
    """The children come back from a backup: others by uid, with neither ownerReferences nor managedFields."""
    backup = [namespace.get(kind) for kind in KINDS]
    orphan(namespace)
    for kind, child in zip(KINDS, backup, strict=True):
        assert child is not None
        kept = {key: child["metadata"][key] for key in ("name", "labels", "annotations")}
        body = {key: child[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": kept}
        for field in ("clusterIP", "clusterIPs"):
            body["spec"].pop(field, None)
        namespace.kubectl("delete", kind, "web", "--cascade=orphan")  # pods and ReplicaSets stay, as if restored before
        namespace.kubectl("create", "-f", "-", "--field-manager=velero-server", input=yaml.safe_dump(body))


@pytest.mark.parametrize("back_up", [orphan, restore])
def test_what_a_backup_brings_back_is_adopted(namespace: Namespace, back_up: Callable[[Namespace], None]) -> None:
    namespace.apply(SPEC)
    before = namespace.wait("nginx", serving(2))
    back_up(namespace)
    namespace.apply(SPEC)
    after = namespace.wait("nginx", serving(2))
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["status"]["nodes"] == before["status"]["nodes"]  # nothing restarts
    for kind in KINDS:
        child = namespace.wait(kind, lambda child: names.APPLIED_HASH_ANNOTATION in child["metadata"]["annotations"])
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (after["metadata"]["uid"], True)
    until(
        lambda: any(event["reason"] == "Adopted" for event in namespace.list("event")),
        seconds=PATIENCE,
        what="an Event Adopted",
    )
    namespace.apply({"count": 2})  # what leaves the spec leaves the child, whoever restored it
    namespace.wait("deployment", lambda found: not pod_of(found)["containers"][0].get("resources"))
    namespace.wait("nginx", serving(2))
    namespace.kubectl("delete", "nginx", "web")
    for kind in KINDS:
        namespace.wait_gone(kind)


def test_what_differs_from_the_spec_is_a_conflict_until_the_spec_asks_for_it(namespace: Namespace) -> None:
    namespace.apply(SPEC)
    namespace.wait("nginx", serving(2))
    orphan(namespace)
    namespace.apply({**SPEC, "image": OTHER_IMAGE})
    assert "Deployment web exists and belongs to no Nginx" in namespace.wait_reason("NameConflict")["message"]
    assert pod_of(namespace.get("deployment"))["containers"][0]["image"] != OTHER_IMAGE
    namespace.apply({**SPEC, "image": IMAGE})
    namespace.wait("nginx", serving(2))
    orphan(namespace)
    namespace.kubectl("annotate", "deployment", "web", f"{names.APPLIED_HASH_ANNOTATION}=other", "--overwrite")
    pods = sorted(pod["metadata"]["name"] for pod in namespace.list("pod"))
    namespace.apply({**SPEC, "image": IMAGE})
    namespace.wait_reason("NameConflict")
    # The way that troubleshooting names: the pods stay while the Deployment is made anew.
    namespace.kubectl("delete", "deployment", "web", "--cascade=orphan")
    assert namespace.wait("nginx", serving(2))["status"]["nodes"] == pods


# --- nodes ------------------------------------------------------------------------------------------------------------


def windows() -> dict[str, Any]:
    """A fake node that runs Windows, and takes whatever pod it gets."""
    node = kwok.node(0, tainted=False)
    labels = {**node["metadata"]["labels"], "kubernetes.io/hostname": "windows", OS: "windows"}
    return {**node, "metadata": {**node["metadata"], "name": "windows", "labels": labels}}


def test_no_pod_lands_on_a_windows_node(namespace: Namespace) -> None:
    with applied(namespace.bed, windows()):
        pod = {**pod_of(deployment(namespace)), "nodeSelector": {OS: "windows"}}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "theirs"}, "spec": pod}
        namespace.kubectl("create", "-f", "-", input=yaml.safe_dump(body))
        namespace.wait("pod", lambda found: found["status"]["phase"] == "Running", "theirs")  # it takes pods
        namespace.apply({"count": 6})
        namespace.wait("nginx", serving(6))
        nodes = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in namespace.list("pod")}
        assert nodes.pop("theirs") == "windows"
        assert len(nodes) == 6
        assert "windows" not in nodes.values()


def test_keys_of_others_in_the_node_selector_stay(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    arch = {"kubernetes.io/arch": "amd64"}
    patch = {"spec": {"template": {"spec": {"nodeSelector": {OS: "windows", **arch}}}}}
    namespace.kubectl("patch", "deployment", "web", "-p", json.dumps(patch))
    namespace.wait("deployment", lambda found: pod_of(found)["nodeSelector"] == {OS: "linux", **arch})
    namespace.apply({"count": 1, "image": OTHER_IMAGE})
    found = namespace.wait("deployment", lambda found: pod_of(found)["containers"][0]["image"] == OTHER_IMAGE)
    assert pod_of(found)["nodeSelector"] == {OS: "linux", **arch}
    patch = {"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/arch": None}}}}}
    namespace.kubectl("patch", "deployment", "web", "-p", json.dumps(patch))  # and go with whoever set them
    namespace.wait("nginx", serving(1))
    assert pod_of(namespace.get("deployment"))["nodeSelector"] == {OS: "linux"}
