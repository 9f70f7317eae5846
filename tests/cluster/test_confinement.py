"""What a stolen token of either account cannot do although RBAC would let it: the chart's admission policies."""

import base64
import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from nginx_operator.api import names
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.deployment import build_deployment
from nginx_operator.children.service import build_service
from nginx_operator.decide.compare import with_hash
from nginx_operator.kube.resources import DEFINITIONS
from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.pem import encode_certificates
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, fresh
from tests.support.product import NAMESPACE, RELEASE, Product

Change = Callable[[Any], object]
USER = f"system:serviceaccount:{NAMESPACE}:"
OWNER = ObjectMeta(name="web", uid="2c5f0a3e-0000-4000-8000-000000000000")


def as_account(product: Product, account: str, *arguments: str, body: Any = None) -> str:
    """What kubectl says to an account; empty when it did as told."""
    text = None if body is None else yaml.safe_dump(body)
    done = product.bed.kubectl(*arguments, "--as", USER + account, input=text, check=False)
    return done.stderr if done.returncode else ""


@pytest.fixture(scope="module")
def confined(product: Product) -> Iterator[Namespace]:
    """A namespace; the API server has taken in the policies."""
    with fresh(product.bed) as namespace:
        bare = ours(namespace.name)
        del bare["metadata"]["ownerReferences"]
        apply = ("apply", "--server-side", "--dry-run=server", "-f", "-")
        until(
            lambda: "only what an Nginx controls" in as_account(product, RELEASE, *apply, body=bare),
            seconds=PATIENCE,
            what="the policy in force",
        )
        yield namespace


def ours(namespace: str) -> dict[str, Any]:
    """A Deployment as the operator writes it."""
    owner = ObjectMeta(name=OWNER.name, uid=OWNER.uid, namespace=namespace)
    return build_deployment(owner, NginxSpec(count=1, image="example.com/nginx:1"))


def pod(body: Any) -> Any:
    return body["spec"]["template"]["spec"]


def container(body: Any) -> Any:
    return pod(body)["containers"][0]


SECRET = {"name": "x", "secret": {"secretName": "x"}}
TOKEN = {"name": "x", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
ENV = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "x", "key": "x"}}}]
NODES = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]
    }
}
#: Without blockOwnerDeletion, which OwnerReferencesPermissionEnforcement refuses before the policy is asked.
POD = {"apiVersion": "v1", "kind": "Pod", "blockOwnerDeletion": False}
DEVICE = [{"name": "gpu", "resourceClaimName": "gpu"}]
SYSCTLS = [{"name": "kernel.shm_rmid_forced", "value": "1"}]
#: What the container of an init container or a sidecar must say to be no stronger than nginx's.
WEAK = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
INIT = {"name": "init", "image": "example.com/init:1", "securityContext": WEAK}


APPARMOR = "container.apparmor.security.beta.kubernetes.io"


def template(body: Any) -> Any:
    return body["spec"]["template"]["metadata"]


def probe(field: str, handler: str) -> Change:
    """A probe that the kubelet sends to another host."""
    value = {handler: {"host": "169.254.169.254", "port": 80}}
    return lambda d: container(d).update({field: value})


