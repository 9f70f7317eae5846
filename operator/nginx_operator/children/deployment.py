"""The Deployment `<name>`: the nginx pods.

Its pods pass PodSecurity `restricted`. Nothing of the operator's version enters it, so an upgrade of the operator
restarts no pod.
"""

from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.types import HTTPGetAction, NginxSpec, ObjectMeta, Probe
from nginx_operator.children.config_map import config_map_name
from nginx_operator.children.configuration import FROM_IMAGE, Configuration
from nginx_operator.children.main_conf import FOLDER
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
#: Name of the volume that holds the files of a configuration.
_CONFIG_VOLUME: Final = "config"
#: nginx in the foreground, and not by the image's entrypoint, which may write a configuration of its own.
_NGINX: Final = ("nginx", "-g", "daemon off;")


def build_deployment(owner: ObjectMeta, spec: NginxSpec, configuration: Configuration = FROM_IMAGE) -> dict[str, Any]:
    """The desired Deployment, of no pods for count 0."""
    labels = names.labels(owner.name)
    of_pods = {**labels, names.LABEL_CONFIG: configuration.revision} if configuration.revision else labels
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": child_metadata(owner, spec.deployment.labels, spec.deployment.annotations),
        "spec": {
            "replicas": spec.count,
            "selector": {"matchLabels": labels},
            # A new pod is ready before an old one goes: a change of the spec drops no request.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {"metadata": {"labels": of_pods}, "spec": _pod(owner, labels, spec, configuration)},
        },
    }


def _pod(owner: ObjectMeta, labels: dict[str, str], spec: NginxSpec, configuration: Configuration) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "containers": [_container(spec, configuration)],
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
    if configuration.revision:
        pod["initContainers"] = [_config_test(spec, configuration)]
        volume = {"name": _CONFIG_VOLUME, "configMap": {"name": config_map_name(owner, configuration)}}
        pod["volumes"].append(volume)
    if spec.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret["name"]} for secret in spec.image_pull_secrets]
    return pod


def _container(spec: NginxSpec, configuration: Configuration) -> dict[str, Any]:
    container: dict[str, Any] = {
        **_nginx(names.CONTAINER, spec, configuration),
        "ports": [{"name": "http", "containerPort": spec.container_port, "protocol": "TCP"}],
        # There is no liveness probe: when nginx dies the container ends, and restarting a busy nginx would only make it
        # worse.
        "readinessProbe": _readiness_probe(spec, configuration),
        "lifecycle": {"preStop": {"sleep": {"seconds": _PRE_STOP_SECONDS}}},
    }
    if configuration.revision:
        container["command"] = list(_NGINX)
    if configuration.has_health_server:
        container["ports"].append({"name": "health", "containerPort": names.HEALTH_PORT, "protocol": "TCP"})
    return container


def _config_test(spec: NginxSpec, configuration: Configuration) -> dict[str, Any]:
    """Nginx tests the files that the container beside it is to run with: same image, same mounts.

    If nginx refuses them, the pod does not start and the earlier ones keep serving. The kubelet keeps the end of what
    it wrote, which is its error.
    """
    return {
        **_nginx(names.CONFIG_TEST_CONTAINER, spec, configuration),
        "command": [*_NGINX, "-t", "-q"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _nginx(name: str, spec: NginxSpec, configuration: Configuration) -> dict[str, Any]:
    """What every container of nginx has."""
    mounts: list[dict[str, Any]] = [{"name": name, "mountPath": path} for name, path in _WRITABLE.items()]
    # By subPath, since the image has other files in this folder. These never change in a pod, so nothing is missed.
    mounts += [
        {"name": _CONFIG_VOLUME, "mountPath": f"{FOLDER}/{path}", "subPath": path, "readOnly": True}
        for path in configuration.paths
    ]
    container: dict[str, Any] = {
        "name": name,
        "image": spec.image,
        "imagePullPolicy": spec.image_pull_policy,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    resources = {kind: amounts for kind, amounts in spec.resources.items() if amounts}
    if resources:
        container["resources"] = resources
    return container


def _readiness_probe(spec: NginxSpec, configuration: Configuration) -> dict[str, Any]:
    """The user's; else an answer of the operator's own server; else a connection."""
    if spec.probes.readiness is None and configuration.has_health_server:
        return _probe(Probe(http_get=HTTPGetAction(names.READY_PATH, names.HEALTH_PORT)))
    return _probe(spec.probes.readiness or Probe())


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
