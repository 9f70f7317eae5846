"""The Service `<name>`: one address for all pods."""

from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.configuration import FROM_IMAGE, Configuration
from nginx_operator.children.metadata import child_metadata

#: What a Service of type ClusterIP cannot have.
_NOT_OF_CLUSTER_IP: Final = ("externalTrafficPolicy", "loadBalancerClass", "loadBalancerSourceRanges")


def build_service(
    owner: ObjectMeta, spec: NginxSpec, _configuration: Configuration = FROM_IMAGE
) -> dict[str, Any] | None:
    """The desired Service; None when spec.service.enabled is false."""
    service = spec.service
    if not service.enabled:
        return None
    metadata = child_metadata(owner, service.labels, service.annotations)
    port: dict[str, Any] = {"name": "http", "port": service.port, "targetPort": "http", "protocol": "TCP"}
    if service.node_port is not None:
        port["nodePort"] = service.node_port
    body: dict[str, Any] = {"type": service.type, "selector": names.labels(owner.name), "ports": [port]}
    if service.external_traffic_policy is not None:
        body["externalTrafficPolicy"] = service.external_traffic_policy
    if service.load_balancer_class is not None:
        body["loadBalancerClass"] = service.load_balancer_class
    if service.load_balancer_source_ranges:
        body["loadBalancerSourceRanges"] = list(service.load_balancer_source_ranges)
    if service.ip_family_policy is not None:
        body["ipFamilyPolicy"] = service.ip_family_policy
    if service.ip_families:
        body["ipFamilies"] = list(service.ip_families)
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": body}


def as_cluster_ip(service: dict[str, Any]) -> dict[str, Any]:
    """The same Service without a load balancer."""
    metadata, spec = service["metadata"], service["spec"]
    annotations = {**metadata.get("annotations", {})}
    annotations.pop(names.SOURCE_RANGES_ANNOTATION, None)
    ports = [{key: value for key, value in port.items() if key != "nodePort"} for port in spec["ports"]]
    kept = {key: value for key, value in spec.items() if key not in _NOT_OF_CLUSTER_IP}
    return {
        **service,
        "metadata": {**metadata, "annotations": annotations},
        "spec": {**kept, "type": "ClusterIP", "ports": ports},
    }
