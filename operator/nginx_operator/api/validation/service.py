"""spec.service: what the API server would refuse only when the Service is written."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.validation.field_errors import FieldError, quoted

_NEEDS_TYPE: Final = {
    "nodePort": ("NodePort", "LoadBalancer"),
    "externalTrafficPolicy": ("NodePort", "LoadBalancer"),
    "loadBalancerClass": ("LoadBalancer",),
    "loadBalancerSourceRanges": ("LoadBalancer",),
}
_NEEDS_POLICY: Final = (
    "two families need ipFamilyPolicy PreferDualStack or RequireDualStack; set one of these, or remove a family"
)
#: The API server's default for --service-node-port-range. A cluster may have another, so this only warns.
_NODE_PORTS: Final = range(30000, 32768)
_QUALIFIED_NAME_FORMAT: Final = (
    "must be a name such as tier or example.com/tier, of at most 63 characters after the '/'"
)


def validate_service(spec: Mapping[str, Any], old_spec: Mapping[str, Any]) -> Iterator[FieldError | str]:
    """Rules on spec.service that the CRD cannot express."""
    new, old = spec.get("service"), old_spec.get("service")
    if not isinstance(new, Mapping):
        return
    if not isinstance(old, Mapping):
        old = {}
    # The Service of a paused Nginx stays, whatever is written.
    exists = old.get("enabled") is not False or old_spec.get("paused") is True
    yield from _load_balancer_class_errors(new, old, exists=exists)
    yield from _first_family_errors(new, old, exists=exists)
    yield from _source_range_errors(new, old)
    port = new.get("nodePort")
    if isinstance(port, int) and port not in _NODE_PORTS:
        yield f"spec.service.nodePort: {port} is outside 30000-32767, which is all that most clusters allow"


def validate_service_type(service: object) -> Iterator[FieldError]:
    """Fields that only some types of Service have; the CRD has the same rule in CEL."""
    if not isinstance(service, Mapping):
        return
    type_ = service.get("type") or "ClusterIP"
    for name, types in _NEEDS_TYPE.items():
        if service.get(name) is not None and type_ not in types:
            yield _error(f"{name} needs type {' or '.join(types)}; remove {name}, or set that type", name)


def validate_ip_families(service: object) -> Iterator[FieldError]:
    """Two families are another one each, and are asked for; the CRD has the same rules in CEL."""
    families = _families(service)
    if not isinstance(service, Mapping) or len(families) < 2:
        return
    if service.get("ipFamilyPolicy") in (None, "SingleStack"):
        yield _error(_NEEDS_POLICY, "ipFamilies")
    if families[0] == families[1]:
        yield _error("a family may appear once; remove one of the two", "ipFamilies")


def _load_balancer_class_errors(
    new: Mapping[str, Any], old: Mapping[str, Any], *, exists: bool
) -> Iterator[FieldError | str]:
    name = new.get("loadBalancerClass")
    if isinstance(name, str) and not names.is_qualified_name(name):
        yield _error(f"{quoted(name)} {_QUALIFIED_NAME_FORMAT}", "loadBalancerClass")
    if exists and new.get("type") == old.get("type") == "LoadBalancer" and name != old.get("loadBalancerClass"):
        yield "spec.service.loadBalancerClass: a Service whose class changes gets another external address"


def _first_family_errors(new: Mapping[str, Any], old: Mapping[str, Any], *, exists: bool) -> Iterator[FieldError]:
    first, before = _families(new)[:1], _families(old)[:1]
    if exists and first and before and first != before:
        yield _error(
            f"a Service keeps its first family, {before[0]}, for life; set service.enabled to false first, which "
            "removes the Service unless it is paused, then to true with the other family",
            "ipFamilies",
        )


def _families(service: object) -> list[Any]:
    found = service.get("ipFamilies") if isinstance(service, Mapping) else None
    return found if isinstance(found, list) else []


def _source_range_errors(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[FieldError]:
    """Networks in the field, or in the annotation that preceded it. What is in force already may stay."""
    ranges, old_ranges = (
        found if isinstance(found := service.get("loadBalancerSourceRanges"), list) else [] for service in (new, old)
    )
    for number, network in enumerate(ranges):
        if isinstance(network, str) and network not in old_ranges and (problem := _network_error(network)):
            yield _error(f"{quoted(network)} {problem}", "loadBalancerSourceRanges", number)
    annotated = _annotated_ranges(new)
    stays = annotated == _annotated_ranges(old) and new.get("type") == old.get("type") and not old_ranges
    if ranges or annotated is None or stays:
        return
    if new.get("type") != "LoadBalancer":
        yield _error("needs type LoadBalancer", "annotations", names.SOURCE_RANGES_ANNOTATION)
    for network in (part.strip() for part in annotated.split(",") if annotated.strip()):
        if problem := _network_error(network):
            yield _error(f"{quoted(network)} {problem}", "annotations", names.SOURCE_RANGES_ANNOTATION)


def _annotated_ranges(service: Mapping[str, Any]) -> str | None:
    annotations = service.get("annotations")
    found = annotations.get(names.SOURCE_RANGES_ANNOTATION) if isinstance(annotations, Mapping) else None
    return found if isinstance(found, str) else None


def _network_error(text: str) -> str:
    """Why a new Service cannot have this network; empty if it can.

    Source of the rule: StrictIPCIDRValidation, on since Kubernetes 1.36.
    """
    address, slash, length = text.partition("/")
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        network = None
    if network is None or not slash or "%" in text:
        return "is not a network such as 192.0.2.0/24 or 2001:db8::/32"
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        return "must be written as a network of IPv4, such as 192.0.2.0/24"
    if length != str(network.prefixlen) or ipaddress.ip_address(address) != network.network_address:
        return f"must be written as {network}"
    return ""


def _error(message: str, *path: str | int) -> FieldError:
    return FieldError(("spec", "service", *path), message)
