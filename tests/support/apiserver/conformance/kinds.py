"""Custom resources with a status, cluster-scoped configurations, Leases, Events."""

from typing import Any

from nginx_operator.kube.client import JSON_PATCH, MERGE, STRATEGIC_MERGE
from nginx_operator.kube.resources import EVENTS, LEASES, MUTATING_CONFIGURATIONS, Resource
from tests.support.apiserver.conformance.steps import (
    STALE,
    UID,
    VERSION,
    Object,
    apply,
    create,
    delete,
    fails,
    find,
    get,
    patch,
    update,
    watch,
)

WIDGETS = Resource("double.example.com/v1", "widgets", "Widget")
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


def _widget(spec: Object, **more: Any) -> Object:
    return {"metadata": {"name": "w"}, "spec": spec, **more}


_ENTRY = {
    "manager": "five",
    "operation": "Update",
    "apiVersion": WIDGETS.api_version,
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:spec": {"f:tags": {}}},
}
CUSTOM = [
    create(WIDGETS, _widget({"count": 1, "tags": ["a", "b"]}, status={"ready": 9}), fieldManager="one"),
    patch(WIDGETS, "w", MERGE, {"spec": {"count": 2}}, fieldManager="two"),
    patch(WIDGETS, "w", MERGE, {"spec": {"count": 2}, "status": {"ready": 1}}, fieldManager="two"),
    patch(WIDGETS, "w", MERGE, {"metadata": {"labels": {"a": "b"}}}, fieldManager="two"),
    patch(WIDGETS, "w", MERGE, {"spec": {"count": 3}, "status": {"ready": 1}}, "status", fieldManager="two"),
    patch(WIDGETS, "w", MERGE, {}, "status", fieldManager="three"),
    fails(409, patch(WIDGETS, "w", MERGE, {"metadata": {"resourceVersion": STALE}, "status": {"ready": 2}}, "status")),
    patch(WIDGETS, "w", MERGE, {"metadata": {"uid": UID}, "status": {"of": ["x"], "ready": 1}}, "status"),
    fails(415, patch(WIDGETS, "w", STRATEGIC_MERGE, {"spec": {"count": 2}})),
    fails(422, update(WIDGETS, _widget({"count": 5}))),
    update(WIDGETS, {"metadata": {"name": "w", "resourceVersion": VERSION}, "spec": {"count": 5}}, fieldManager="two"),
    fails(409, apply(WIDGETS, "four", _widget({"count": 6}, status={"ready": 3}))),
    apply(WIDGETS, "four", _widget({"count": 6}, status={"ready": 3}), force="true"),
    apply(WIDGETS, "four", {"metadata": {"name": "w"}, "status": {"more": 1}}, "status"),
    apply(WIDGETS, "four", _widget({"tags": ["c"]})),
    patch(WIDGETS, "w", JSON_PATCH, [{"op": "replace", "path": "/metadata/managedFields", "value": [_ENTRY]}]),
    patch(WIDGETS, "w", JSON_PATCH, [{"op": "replace", "path": "/spec/none", "value": 1}]),
    fails(409, patch(WIDGETS, "w", MERGE, {"metadata": {"uid": "another", "resourceVersion": STALE}}, "status")),
    fails(400, apply(WIDGETS, "four", {"metadata": {"name": "w"}, "kind": ""})),
    find(WIDGETS),
    fails(409, delete(WIDGETS, "w", resourceVersion=STALE)),
    delete(WIDGETS, "w", uid=UID),
    watch(WIDGETS, 1, resourceVersion=STALE),
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
CLUSTER_SCOPED = [
    create(MUTATING_CONFIGURATIONS, _CONFIGURATION, fieldManager="helm"),
    apply(MUTATING_CONFIGURATIONS, "ca", _bundle("a.example.com", resourceVersion=VERSION), force="true"),
    fails(409, apply(MUTATING_CONFIGURATIONS, "ca", _bundle("a.example.com", resourceVersion=STALE), force="true")),
    apply(MUTATING_CONFIGURATIONS, "ca", _bundle("a.example.com", "eQ=="), force="true"),
    fails(422, update(MUTATING_CONFIGURATIONS, _CONFIGURATION)),
    update(MUTATING_CONFIGURATIONS, _REPLACEMENT, fieldManager="helm"),  # takes the bundle away
    apply(MUTATING_CONFIGURATIONS, "ca", _bundle("b.example.com"), force="true"),
    find(MUTATING_CONFIGURATIONS, fieldSelector="metadata.name=double.example.com"),
    fails(409, delete(MUTATING_CONFIGURATIONS, "double.example.com", uid="another")),
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


RECORDS = [
    create(LEASES, _lease("one")),
    fails(422, update(LEASES, _lease("two"))),
    update(LEASES, _lease("two", resourceVersion=VERSION)),
    fails(409, update(LEASES, _lease("three", resourceVersion=STALE))),
    get(LEASES, "l"),
    fails(409, delete(LEASES, "l", resourceVersion=STALE)),
    fails(500, create(LEASES, {"metadata": {"name": "m", "resourceVersion": "5"}})),
    create(EVENTS, _event(1)),
    fails(409, create(EVENTS, _event(1))),
    patch(EVENTS, "e", MERGE, {"count": 2}, fieldManager="double"),
]
