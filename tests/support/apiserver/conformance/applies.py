"""Server-side apply: owners of fields, conflicts, what is taken away, lists that are merged by key."""

from collections.abc import Sequence
from typing import Any

from nginx_operator.kube.client import JSON_PATCH, MERGE
from nginx_operator.kube.resources import DEPLOYMENTS, SECRETS, SERVICES, Resource
from tests.support.apiserver.conformance.secrets import owner, secret
from tests.support.apiserver.conformance.steps import STALE, UID, VERSION, Object, apply, create, fails, get, patch

POD_TEMPLATES = Resource("v1", "podtemplates", "PodTemplate")
SECRETS_APPLIED = [
    apply(SECRETS, "one", secret("s", {"a": "YQ==", "b": "Yg=="}, labels={"x": "1"})),
    apply(SECRETS, "one", secret("s", {"a": "YQ==", "b": "Yg=="}, labels={"x": "1"})),
    apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"b": "Yg=="}}),
    fails(409, apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"a": "eA=="}})),
    fails(409, apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"a": "eA==", "b": "eA=="}})),
    apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"a": "eA==", "b": "Yg=="}}, force="true", dryRun="All"),
    apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"a": "eA==", "b": "Yg=="}}, force="true"),
    apply(SECRETS, "one", secret("s", {})),  # `a` and `b` are the other's now, and stay
    patch(SECRETS, "s", MERGE, {"data": {"u": "dQ=="}, "metadata": {"annotations": {"n": "1"}}}, fieldManager="user"),
    fails(409, apply(SECRETS, "one", {"metadata": {"name": "s"}, "data": {"u": "eA=="}})),
    apply(SECRETS, "two", {"metadata": {"name": "s", "resourceVersion": VERSION}}),  # takes its fields away
    fails(409, apply(SECRETS, "two", {"metadata": {"name": "s", "resourceVersion": STALE}, "data": {"a": "eA=="}})),
    fails(422, apply(SECRETS, "two", {"metadata": {"name": "s", "uid": "another"}, "data": {"a": "eA=="}})),
    apply(SECRETS, "two", {"metadata": {"name": "s", "uid": UID}, "data": {"a": "eA=="}}),
    apply(SECRETS, "one", {"metadata": {"name": "only-if-absent", "resourceVersion": STALE}, "type": "Opaque"}),
    fails(
        409, apply(SECRETS, "one", {"metadata": {"name": "only-if-absent", "resourceVersion": STALE}, "type": "Opaque"})
    ),
    fails(409, apply(SECRETS, "one", {"metadata": {"name": "of-a-uid", "uid": "another"}})),
    apply(SECRETS, "one", secret("s", {}, ownerReferences=[owner("b"), owner("c")])),
    apply(SECRETS, "two", {"metadata": {"name": "s", "ownerReferences": [owner("only-if-absent")]}}),
    apply(SECRETS, "one", secret("s", {}, ownerReferences=[owner("c", controller=True)])),
    get(SECRETS, "s"),
    patch(SECRETS, "s", JSON_PATCH, [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]),
    apply(SECRETS, "three", {"metadata": {"name": "s"}, "data": {"u": "dQ=="}}),
]


def _pods(*containers: Object, volumes: Sequence[Object] = ()) -> Object:
    spec = {
        "containers": containers,
        "volumes": volumes,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    }
    return {"metadata": {"labels": {"a": "b"}}, "spec": spec}


def _template(*containers: Object, volumes: Sequence[Object] = ()) -> Object:
    return {"metadata": {"name": "t"}, "template": _pods(*containers, volumes=volumes)}


def _container(name: str, **more: Any) -> Object:
    return {
        "name": name,
        "image": "example.com/nginx:1",
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": {},
        **more,
    }


def _ports(*numbers: int) -> list[Object]:
    return [{"name": f"p{number}", "containerPort": number, "protocol": "TCP"} for number in numbers]


def _variables(**values: str) -> list[Object]:
    return [{"name": name, "value": value} for name, value in values.items()]


_SIDECAR = {"metadata": {"name": "t"}, "template": {"spec": {"containers": [_container("sidecar")]}}}
_VARIABLE = {"name": "main", "env": _variables(C="3")}
LISTS = [
    apply(
        POD_TEMPLATES,
        "one",
        _template(
            _container("main", ports=_ports(80, 81), env=_variables(A="1", B="2"), command=["a", "b"]),
            volumes=[{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}],
        ),
    ),
    apply(POD_TEMPLATES, "two", _SIDECAR),
    apply(POD_TEMPLATES, "two", {"metadata": {"name": "t"}, "template": {"spec": {"containers": [_VARIABLE]}}}),
    apply(
        POD_TEMPLATES,
        "one",
        _template(
            _container("first"),
            _container("main", ports=_ports(82, 81), env=_variables(B="x"), command=["c"]),
            volumes=[{"name": "w", "emptyDir": {}}],
        ),
    ),
    apply(POD_TEMPLATES, "two", {"metadata": {"name": "t"}, "template": {"spec": {"nodeSelector": {"a": "b"}}}}),
    fails(
        409,
        apply(POD_TEMPLATES, "three", {"metadata": {"name": "t"}, "template": {"spec": {"nodeSelector": {"c": "d"}}}}),
    ),
    create(POD_TEMPLATES, _template(_container("main", ports=_ports(80))) | {"metadata": {"name": "by-create"}}),
]
_DEPLOYMENT = {
    "metadata": {"name": "d"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"a": "b"}},
        "template": _pods(_container("main", ports=_ports(80))),
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    },
}
_SERVICE = {
    "metadata": {"name": "s"},
    "spec": {
        "clusterIP": "None",
        "clusterIPs": ["None"],
        "type": "ClusterIP",
        "selector": {"a": "b"},
        "ports": [{"name": "a", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    },
}
_MORE_PORTS = [{"name": "b", "port": 81, "targetPort": 8081, "protocol": "TCP"}]
#: Dry runs of deployments, since a controller would answer to one that is stored.
CHILDREN = [
    create(DEPLOYMENTS, _DEPLOYMENT, dryRun="All"),
    apply(DEPLOYMENTS, "one", _DEPLOYMENT, dryRun="All"),
    apply(SERVICES, "one", _SERVICE),
    apply(SERVICES, "two", {"metadata": {"name": "s"}, "spec": {"ports": _MORE_PORTS}}),
    fails(409, apply(SERVICES, "two", {"metadata": {"name": "s"}, "spec": {"selector": {"c": "d"}}})),
    patch(SERVICES, "s", MERGE, {"metadata": {"annotations": {"a": "b"}}}),
    apply(SERVICES, "one", {**_SERVICE, "spec": {**_SERVICE["spec"], "ports": _MORE_PORTS}}),
    create(SERVICES, _SERVICE | {"metadata": {"name": "by-create"}}),
]
