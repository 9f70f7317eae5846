"""AdmissionReviews as an API server sends them."""

import base64
import json
from typing import Any

NGINX_KIND = {"group": "proxy.example.com", "version": "v1alpha1", "kind": "Nginx"}
SCALE_KIND = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
IMAGE = "registry.example.com/nginx:1.30"

#: Marks what is left out, where None would be a null.
ABSENT: Any = object()


def nginx(spec: Any = ABSENT, **metadata: Any) -> dict[str, Any]:
    """An Nginx."""
    found: dict[str, Any] = {
        "apiVersion": "proxy.example.com/v1alpha1",
        "kind": "Nginx",
        "metadata": {"name": "web", "namespace": "team-a", **metadata},
    }
    return found if spec is ABSENT else {**found, "spec": spec}


def scale(replicas: Any = ABSENT) -> dict[str, Any]:
    """A Scale; the API server leaves replicas out when they are 0."""
    spec = {} if replicas is ABSENT else {"replicas": replicas}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": spec}


def review(
    obj: dict[str, Any] | None,
    old: dict[str, Any] | None = None,
    *,
    kind: dict[str, str] | None = None,
    operation: str | None = None,
    **request: Any,
) -> dict[str, Any]:
    """A review of storing `obj` in place of `old`."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": kind or NGINX_KIND,
            "resource": {"group": "proxy.example.com", "version": "v1alpha1", "resource": "nginxes"},
            "name": "web",
            "namespace": "team-a",
            "operation": operation or ("CREATE" if old is None else "UPDATE"),
            "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
            "object": obj,
            "oldObject": old,
            "dryRun": False,
            "options": {},
            **request,
        },
    }


def encoded(found: dict[str, Any]) -> bytes:
    """A review as bytes."""
    return json.dumps(found).encode()


def patched(obj: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """The object after a response's patch: the operation "add" of RFC 6902, 4.1, on mappings."""
    result: dict[str, Any] = json.loads(json.dumps(obj))
    if "patch" not in response:
        return result
    assert response["patchType"] == "JSONPatch"
    for operation in json.loads(base64.b64decode(response["patch"])):
        assert operation["op"] == "add"
        *parents, last = operation["path"].split("/")[1:]
        target = result
        for part in parents:
            target = target[part]
        assert isinstance(target, dict), "an API server answers 500 to such a patch"
        target[last] = operation["value"]
    return result
