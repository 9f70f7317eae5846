"""The Deployment `<name>`: the nginx pods.

Its pods pass PodSecurity `restricted`. Nothing of the operator's version enters it, so an upgrade of the operator
restarts no pod.
"""

from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.types import NginxSpec, ObjectMeta, Probe
from nginx_operator.children.metadata import child_metadata

#: Seconds from the removal of the endpoint to SIGQUIT: until each kube-proxy knows, new connections still come.
_PRE_STOP_SECONDS: Final = 5
#: Seconds until the pod is killed, preStop included: what requests in progress have to end.
_GRACE_PERIOD_SECONDS: Final = 35
#: Nodes that run Linux images. The spread over nodes favours an empty one, and a Windows node stays empty.
_NODES: Final = {"kubernetes.io/os": "linux"}
#: Where an unprivileged nginx writes: pid and temporary files, and its cache. The rest is read-only.
_WRITABLE: Final = {"tmp": "/tmp", "cache": "/var/cache/nginx"}  # noqa: S108 - a path in the pod, not here
#: nginx in the unprivileged image.
_IDS: Final = {"runAsUser": 101, "runAsGroup": 101, "fsGroup": 101}
#: Seconds that a probe by HTTP may take: a busy nginx answers late, and if it is taken out, the others get its load.
_HTTP_TIMEOUT_SECONDS: Final = 5


def build_deployment(owner: ObjectMeta, spec: NginxSpec) -> dict[str, Any]:
    """The desired Deployment, of no pods for count 0."""
    labels = names.labels(owner.name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": child_metadata(owner, spec.deployment.labels, spec.deployment.annotations),
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
        "terminationGracePeriodSeconds": _GRACE_PERIOD_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            **(_IDS if spec.fixed_ids else {}),
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "nodeSelector": dict(_NODES),
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
        # There is no liveness probe: when nginx dies the container ends, and restarting a busy nginx would only make it
        # worse.
        "readinessProbe": _probe(spec.probes.readiness or Probe()),
        "lifecycle": {"preStop": {"sleep": {"seconds": _PRE_STOP_SECONDS}}},
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


def _probe(probe: Probe) -> dict[str, Any]:
    """By default a connection, which is all that holds for any image; what "/" answers is the user's affair."""
    body: dict[str, Any] = {"periodSeconds": probe.period_seconds, "failureThreshold": probe.failure_threshold}
    handler = probe.http_get or probe.tcp_socket
    target = {"port": "http" if handler is None or handler.port is None else handler.port}
    timeout = probe.timeout_seconds
    if probe.http_get is not None:
        body = {"httpGet": {"path": probe.http_get.path, **target}, **body}
        timeout = timeout or _HTTP_TIMEOUT_SECONDS
    else:
        body = {"tcpSocket": target, **body}
    return body if timeout is None else {**body, "timeoutSeconds": timeout}
