"""The Deployment `<name>`: the nginx pods.

Its pods pass PodSecurity `restricted`. Nothing of the operator's version enters it, so an upgrade of the operator
restarts no pod.
"""

from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.ownership import metadata

#: Seconds between "no new connections, please" (the endpoint is removed) and SIGQUIT: proxies need time to hear of it.
_DRAIN: Final = 5
#: Seconds that running requests have to end before the pod is killed, the drain included.
_GRACE: Final = 35
#: Where an unprivileged nginx writes: its pid and temporary files, and its cache. The rest is read-only.
_WRITABLE: Final = {"tmp": "/tmp", "cache": "/var/cache/nginx"}  # noqa: S108 - a path in the pod, not here


def deployment(owner: ObjectMeta, spec: NginxSpec) -> dict[str, Any]:
    """The desired Deployment. There always is one: count 0 keeps it with no pods."""
    labels = names.labels(owner.name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(owner),
        "spec": {
            "replicas": spec.count,
            "selector": {"matchLabels": labels},
            # A new pod is ready before an old one goes: a change of the spec drops no request.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": _pod(labels, spec)},
        },
    }


def _pod(labels: dict[str, str], spec: NginxSpec) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "containers": [_container(spec)],
        "automountServiceAccountToken": False,  # nginx has no business with the API server
        "enableServiceLinks": False,  # a namespace with thousands of Services must not fill the environment
        "terminationGracePeriodSeconds": _GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 101,  # nginx in the unprivileged image
            "runAsGroup": 101,
            "fsGroup": 101,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": labels},
            }
        ],
        "volumes": [{"name": name, "emptyDir": {}} for name in _WRITABLE],
    }
    if spec.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret["name"]} for secret in spec.image_pull_secrets]
    return pod


def _container(spec: NginxSpec) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": names.CONTAINER,
        "image": spec.image,
        "imagePullPolicy": spec.image_pull_policy,
        "ports": [{"name": "http", "containerPort": spec.container_port, "protocol": "TCP"}],
        # A connection is all that holds for any image; what "/" answers is the user's affair. There is no liveness
        # probe: when nginx dies the container ends, and restarting a busy nginx would only make it worse.
        "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 5, "failureThreshold": 2},
        "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in _WRITABLE.items()],
    }
    resources = {kind: amounts for kind, amounts in spec.resources.items() if amounts}
    if resources:
        container["resources"] = resources
    return container
