"""The Service `<name>`: one address in front of the pods."""

from typing import Any

from nginx_operator.api import names
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.ownership import metadata


def service(owner: ObjectMeta, spec: NginxSpec) -> dict[str, Any] | None:
    """The desired Service, or None when spec.service.enabled is false."""
    wanted = spec.service
    if not wanted.enabled:
        return None
    meta = metadata(owner)
    if wanted.annotations:
        meta["annotations"] = dict(wanted.annotations)
    port: dict[str, Any] = {"name": "http", "port": wanted.port, "targetPort": "http", "protocol": "TCP"}
    if wanted.node_port is not None:
        port["nodePort"] = wanted.node_port
    body: dict[str, Any] = {"type": wanted.type, "selector": names.labels(owner.name), "ports": [port]}
    if wanted.external_traffic_policy is not None:
        body["externalTrafficPolicy"] = wanted.external_traffic_policy
    if wanted.load_balancer_class is not None:
        body["loadBalancerClass"] = wanted.load_balancer_class
    if wanted.load_balancer_source_ranges:
        body["loadBalancerSourceRanges"] = list(wanted.load_balancer_source_ranges)
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": body}
