"""Requests whose answers tell an API server's semantics, and how two servers' answers are compared.

Nothing that the real one adds by itself is in the way: each body is whole, with all defaults, and no controller looks
at what is stored. uids and resourceVersions are compared by when the same one comes again, so a write that must change
nothing, and one that must, are told apart; no other number and no time is compared.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nginx_operator.kube.client import APPLY, JSON, JSON_PATCH, MERGE, STRATEGIC_MERGE, Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import (
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    MUTATING_CONFIGURATIONS,
    SECRETS,
    SERVICES,
    Resource,
)

Object = dict[str, Any]

WIDGETS = Resource("double.example.com/v1", "widgets", "Widget")
POD_TEMPLATES = Resource("v1", "podtemplates", "PodTemplate")
#: Stand for what the last answer of the same path says, or, of a collection's path, its last list.
UID, VERSION, CONTINUE = "{uid}", "{version}", "{continue}"
#: A version that no object has.
STALE = "1"

_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
#: The definition of WIDGETS, which a real API server needs.
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.double.example.com"},
    "spec": {
        "group": "double.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


@dataclass(frozen=True, slots=True)
class Step:
    """A request, or a watch of so many events."""

    resource: Resource
    method: str
    name: str = ""
    body: Any = None
    params: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    accept: str = JSON
    subresource: str = ""
    events: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.resource.plural} {self.name} {self.subresource} {self.params}"


def get(resource: Resource, name: str) -> Step:
    return Step(resource, "GET", name)


def find(resource: Resource, accept: str = JSON, **params: str) -> Step:
    return Step(resource, "GET", params=params, accept=accept)


def watch(resource: Resource, events: int, **params: str) -> Step:
    return Step(resource, "WATCH", params=params, events=events)


def create(resource: Resource, body: Object, **params: str) -> Step:
    return Step(resource, "POST", body.get("metadata", {}).get("name", ""), _typed(resource, body), params)


def update(resource: Resource, body: Object, **params: str) -> Step:
    return Step(resource, "PUT", body["metadata"]["name"], _typed(resource, body), params)


def apply(resource: Resource, manager: str, body: Object, subresource: str = "", **params: str) -> Step:
    params = {"fieldManager": manager} | params
    name = body["metadata"]["name"]
    return Step(resource, "PATCH", name, _typed(resource, body), params, APPLY, subresource=subresource)


def patch(resource: Resource, name: str, content_type: str, body: Any, subresource: str = "", **params: str) -> Step:
    return Step(resource, "PATCH", name, body, params, content_type, subresource=subresource)


def delete(resource: Resource, name: str, **preconditions: str) -> Step:
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
    return Step(resource, "DELETE", name, options)


def _typed(resource: Resource, body: Object) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind} | body


def _secret(name: str, data: dict[str, str], **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}, "type": "Opaque", "data": data}


def _owner(name: str, **more: bool) -> Object:
    """A Secret of the script as an owner: the garbage collector takes away what has none that exists."""
    return {"apiVersion": "v1", "kind": "Secret", "name": name, "uid": f"{{uid of {name}}}", **more}


_REPLACED = [
    {"op": "test", "path": "/metadata/resourceVersion", "value": VERSION},
    {"op": "replace", "path": "/data/a", "value": "Zg=="},
]
_ADDED = [{"op": "remove", "path": "/data/d"}, {"op": "add", "path": "/data/g", "value": "Zw=="}]
_SECRETS = [
    get(SECRETS, "a"),
    find(SECRETS, labelSelector="double"),
    create(SECRETS, _secret("a", {"a": "YQ==", "b": "Yg=="}, labels={"double": "1", "of": "a"}), fieldManager="one"),
    create(SECRETS, _secret("a", {})),
    create(SECRETS, {"metadata": {}}),
    create(SECRETS, _secret("dry", {}), dryRun="All"),
    get(SECRETS, "dry"),
    create(SECRETS, _secret("b", {}, labels={"double": "2"}), fieldManager="one"),
    create(SECRETS, _secret("c", {}, labels={"double": "3", "of": "a"}), fieldManager="one"),
    get(SECRETS, "a"),
    find(SECRETS, labelSelector="double"),
    find(SECRETS, labelSelector="double=1"),
    find(SECRETS, labelSelector="double!=1,of"),
    find(SECRETS, labelSelector="double in (1, 2),!of"),
    find(SECRETS, labelSelector="double notin (1),double"),
    find(SECRETS, fieldSelector="metadata.name=b"),
    find(SECRETS, fieldSelector="metadata.color=b"),
    find(SECRETS, labelSelector="double", limit="2"),
    find(SECRETS, limit="1"),
    find(SECRETS, **{"limit": "1", "continue": CONTINUE}),
    find(SECRETS, _METADATA_ONLY, labelSelector="double=2"),
    # Updates.
    update(SECRETS, _secret("a", {"a": "YQ==", "c": "Yw=="}, resourceVersion=VERSION), fieldManager="two"),
    update(SECRETS, _secret("a", {"a": "YQ==", "c": "Yw=="}, resourceVersion=VERSION), fieldManager="two"),
    update(SECRETS, _secret("a", {"a": "eA=="}, resourceVersion=STALE), fieldManager="two"),
    update(SECRETS, _secret("a", {"a": "eA=="}, uid="another"), fieldManager="two"),
    update(SECRETS, _secret("a", {"a": "eA=="}), fieldManager="three", dryRun="All"),
    update(SECRETS, _secret("gone", {}), fieldManager="two"),
    # JSON merge patches.
    patch(SECRETS, "a", MERGE, {"data": {"c": None, "d": "ZA=="}}, fieldManager="one"),
    patch(SECRETS, "a", MERGE, {"data": {"d": "ZA=="}}, fieldManager="four"),
    patch(SECRETS, "a", MERGE, {"metadata": {"uid": UID, "resourceVersion": VERSION}, "data": {"e": "ZQ=="}}),
    patch(SECRETS, "a", MERGE, {"metadata": {"resourceVersion": STALE}, "data": {"e": "eA=="}}),
    patch(SECRETS, "a", MERGE, {"metadata": {"uid": "another"}, "data": {"e": "eA=="}}),
    patch(SECRETS, "gone", MERGE, {"data": {"e": "eA=="}}),
    # JSON patches.
    patch(SECRETS, "a", JSON_PATCH, _REPLACED, fieldManager="two"),
    patch(SECRETS, "a", JSON_PATCH, [{**_REPLACED[0], "value": STALE}, _REPLACED[1]], fieldManager="two"),
    patch(SECRETS, "a", JSON_PATCH, _ADDED),
    # Strategic merge patches: owners by their uid.
    patch(SECRETS, "a", STRATEGIC_MERGE, {"metadata": {"ownerReferences": [_owner("b"), _owner("c")]}}),
    patch(
        SECRETS,
        "a",
        STRATEGIC_MERGE,
        {"metadata": {"resourceVersion": VERSION, "ownerReferences": [{"uid": "{uid of c}", "controller": True}]}},
        fieldManager="two",
    ),
    patch(SECRETS, "a", STRATEGIC_MERGE, {"metadata": {"resourceVersion": STALE}}),
    # Deletions.
    delete(SECRETS, "a", uid="another"),
    delete(SECRETS, "a", resourceVersion=STALE),
    delete(SECRETS, "a", uid=UID, resourceVersion=VERSION),
    delete(SECRETS, "a"),
    get(SECRETS, "a"),
]
_APPLIES = [
    apply(SECRETS, "one", _secret("s", {"a": "YQ==", "b": "Yg=="}, labels={"x": "1"})),
    apply(SECRETS, "one", _secret("s", {"a": "YQ==", "b": "Yg=="}, labels={"x": "1"})),
    apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"b": "Yg=="}}),
    apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"a": "eA=="}}),
    apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"a": "eA==", "b": "eA=="}}),
    apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"a": "eA==", "b": "Yg=="}}, force="true", dryRun="All"),
    apply(SECRETS, "two", {"metadata": {"name": "s"}, "data": {"a": "eA==", "b": "Yg=="}}, force="true"),
    apply(SECRETS, "one", _secret("s", {})),  # `a` and `b` are the other's now, and stay
    patch(SECRETS, "s", MERGE, {"data": {"u": "dQ=="}, "metadata": {"annotations": {"n": "1"}}}, fieldManager="user"),
    apply(SECRETS, "one", {"metadata": {"name": "s"}, "data": {"u": "eA=="}}),
    apply(SECRETS, "two", {"metadata": {"name": "s", "resourceVersion": VERSION}}),  # takes its fields away
    apply(SECRETS, "two", {"metadata": {"name": "s", "resourceVersion": STALE}, "data": {"a": "eA=="}}),
    apply(SECRETS, "two", {"metadata": {"name": "s", "uid": "another"}, "data": {"a": "eA=="}}),
    apply(SECRETS, "two", {"metadata": {"name": "s", "uid": UID}, "data": {"a": "eA=="}}),
    apply(SECRETS, "one", {"metadata": {"name": "only-if-absent", "resourceVersion": STALE}, "type": "Opaque"}),
    apply(SECRETS, "one", {"metadata": {"name": "only-if-absent", "resourceVersion": STALE}, "type": "Opaque"}),
    apply(SECRETS, "one", {"metadata": {"name": "of-a-uid", "uid": "another"}}),
    apply(SECRETS, "one", _secret("s", {}, ownerReferences=[_owner("b"), _owner("c")])),
    apply(SECRETS, "two", {"metadata": {"name": "s", "ownerReferences": [_owner("only-if-absent")]}}),
    apply(SECRETS, "one", _secret("s", {}, ownerReferences=[_owner("c", controller=True)])),
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
_LISTS = [
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
    apply(POD_TEMPLATES, "three", {"metadata": {"name": "t"}, "template": {"spec": {"nodeSelector": {"c": "d"}}}}),
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
_CHILDREN = [
    create(DEPLOYMENTS, _DEPLOYMENT, dryRun="All"),
    apply(DEPLOYMENTS, "one", _DEPLOYMENT, dryRun="All"),
    apply(SERVICES, "one", _SERVICE),
    apply(SERVICES, "two", {"metadata": {"name": "s"}, "spec": {"ports": _MORE_PORTS}}),
    apply(SERVICES, "two", {"metadata": {"name": "s"}, "spec": {"selector": {"c": "d"}}}),
    patch(SERVICES, "s", MERGE, {"metadata": {"annotations": {"a": "b"}}}),
    apply(SERVICES, "one", {**_SERVICE, "spec": {**_SERVICE["spec"], "ports": _MORE_PORTS}}),
    create(SERVICES, _SERVICE | {"metadata": {"name": "by-create"}}),
]


def _widget(spec: Object, **more: Any) -> Object:
    return {"metadata": {"name": "w"}, "spec": spec, **more}


_ENTRY = {
    "manager": "five",
    "operation": "Update",
    "apiVersion": WIDGETS.api_version,
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:spec": {"f:tags": {}}},
}
_CUSTOM = [
    create(WIDGETS, _widget({"count": 1, "tags": ["a", "b"]}, status={"ready": 9}), fieldManager="one"),
    patch(WIDGETS, "w", MERGE, {"spec": {"count": 2}}, fieldManager="two"),
    patch(WIDGETS, "w", MERGE, {"spec": {"count": 2}, "status": {"ready": 1}}, fieldManager="two"),
    patch(WIDGETS, "w", MERGE, {"metadata": {"labels": {"a": "b"}}}, fieldManager="two"),
    patch(WIDGETS, "w", MERGE, {"spec": {"count": 3}, "status": {"ready": 1}}, "status", fieldManager="two"),
    patch(WIDGETS, "w", MERGE, {}, "status", fieldManager="three"),
    patch(WIDGETS, "w", MERGE, {"metadata": {"resourceVersion": STALE}, "status": {"ready": 2}}, "status"),
    patch(WIDGETS, "w", MERGE, {"metadata": {"uid": UID}, "status": {"of": ["x"], "ready": 1}}, "status"),
    patch(WIDGETS, "w", STRATEGIC_MERGE, {"spec": {"count": 2}}),
    update(WIDGETS, _widget({"count": 5})),
    update(WIDGETS, {"metadata": {"name": "w", "resourceVersion": VERSION}, "spec": {"count": 5}}, fieldManager="two"),
    apply(WIDGETS, "four", _widget({"count": 6}, status={"ready": 3})),
    apply(WIDGETS, "four", _widget({"count": 6}, status={"ready": 3}), force="true"),
    apply(WIDGETS, "four", {"metadata": {"name": "w"}, "status": {"more": 1}}, "status"),
    apply(WIDGETS, "four", _widget({"tags": ["c"]})),
    patch(WIDGETS, "w", JSON_PATCH, [{"op": "replace", "path": "/metadata/managedFields", "value": [_ENTRY]}]),
    patch(WIDGETS, "w", JSON_PATCH, [{"op": "replace", "path": "/spec/none", "value": 1}]),
    patch(WIDGETS, "w", MERGE, {"metadata": {"uid": "another", "resourceVersion": STALE}}, "status"),
    apply(WIDGETS, "four", {"metadata": {"name": "w"}, "kind": ""}),
    find(WIDGETS),
    delete(WIDGETS, "w", resourceVersion=STALE),
    delete(WIDGETS, "w", uid=UID),
]


def _webhook(name: str, **client_config: Any) -> Object:
    service = {"name": "none", "namespace": "none", "path": "/", "port": 443}
    return {
        "name": name,
        "clientConfig": {"service": service, **client_config},
        "rules": [
            {
                "apiGroups": ["none.example.com"],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["nothings"],
                "scope": "*",
            }
        ],
        "failurePolicy": "Ignore",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {"matchLabels": {"a": "b"}},
        "sideEffects": "None",
        "timeoutSeconds": 10,
        "reinvocationPolicy": "Never",
        "admissionReviewVersions": ["v1"],
    }


def _bundle(name: str, bundle: str = "eA==", **metadata: str) -> Object:
    webhooks = [{"name": name, "clientConfig": {"caBundle": bundle}}]
    return {"metadata": {"name": "double.example.com", **metadata}, "webhooks": webhooks}


_CONFIGURATION = {
    "metadata": {"name": "double.example.com"},
    "webhooks": [_webhook("a.example.com"), _webhook("b.example.com")],
}
_REPLACEMENT = _CONFIGURATION | {"metadata": {"name": "double.example.com", "resourceVersion": VERSION}}
_CLUSTER_SCOPED = [
    create(MUTATING_CONFIGURATIONS, _CONFIGURATION, fieldManager="helm"),
    apply(MUTATING_CONFIGURATIONS, "ca", _bundle("a.example.com", resourceVersion=VERSION), force="true"),
    apply(MUTATING_CONFIGURATIONS, "ca", _bundle("a.example.com", resourceVersion=STALE), force="true"),
    apply(MUTATING_CONFIGURATIONS, "ca", _bundle("a.example.com", "eQ=="), force="true"),
    update(MUTATING_CONFIGURATIONS, _CONFIGURATION),
    update(MUTATING_CONFIGURATIONS, _REPLACEMENT, fieldManager="helm"),  # takes the bundle away
    apply(MUTATING_CONFIGURATIONS, "ca", _bundle("b.example.com"), force="true"),
    find(MUTATING_CONFIGURATIONS, fieldSelector="metadata.name=double.example.com"),
    delete(MUTATING_CONFIGURATIONS, "double.example.com", uid="another"),
    delete(MUTATING_CONFIGURATIONS, "double.example.com"),
]


def _lease(holder: str, **metadata: str) -> Object:
    return {"metadata": {"name": "l", **metadata}, "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}}


def _event(count: int) -> Object:
    time = "2026-01-01T00:00:00Z"
    return {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Secret", "name": "s", "namespace": "{namespace}"},
        "type": "Normal",
        "reason": "Done",
        "message": "done",
        "source": {"component": "double"},
        "reportingComponent": "double",
        "reportingInstance": "1",
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": count,
    }


_RECORDS = [
    create(LEASES, _lease("one")),
    update(LEASES, _lease("two")),
    update(LEASES, _lease("two", resourceVersion=VERSION)),
    update(LEASES, _lease("three", resourceVersion=STALE)),
    get(LEASES, "l"),
    delete(LEASES, "l", resourceVersion=STALE),
    create(LEASES, {"metadata": {"name": "m", "resourceVersion": "5"}}),
    create(EVENTS, _event(1)),
    create(EVENTS, _event(1)),
    patch(EVENTS, "e", MERGE, {"count": 2}, fieldManager="double"),
]
_WATCHES = [
    find(SECRETS, labelSelector="watched"),
    create(SECRETS, _secret("w", {}, labels={"watched": "1"})),
    create(SECRETS, _secret("unwatched", {})),
    patch(SECRETS, "w", MERGE, {"data": {"a": "YQ=="}}),
    patch(SECRETS, "w", MERGE, {"metadata": {"labels": {"watched": None}}}),
    patch(SECRETS, "w", MERGE, {"metadata": {"labels": {"watched": "2"}}}),
    delete(SECRETS, "w"),
    watch(SECRETS, 5, labelSelector="watched", resourceVersion=VERSION),
    watch(SECRETS, 2, labelSelector="watched=2", resourceVersion=VERSION),
    watch(SECRETS, 5, fieldSelector="metadata.name=w", resourceVersion=VERSION),
    watch(WIDGETS, 1, resourceVersion=STALE),
]
SCRIPT = [*_SECRETS, *_APPLIES, *_LISTS, *_CHILDREN, *_CUSTOM, *_CLUSTER_SCOPED, *_RECORDS, *_WATCHES]


class Player:
    """Plays steps against one API server, and notes what came of each.

    Args:
        config: where it is.
        namespace: an empty one, of the same name on both servers.
    """

    def __init__(self, config: ClientConfig, namespace: str) -> None:
        self._config = config
        self._namespace = namespace
        self._seen: dict[str, Object] = {}
        self._uids: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._code = 0

    async def play(self, steps: Sequence[Step] = SCRIPT) -> list[tuple[str, Any]]:
        """The outcome of each step by the step."""
        found = []
        async with Client(self._config, user_agent="player/1.0", answered=self._answered) as client:
            for step in steps:
                outcome = await (self._watch if step.events else self._ask)(client, step)
                found.append((str(step), outcome))
        return found

    def _answered(self, _method: str, _plural: str, code: int) -> None:
        self._code = code

    async def _ask(self, client: Client, step: Step) -> Any:
        namespace = None if step.resource == MUTATING_CONFIGURATIONS else self._namespace
        path = step.resource.path(namespace, step.name or None)
        target = f"{path}/{step.subresource}" if step.subresource else path
        if step.method == "POST":
            target = step.resource.path(namespace)
        body, params = self._filled(step.body, path), self._filled(step.params, path)
        try:
            raw = await client.request(
                step.method, target, body, params=params, content_type=step.content_type, accept=step.accept
            )
        except ApiError as error:
            return error.code, error.reason, sorted(error.causes), self._masked_text(error.message)
        answer = json.loads(raw)
        if "dryRun" not in params:
            self._seen[path] = answer.get("metadata", {})
        return self._code, self._masked(answer)

    async def _watch(self, client: Client, step: Step) -> Any:
        params = self._filled(step.params, step.resource.path(self._namespace))
        found = []
        async with asyncio.timeout(30):
            async for line in client.watch(step.resource, self._namespace, params):
                event = json.loads(line)
                if event["type"] != "BOOKMARK":
                    found.append((event["type"], self._masked(event["object"])))
                if len(found) == step.events:
                    break
        return found

    def _filled(self, value: Any, path: str) -> Any:
        seen = self._seen.get(path, {})
        text = json.dumps(value).replace("{namespace}", self._namespace)
        for stands, key in ((UID, "uid"), (VERSION, "resourceVersion"), (CONTINUE, "continue")):
            text = text.replace(stands, seen.get(key, ""))
        text = _UID_OF.sub(lambda found: self._seen[SECRETS.path(self._namespace, found[1])]["uid"], text)
        return json.loads(text)

    def _masked(self, value: Any) -> Any:
        """Without nulls, which mean nothing, and with numbers of appearance in place of uids and versions."""
        if isinstance(value, list):
            return [self._masked(one) for one in value]
        if not isinstance(value, dict):
            return self._masked_text(value) if isinstance(value, str) else value
        parts = ((key, one) for key, one in value.items() if one is not None and key not in _VOLATILE)
        found = {self._masked_text(key): self._masked(one) for key, one in parts}
        if "items" in value:  # a list: its version is that of the whole store
            return found | {"metadata": sorted(found["metadata"])}
        if isinstance(value.get("resourceVersion"), str):
            found["resourceVersion"] = self._versions.setdefault(value["resourceVersion"], len(self._versions))
        if "managedFields" in found:
            found["managedFields"].sort(key=lambda one: (one["manager"], one["operation"], one.get("subresource", "")))
        return found

    def _masked_text(self, text: str) -> str:
        text = _UID.sub(lambda found: f"uid-{self._uids.setdefault(found[0], len(self._uids))}", text)
        return _NUMBERS.sub("#", _TIME.sub("TIME", text))


_VOLATILE = ("creationTimestamp", "time", "remainingItemCount")
_UID_OF = re.compile(r"\{uid of ([a-z-]+)\}")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z")
_NUMBERS = re.compile(r"\b\d{3,}\b")
