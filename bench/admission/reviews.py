"""What is sent: an Nginx as users write it, and the review that an API server makes of it (1.3 KB)."""

import json
from typing import Any, Final

from nginx_operator.api import names

SPEC: Final[dict[str, Any]] = {
    "count": 3,
    "image": "docker.io/nginxinc/nginx-unprivileged:1.30-alpine",
    "imagePullPolicy": "IfNotPresent",
    "containerPort": 8080,
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    "service": {"enabled": True, "type": "ClusterIP", "port": 80, "annotations": {"example.com/owner": "team-a"}},
    "paused": False,
}


def nginx(name: str, **spec: Any) -> dict[str, Any]:
    """An Nginx; without a spec, one with every common field."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": name, "namespace": "team-a", "labels": {"app.kubernetes.io/part-of": "shop"}},
        "spec": spec or SPEC,
    }


def review(obj: dict[str, Any]) -> bytes:
    """An AdmissionReview of its creation, as Kubernetes 1.37 sends it."""
    kind = {"group": names.GROUP, "version": names.VERSION, "kind": names.KIND}
    resource = {"group": names.GROUP, "version": names.VERSION, "resource": names.PLURAL}
    request = {
        "uid": "8a1fd0d1-7b3a-4a53-9d0a-3f5b6e0c9f11",
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": obj["metadata"]["name"],
        "namespace": obj["metadata"]["namespace"],
        "operation": "CREATE",
        "userInfo": {
            "username": "system:serviceaccount:delivery:deployer",
            "uid": "5f0c1a4e-2d0e-4e0b-8f57-6b9a3c7d1e42",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:delivery", "system:authenticated"],
        },
        "object": obj,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "deployer"},
    }
    whole = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
    return json.dumps(whole, separators=(",", ":")).encode()


def post(path: str, body: bytes) -> bytes:
    """A whole HTTP request, as an API server's client words it."""
    header = (
        f"POST {path}?timeout=5s HTTP/1.1\r\nHost: webhooks.nginx-operator-system.svc:443\r\n"
        "User-Agent: kube-apiserver-admission\r\n"
        f"Content-Length: {len(body)}\r\nAccept: application/json\r\nContent-Type: application/json\r\n\r\n"
    )
    return header.encode() + body
