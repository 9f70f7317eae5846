"""What the schema cannot say about spec.service: what the API server would refuse when the Service is written."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.faults import Fault, Subject, dotted, quoted

_NEEDS_TYPE: Final = {
    "nodePort": ("NodePort", "LoadBalancer"),
    "externalTrafficPolicy": ("NodePort", "LoadBalancer"),
    "loadBalancerClass": ("LoadBalancer",),
    "loadBalancerSourceRanges": ("LoadBalancer",),
}
#: The API server's default for --service-node-port-range. A cluster may have another, so this only warns.
_NODE_PORTS: Final = range(30000, 32768)
#: Bytes of all annotations, keys and values: the API server's 256 KiB, and 1 KiB of them for the operator's own.
_ANNOTATIONS: Final = 255 * 1024
#: What the API server reads as loadBalancerSourceRanges where that is empty.
_RANGES: Final = "service.beta.kubernetes.io/load-balancer-source-ranges"
_QUALIFIED_IN_WORDS: Final = "must be a name such as tier or example.com/tier, of at most 63 characters after the '/'"


def service(subject: Subject) -> Iterator[Fault | str]:
    """What the CRD cannot say about spec.service."""
    wanted = subject.spec.get("service")
    if not isinstance(wanted, Mapping):
        return
    old = (subject.old_spec or {}).get("service")
    before = old if isinstance(old, Mapping) else {}
    yield from _annotations(wanted.get("annotations"))
    # While it is paused the Service stays, whatever is written.
    stands = before.get("enabled") is not False or (subject.old_spec or {}).get("paused") is True
    yield from _load_balancer(wanted, before, stands=stands)
    yield from _source_ranges(wanted, before)
    port = wanted.get("nodePort")
    if isinstance(port, int) and port not in _NODE_PORTS:
        yield f"spec.service.nodePort: {port} is outside 30000-32767, which is all that most clusters allow"


def service_types(subject: Subject) -> Iterator[Fault]:
    """Fields that need a type of Service (the CRD says the same in CEL)."""
    wanted = subject.spec.get("service")
    if not isinstance(wanted, Mapping):
        return
    type_ = wanted.get("type") or "ClusterIP"
    for name, types in _NEEDS_TYPE.items():
        if wanted.get(name) is not None and type_ not in types:
            yield _fault(f"{name} needs type {' or '.join(types)}", name)


def _annotations(annotations: object) -> Iterator[Fault]:
    size = 0
    for key, value in annotations.items() if isinstance(annotations, Mapping) else ():
        if value is None:
            continue  # left out
        size += len(str(key).encode(errors="replace")) + len(str(value).encode(errors="replace"))
        # The API server takes upper-case letters in a prefix, here alone.
        if not names.is_qualified(key.lower() if isinstance(key, str) else key):
            yield _fault(f"the key {quoted(key)} {_QUALIFIED_IN_WORDS}", "annotations")
    if size > _ANNOTATIONS:
        yield _fault(f"{size} bytes in all are more than a Service can have; keep within {_ANNOTATIONS}", "annotations")


def _load_balancer(wanted: Mapping[str, Any], before: Mapping[str, Any], *, stands: bool) -> Iterator[Fault]:
    name = wanted.get("loadBalancerClass")
    if isinstance(name, str) and not names.is_qualified(name):
        yield _fault(f"{quoted(name)} {_QUALIFIED_IN_WORDS}", "loadBalancerClass")
    if (
        stands
        and wanted.get("type") == before.get("type") == "LoadBalancer"
        and name != before.get("loadBalancerClass")
    ):
        yield _fault(
            "a Service keeps its class for life; set service.enabled to false first, which removes the Service unless "
            "it is paused, then to true with the other class",
            "loadBalancerClass",
        )


def _source_ranges(wanted: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Fault]:
    """Networks in the field, or in the annotation that came before it. What is in force already may stay."""
    ranges, old_ranges = (
        list_ if isinstance(list_ := service.get("loadBalancerSourceRanges"), list) else []
        for service in (wanted, before)
    )
    for number, network in enumerate(ranges):
        if isinstance(network, str) and network not in old_ranges and (fault := _network_fault(network)):
            yield _fault(f"{quoted(network)} {fault}", "loadBalancerSourceRanges", number)
    annotated = _annotated_ranges(wanted)
    stays = annotated == _annotated_ranges(before) and wanted.get("type") == before.get("type") and not old_ranges
    if ranges or annotated is None or stays:
        return
    if wanted.get("type") != "LoadBalancer":
        yield _fault("needs type LoadBalancer", "annotations", _RANGES)
    for network in (part.strip() for part in annotated.split(",") if annotated.strip()):
        if fault := _network_fault(network):
            yield _fault(f"{quoted(network)} {fault}", "annotations", _RANGES)


def _annotated_ranges(wanted: Mapping[str, Any]) -> str | None:
    annotations = wanted.get("annotations")
    found = annotations.get(_RANGES) if isinstance(annotations, Mapping) else None
    return found if isinstance(found, str) else None


def _network_fault(text: str) -> str:
    """Why a new Service cannot have this network; empty if it can.

    Source of the rule: StrictIPCIDRValidation, on since Kubernetes 1.36.
    """
    address, slash, length = text.partition("/")
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        network = None
    if network is None or not slash or "%" in text:
        return "is no network such as 192.0.2.0/24 or 2001:db8::/32"
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        return "must be written as a network of IPv4, such as 192.0.2.0/24"
    if length != str(network.prefixlen) or ipaddress.ip_address(address) != network.network_address:
        return f"must be written as {network}"
    return ""


def _fault(message: str, *path: str | int) -> Fault:
    parts = ("spec", "service", *path)
    return Fault(dotted(parts), message, parts)
