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
_QUALIFIED_IN_WORDS: Final = "must be a name such as tier or example.com/tier, of at most 63 characters after the '/'"


def service(subject: Subject) -> Iterator[Fault | str]:
    """What the CRD cannot say about spec.service."""
    wanted = subject.spec.get("service")
    if not isinstance(wanted, Mapping):
        return
    yield from _annotations(wanted.get("annotations"))
    yield from _load_balancer(wanted, (subject.old_spec or {}).get("service"))
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
    for key, value in annotations.items() if isinstance(annotations, Mapping) else ():
        if value is None:
            continue  # left out
        # The API server takes upper-case letters in a prefix, here alone.
        if not names.is_qualified(key.lower() if isinstance(key, str) else key):
            yield _fault(f"the key {quoted(key)} {_QUALIFIED_IN_WORDS}", "annotations")


def _load_balancer(wanted: Mapping[str, Any], old: object) -> Iterator[Fault]:
    name = wanted.get("loadBalancerClass")
    if isinstance(name, str) and not names.is_qualified(name):
        yield _fault(f"{quoted(name)} {_QUALIFIED_IN_WORDS}", "loadBalancerClass")
    before = old if isinstance(old, Mapping) else {}
    both = wanted.get("type") == before.get("type") == "LoadBalancer" and before.get("enabled") is not False
    if both and name != before.get("loadBalancerClass"):
        yield _fault(
            "a Service keeps its class for life; set service.enabled to false first, which removes the Service, "
            "then to true with the other class",
            "loadBalancerClass",
        )
    ranges = wanted.get("loadBalancerSourceRanges")
    for number, network in enumerate(ranges if isinstance(ranges, list) else ()):
        if isinstance(network, str) and not _is_network(network):
            yield _fault(
                f"{quoted(network)} is no network such as 192.0.2.0/24 or 2001:db8::/32",
                "loadBalancerSourceRanges",
                number,
            )


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _fault(message: str, *path: str | int) -> Fault:
    parts = ("spec", "service", *path)
    return Fault(dotted(parts), message, parts)
