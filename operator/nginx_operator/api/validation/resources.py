"""spec.resources: what the API server would refuse only when a pod is created.

Source: k8s.io/kubernetes/pkg/apis/core/validation, ValidateResourceRequirements.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, TypeGuard

from nginx_operator.api import names, quantity
from nginx_operator.api.validation.field_errors import FieldError, did_you_mean, quoted

_STANDARD: Final = ("cpu", "memory", "ephemeral-storage")
_BYTES: Final = ("memory", "ephemeral-storage")
#: Less than this has no unit, or that of CPUs.
_FEWEST_BYTES: Final = 2**20
#: runc refuses a container with less.
_LEAST_MEMORY: Final = 6 * 2**20
#: More than a node of any size would give one nginx.
_MANY_CPUS: Final = 100
_HUGE_PAGES_PREFIX: Final = "hugepages-"
#: A part of the names of Kubernetes' own resources other than the standard ones.
_KUBERNETES_DOMAIN: Final = "kubernetes.io/"
#: A ResourceQuota counts an extended resource under its name with this prefix, so no name of one begins with it.
_QUOTA_PREFIX: Final = "requests."


def validate_resources(resources: object) -> Iterator[FieldError | str]:
    """All rules on spec.resources; what a Pod is warned of is warned of here."""
    if not isinstance(resources, Mapping):
        return
    requests, limits = (
        amounts if isinstance(amounts := resources.get(key), Mapping) else {} for key in ("requests", "limits")
    )
    for key, amounts in (("requests", requests), ("limits", limits)):
        for name, amount in amounts.items():
            yield from _quantity_errors(key, name, amount)
    for name in requests:
        yield from _request_errors(name, requests[name], limits.get(name))
    given = [name for amounts in (requests, limits) for name, amount in amounts.items() if amount is not None]
    pages = next((name for name in given if _is_known(name) and _page_size(name) is not None), None)
    if pages is not None and not {"cpu", "memory"} & set(given):
        yield _error("needs cpu or memory beside it", "limits" if limits.get(pages) is not None else "requests", pages)


def _quantity_errors(key: str, name: object, amount: object) -> Iterator[FieldError | str]:
    """One name and its quantity; null means left out."""
    if amount is None:
        return
    if not _is_known(name):
        hint = did_you_mean(name, _STANDARD) or "use cpu, memory, ephemeral-storage or one such as example.com/gpu"
        yield _error(f"unknown resource; {hint}", key, name)
        return
    value = _number(amount)
    if value is None:
        return  # the schema refuses it
    if value < 0:
        yield _error(f"{quoted(amount)} must be 0 or more", key, name)
    elif value > quantity.MAX:
        yield _error(f"{quoted(amount)} is more than a quantity can hold", key, name)
    elif (size := _page_size(name)) is not None:
        if _stored(amount) % size:
            yield _error(
                f"{quoted(amount)} must be a multiple of {name[len(_HUGE_PAGES_PREFIX) :]}, the page's size", key, name
            )
    elif not _can_overcommit(name) and _stored(amount) % 1:
        yield _error(f"{quoted(amount)} must be a whole number", key, name)
    else:
        yield from _unit_warnings(key, name, amount, value)


def _unit_warnings(key: str, name: str, amount: object, value: Decimal) -> Iterator[str]:
    """Amounts that are legal, and hardly ever meant: their unit is missing, or another resource's."""
    field, digits = f"spec.resources.{key}.{name}", str(amount).rstrip("numkMGTPE")
    if name in _BYTES and value % 1:  # k8s.io/kubernetes/pkg/api/pod, warningsForPodSpecAndMeta
        meant = f"; did you mean {digits}Mi?" if str(amount).endswith("m") else ""
        yield f"{field}: {quoted(amount)} is a fraction of a byte{meant}"
    elif name in _BYTES and 0 < value < _FEWEST_BYTES:
        yield f"{field}: {quoted(amount)} is {value:f} bytes, in which no container starts; did you mean {digits}Mi?"
    elif name == "memory" and key == "limits" and 0 < value < _LEAST_MEMORY:
        yield f"{field}: {quoted(amount)} is too little for a container to start; nginx takes some 10Mi"
    elif name == "cpu" and value >= _MANY_CPUS:
        yield f"{field}: {quoted(amount)} is {value:f} CPUs; did you mean {digits}m?"


def _request_errors(name: object, request: object, limit: object) -> Iterator[FieldError]:
    """A request beside the limit of the same resource."""
    if _number(request) is None or not _is_known(name):
        return
    low, high = _stored(request), _stored(limit) if _number(limit) is not None else None
    if not _can_overcommit(name) and low != high:
        yield _error(f"{quoted(request)} must also be the limit: {name} cannot be shared", "requests", name)
    elif high is not None and low > high:
        yield _error(
            f"{quoted(request)} is more than the limit {quoted(limit)}; lower one or raise the other", "requests", name
        )


def _is_known(name: object) -> TypeGuard[str]:
    if not isinstance(name, str) or not names.is_qualified_name(name):
        return False
    if name.startswith(_HUGE_PAGES_PREFIX):
        return _page_size(name) is not None
    if _can_overcommit(name):
        return True
    return "/" in name and not name.startswith(_QUOTA_PREFIX) and names.is_qualified_name(f"{_QUOTA_PREFIX}{name}")


def _can_overcommit(name: str) -> bool:
    """Whether its limit may exceed its request, and its amount be a fraction (helper.IsOvercommitAllowed)."""
    return name in _STANDARD or (_KUBERNETES_DOMAIN in name and not name.startswith(_HUGE_PAGES_PREFIX))


def _page_size(name: str) -> Decimal | None:
    """Bytes of one huge page, from the resource's name; None if it is no name of huge pages."""
    size = _number(name[len(_HUGE_PAGES_PREFIX) :]) if name.startswith(_HUGE_PAGES_PREFIX) else None
    return size if size is not None and 0 < size <= quantity.MAX and size % 1 == 0 else None


def _stored(value: Any) -> Decimal:
    """A quantity as the API server stores it: what it compares."""
    return quantity.stored(int(value) if isinstance(value, float) else value)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 3.0 is the whole number 3, for the schema and for the API server
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        return quantity.parse(value)
    except ValueError:
        return None


def _error(message: str, *path: object) -> FieldError:
    return FieldError(("spec", "resources", *map(str, path)), message)