STRONGER: list[tuple[Change, str]] = [
    (lambda d: d["metadata"].pop("ownerReferences"), "only what an Nginx controls"),
    (lambda d: d["metadata"]["ownerReferences"][0].update(POD), "only what an Nginx controls"),
    (lambda d: d["metadata"]["ownerReferences"][0].pop("controller"), "only what an Nginx controls"),
    # Identity.
    (lambda d: pod(d).update(automountServiceAccountToken=True), "a ServiceAccount token"),
    (lambda d: pod(d).pop("automountServiceAccountToken"), "a ServiceAccount token"),
    (lambda d: pod(d).update(serviceAccountName="strong"), "a ServiceAccount, a host"),
    (lambda d: pod(d)["volumes"].append(TOKEN), "volumes with Secrets, tokens"),
    # Access to the host.
    (lambda d: pod(d).update(hostNetwork=True), "host namespace"),
    (lambda d: pod(d).update(hostPID=True), "host namespace"),
    (lambda d: pod(d).update(hostIPC=True), "host namespace"),
    (lambda d: pod(d).update(shareProcessNamespace=True), "shared process namespace"),
    (lambda d: pod(d).update(nodeName="control-plane"), "a node's name"),
    (lambda d: pod(d).update(resourceClaims=DEVICE), "or devices"),
    (lambda d: pod(d)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "paths of the node"),
    (lambda d: container(d)["ports"][0].update(hostPort=80), "host ports"),
    (lambda d: pod(d).update(initContainers=[{**INIT, "ports": [{"containerPort": 1, "hostPort": 1}]}]), "host ports"),
    (probe("readinessProbe", "tcpSocket"), "probes or hooks"),
    (probe("livenessProbe", "httpGet"), "probes or hooks"),
    (lambda d: container(d).update(lifecycle={"postStart": {"httpGet": {"host": "x", "port": 1}}}), "probes or hooks"),
    (lambda d: pod(d).update(priorityClassName="system-node-critical"), "priority class of the system"),
    # Secrets, and data of others.
    (lambda d: pod(d)["volumes"].append(SECRET), "volumes with Secrets"),
    (
        lambda d: pod(d)["volumes"].append({"name": "x", "projected": {"sources": [{"secret": {"name": "x"}}]}}),
        "volumes with Secrets",
    ),
    (
        lambda d: pod(d)["volumes"].append({"name": "x", "persistentVolumeClaim": {"claimName": "x"}}),
        "other workloads' data",
    ),
    (lambda d: pod(d)["volumes"].append({"name": "x", "csi": {"driver": "secrets.example.com"}}), "with Secrets"),
    (lambda d: container(d).update(env=ENV), "environment variables from Secrets"),
    (lambda d: container(d).update(envFrom=[{"secretRef": {"name": "x"}}]), "environment variables from Secrets"),
    (lambda d: pod(d).update(initContainers=[{**INIT, "env": ENV}]), "environment variables from Secrets"),
    # Privileges.
    (
        lambda d: pod(d)["securityContext"].update(seccompProfile={"type": "Unconfined"}),
        "seccomp, SELinux and AppArmor",
    ),
    (lambda d: pod(d)["securityContext"].pop("seccompProfile"), "seccomp, SELinux and AppArmor"),
    (lambda d: pod(d)["securityContext"].update(seLinuxOptions={"type": "spc_t"}), "seccomp, SELinux and AppArmor"),
    (lambda d: pod(d)["securityContext"].update(appArmorProfile={"type": "Unconfined"}), "SELinux and AppArmor"),
    (lambda d: pod(d)["securityContext"].update(sysctls=SYSCTLS), "sysctls"),
    (lambda d: pod(d)["securityContext"].pop("runAsNonRoot"), "as root"),
    (lambda d: pod(d).pop("securityContext"), "as root"),
    (lambda d: container(d).pop("securityContext"), "containers privileges"),
    (lambda d: container(d)["securityContext"].update(allowPrivilegeEscalation=True), "containers privileges"),
    (lambda d: container(d)["securityContext"].update(runAsNonRoot=False, runAsUser=0), "containers privileges"),
    (lambda d: container(d)["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]), "containers privileges"),
    (lambda d: container(d)["securityContext"].update(seccompProfile={"type": "Unconfined"}), "containers privileges"),
    (lambda d: container(d)["securityContext"].update(seLinuxOptions={"type": "spc_t"}), "containers privileges"),
    (lambda d: container(d)["securityContext"].update(appArmorProfile={"type": "Unconfined"}), "containers privileges"),
    (
        lambda d: (container(d)["securityContext"].update(procMount="Unmasked"), pod(d).update(hostUsers=False)),
        "containers privileges",
    ),
    (lambda d: pod(d)["containers"].append({"name": "x", "image": "x"}), "containers privileges"),
    (lambda d: pod(d).update(initContainers=[{"name": "x", "image": "x"}]), "containers privileges"),
    # Labels and annotations by which somebody else gives a pod one of these.
    *(
        (
            lambda d, key=key, kind=kind: template(d).setdefault(kind, {}).update({key: "unconfined"}),
            "rbac.reservedPodKeys",
        )
        for kind, key in [
            ("annotations", f"{APPARMOR}/nginx"),
            ("annotations", "k8s.v1.cni.cncf.io/networks"),
            ("annotations", "devices.crio.io/nginx"),
            ("annotations", "io.kubernetes.cri-o.Devices"),
            ("annotations", "cdi.k8s.io/vendor"),
            ("annotations", "sidecar.istio.io/userVolume"),
            ("labels", "azure.workload.identity/use"),
        ]
    ),
]
CONFIG = {"name": "ca", "configMap": {"name": "ca", "optional": True}}
SOURCES = [{"configMap": {"name": "ca"}}, {"downwardAPI": {"items": []}}]
#: What a platform's admission adds to Deployments, which is then in the operator's own request.
ADDED: list[Change] = [
    lambda d: pod(d).update(tolerations=[{"key": "kubernetes.io/arch", "operator": "Exists"}]),
    lambda d: pod(d)["nodeSelector"].update({"cloud.example.com/pool": "tenants"}),
    lambda d: pod(d).update(affinity={"nodeAffinity": NODES}),
    lambda d: pod(d).update(priorityClassName="tenants"),
    lambda d: pod(d).update(runtimeClassName="gvisor"),
    lambda d: pod(d).update(hostUsers=False),
    lambda d: pod(d).update(hostNetwork=False, hostPID=False, hostIPC=False, shareProcessNamespace=False),
    lambda d: pod(d).update(hostAliases=[{"ip": "192.0.2.9", "hostnames": ["example.com"]}]),
    lambda d: pod(d).update(schedulerName="theirs", dnsConfig={"options": [{"name": "ndots", "value": "2"}]}),
    lambda d: pod(d)["securityContext"].update(supplementalGroups=[7], appArmorProfile={"type": "RuntimeDefault"}),
    lambda d: container(d)["securityContext"].update(seccompProfile={"type": "RuntimeDefault"}, procMount="Default"),
    lambda d: container(d).update(env=[{"name": "HTTP_PROXY", "value": "http://192.0.2.9"}]),
    lambda d: container(d).update(
        env=[
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "key"}}},
        ]
    ),
    lambda d: container(d).update(envFrom=[{"configMapRef": {"name": "x"}}]),
    lambda d: pod(d).update(initContainers=[{**INIT, "env": [{"name": "A", "value": "b"}]}]),
    lambda d: pod(d)["containers"].append({**INIT, "name": "agent", "livenessProbe": {"httpGet": {"port": 1}}}),
    lambda d: pod(d)["volumes"].extend([CONFIG, {"name": "x", "projected": {"sources": SOURCES}}]),
    lambda d: template(d).update(annotations={"example.com/cost": "7", "sidecar.istio.io/inject": "true"}),
    lambda d: template(d).update(annotations={f"{APPARMOR}/nginx": "runtime/default"}),
    lambda d: template(d)["labels"].update({"example.com/team": "shop"}),
]


@pytest.mark.parametrize("change", ADDED, ids=range(len(ADDED)))
def test_what_gives_no_power_may_be_in_the_operators_request(
    product: Product, confined: Namespace, change: Change
) -> None:
    body = ours(confined.name)
    change(body)
    assert as_account(product, RELEASE, "apply", "--server-side", "--dry-run=server", "-f", "-", body=body) == ""


@pytest.mark.parametrize(("change", "words"), STRONGER, ids=range(len(STRONGER)))
def test_the_operators_account_runs_no_stronger_pod(
    product: Product, confined: Namespace, change: Change, words: str
) -> None:
    body = ours(confined.name)
    change(body)
    apply = ("apply", "--server-side", "--dry-run=server", "-f", "-")
    assert words in as_account(product, RELEASE, *apply, body=body)


def test_what_others_added_stays_and_stands_in_no_way(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("deployment", bool)
    added = [
        ("/volumes/-", SECRET),
        ("/serviceAccountName", "mesh"),
        ("/nodeSelector/disk", "fast"),
        ("/initContainers", [{"name": "init", "image": "example.com/init:1", "env": ENV}]),
        ("/containers/0/env", ENV),
        ("/securityContext/supplementalGroups", [7]),
        ("/containers/-", {"name": "sidecar", "image": "example.com/sidecar:1", "env": ENV}),
    ]
    patch: list[Any] = [{"op": "add", "path": f"/spec/template/spec{path}", "value": value} for path, value in added]
    annotations = {"sidecar.istio.io/userVolume": "[]"}
    patch.append({"op": "add", "path": "/spec/template/metadata/annotations", "value": annotations})
    namespace.kubectl("patch", "deployment", "web", "--type=json", "-p", json.dumps(patch))
    namespace.apply({"count": 1, "image": "example.com/nginx:2", "containerPort": 8081})
    images = ["example.com/nginx:2", "example.com/sidecar:1"]
    found = namespace.wait("deployment", lambda found: [c["image"] for c in pod(found)["containers"]] == images)
    assert pod(found)["nodeSelector"] == {"kubernetes.io/os": "linux", "disk": "fast"}
    assert container(found)["env"] == ENV
    assert pod(found)["serviceAccountName"] == "mesh"


def test_it_touches_no_service_and_no_deployment_of_somebody_else(product: Product, confined: Namespace) -> None:
    confined.kubectl("create", "service", "clusterip", "foreign", "--tcp=80")
    confined.kubectl("create", "deployment", "foreign", "--image=example.com/a:1")
    confined.kubectl("create", "configmap", "foreign")
    words = "only what an Nginx controls"
    for kind in ("service", "deployment", "configmap"):
        patch = ("-n", confined.name, "patch", kind, "foreign", "-p", '{"metadata":{"labels":{"a":"b"}}}')
        assert words in as_account(product, RELEASE, *patch)
    for kind in ("service", "configmap"):
        assert words in as_account(product, RELEASE, "-n", confined.name, "delete", kind, "foreign")
    body = build_service(ObjectMeta(name="web", uid=OWNER.uid, namespace=confined.name), NginxSpec(count=1, image="a"))
    apply = ("apply", "--server-side", "--dry-run=server", "-f", "-")
    assert as_account(product, RELEASE, *apply, body=body) == ""
    config_map = ours_of_kind("ConfigMap", confined.name)
    assert as_account(product, RELEASE, *apply, body={**config_map, "immutable": True}) == ""
    assert "ConfigMaps that are immutable" in as_account(product, RELEASE, *apply, body=config_map)
    for more in ({"externalIPs": ["198.51.100.1"]}, {"type": "ExternalName", "externalName": "example.com"}):
        stronger = {**body, "spec": {**body["spec"], **more}}
        assert "a Service of type ExternalName" in as_account(product, RELEASE, *apply, body=stronger)


def ours_of_kind(kind: str, namespace: str) -> dict[str, Any]:
    """An object of the core API that the Nginx controls, and nothing else."""
    return {"apiVersion": "v1", "kind": kind, "metadata": ours(namespace)["metadata"]}


def orphan(namespace: str, name: str) -> dict[str, Any]:
    """A Deployment of the operator's as a backup brings it back."""
    body = with_hash(ours(namespace))
    metadata = {**body["metadata"], "name": name, "labels": names.labels(name)}
    del metadata["ownerReferences"]
    return {**body, "metadata": metadata}


NOT_OURS: dict[str, dict[str, Any]] = {
    "another's label": {"labels": names.labels("other")},
    "managed by Helm": {"labels": {**names.labels("web"), names.LABEL_MANAGED_BY: "Helm"}},
    "no hash": {"annotations": {}},
}


def test_of_what_nobody_controls_it_adopts_its_own_and_nothing_else(product: Product, confined: Namespace) -> None:
    owner = ours(confined.name)["metadata"]["ownerReferences"]

    def patched(change: object, *options: str) -> str:
        text = json.dumps(change)
        return as_account(product, RELEASE, "-n", confined.name, "patch", "deployment", "web", "-p", text, *options)

    create = ("create", "-f", "-")
    adopt, dry_run = {"metadata": {"ownerReferences": owner}}, "--dry-run=server"
    confined.kubectl("create", "configmap", "theirs")
    uid = confined.kubectl("get", "configmap", "theirs", "-o", "jsonpath={.metadata.uid}").stdout
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": uid, "controller": True}
    for what, metadata in {**NOT_OURS, "controlled": {"ownerReferences": [theirs]}}.items():
        body = orphan(confined.name, "web")
        body["metadata"].update(metadata)
        confined.kubectl(*create, input=yaml.safe_dump(body))
        both = [*metadata.get("ownerReferences", ()), {**owner[0], "controller": "ownerReferences" not in metadata}]
        assert "adopt only" in patched({"metadata": {"ownerReferences": both}}, dry_run), what
        confined.kubectl("delete", "deployment", "web")
    confined.kubectl(*create, input=yaml.safe_dump(orphan(confined.name, "web")))
    assert "adopt only" in patched({"metadata": {"labels": {"a": "b"}}}, dry_run)
    assert "adopt only" in patched({"metadata": {"ownerReferences": [{**owner[0], **POD}]}}, dry_run)
    with_secret = {"spec": {"template": {"spec": {"volumes": [SECRET]}}}}
    assert "volumes with Secrets" in patched({**adopt, **with_secret}, dry_run)
    remove = ("-n", confined.name, "delete", "deployment", "web", dry_run)
    assert "adopt only" in as_account(product, RELEASE, *remove)
    assert patched(adopt, dry_run) == ""
    confined.kubectl("delete", "deployment", "web")


CA = base64.b64encode(encode_certificates([authority.create(datetime.now(UTC)).certificate])).decode()


@pytest.mark.parametrize("account", [RELEASE, f"{RELEASE}-webhooks"])
def test_the_api_server_finds_no_fault_with_the_types_in_a_policy(product: Product, account: str) -> None:
    def status() -> dict[str, Any]:
        found = json.loads(product.bed.kubectl("get", "validatingadmissionpolicy", account, "-o", "json").stdout)
        status: dict[str, Any] = found.get("status", {})
        return status

    found = until(lambda: status() if "observedGeneration" in status() else None, seconds=PATIENCE, what="a status")
    assert found.get("typeChecking", {}) == {}


KINDS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
REACH: list[tuple[str, Change]] = [
    ("rules", lambda c: c["webhooks"][0]["rules"][0].update(resources=["*"])),
    ("failurePolicy", lambda c: c["webhooks"][0].update(failurePolicy="Ignore")),
    ("matchConditions", lambda c: c["webhooks"][0].pop("matchConditions")),
    ("namespaceSelector", lambda c: c["webhooks"][0].update(namespaceSelector={"matchLabels": {"a": "b"}})),
    ("service", lambda c: c["webhooks"][0]["clientConfig"]["service"].update(namespace="default")),
    (
        "url",
        lambda c: c["webhooks"][0].update(clientConfig={"url": "https://192.0.2.66/x"}),
    ),
    ("another entry", lambda c: c["webhooks"].append({**copy.deepcopy(c["webhooks"][0]), "name": "x.example.com"})),
    ("no entry", lambda c: c.update(webhooks=[])),
    ("an owner", lambda c: c["metadata"].update(ownerReferences=[_owner()])),
    ("a label", lambda c: c["metadata"]["labels"].update(a="b")),
]


def _owner() -> dict[str, str]:
    return {"apiVersion": "v1", "kind": "Namespace", "name": "gone", "uid": OWNER.uid}


def patch(product: Product, kind: str, body: object, account: str = "") -> str:
    """What the API server says to a merge patch of a configuration; empty when it did as told."""
    headers = {"Content-Type": "application/merge-patch+json"}
    if account:  # not by kubectl, which reads first; this account may not
        headers["Impersonate-User"] = USER + account
    path = f"/apis/admissionregistration.k8s.io/v1/{kind}/{RELEASE}?dryRun=All"
    status, answer = product.bed.request("PATCH", path, body, headers)
    return "" if status == 200 else answer["message"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("what", "change"), REACH, ids=[what for what, _ in REACH])
@pytest.mark.usefixtures("confined")
def test_the_webhooks_account_gains_no_reach(product: Product, kind: str, what: str, change: Change) -> None:
    found = json.loads(product.bed.kubectl("get", kind, RELEASE, "-o", "json").stdout)
    wanted = copy.deepcopy(found)
    change(wanted)
    body = {key: value for key, value in wanted.items() if value != found[key]}
    # An owner is refused by OwnerReferencesPermissionEnforcement before the policy is asked.
    special = {"an owner": "cannot set an ownerRef", "a label": "not change the metadata"}
    words = special.get(what, "only caBundle of a webhook configuration")
    assert words in patch(product, kind, body, f"{RELEASE}-webhooks")
    assert patch(product, kind, body) == ""  # the administrator may


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("confined")
def test_it_writes_the_bundle(product: Product, kind: str) -> None:
    found = json.loads(product.bed.kubectl("get", kind, RELEASE, "-o", "json").stdout)
    found["webhooks"][0]["clientConfig"]["caBundle"] = CA
    assert patch(product, kind, {"webhooks": found["webhooks"]}, f"{RELEASE}-webhooks") == ""


def test_of_the_definition_the_operators_account_writes_which_versions_are_stored_and_no_more(
    product: Product, confined: Namespace
) -> None:
    path = f"{DEFINITIONS.path(None, names.CRD, 'status')}?dryRun=All"
    headers = {"Content-Type": "application/merge-patch+json", "Impersonate-User": USER + RELEASE}
    found = confined.bed.get(DEFINITIONS.path(None, names.CRD))
    assert found is not None
    conditions = [{**condition, "status": "False"} for condition in found["status"]["conditions"]]
    accepted = {**found["status"]["acceptedNames"], "shortNames": []}
    for status in ({"conditions": conditions}, {"acceptedNames": accepted}):
        code, answer = product.bed.request("PATCH", path, {"status": status}, headers)
        assert (code, "only the storedVersions" in answer["message"]) == (422, True), answer
    stored = {"status": {"storedVersions": [names.VERSION]}}
    assert product.bed.request("PATCH", path, stored, headers)[0] == 200
