"""What the schema cannot say about spec.resources: what the API server would refuse when a pod is made.

Source: k8s.io/kubernetes/pkg/apis/core/validation, ValidateResourceRequirements.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, TypeGuard

from nginx_operator.api import names, quantity
from nginx_operator.api.faults import Fault, Subject, did_you_mean, dotted, quoted

_NATIVE: Final = ("cpu", "memory", "ephemeral-storage")
_HUGE_PAGES: Final = "hugepages-"
#: What stands in the names of Kubernetes' own resources beside the native ones.
_OWN: Final = "kubernetes.io/"
#: A quota counts a resource of somebody else under this prefix, so none has it already.
_QUOTA: Final = "requests."


def resources(subject: Subject) -> Iterator[Fault]:
    """All rules on spec.resources."""
    wanted = subject.spec.get("resources")
    if not isinstance(wanted, Mapping):
        return
    requests, limits = (
        list_ if isinstance(list_ := wanted.get(key), Mapping) else {} for key in ("requests", "limits")
    )
    for key, amounts in (("requests", requests), ("limits", limits)):
        for name, amount in amounts.items():
            yield from _amount(key, name, amount)
    for name in requests:
        yield from _pair(name, requests[name], limits.get(name))
    given = [name for amounts in (requests, limits) for name, amount in amounts.items() if amount is not None]
    pages = next((name for name in given if _is_known(name) and _page_size(name) is not None), None)
    if pages is not None and not {"cpu", "memory"} & set(given):
        yield _fault("needs cpu or memory beside it", "limits" if limits.get(pages) is not None else "requests", pages)


def _amount(key: str, name: object, amount: object) -> Iterator[Fault]:
    """One name and its quantity; null means left out."""
    if amount is None:
        return
    if not _is_known(name):
        hint = did_you_mean(name, _NATIVE) or "use cpu, memory, ephemeral-storage or one such as example.com/gpu"
        yield _fault(f"unknown resource; {hint}", key, name)
        return
    value = _number(amount)
    if value is None:
        return  # the schema's business
    if value < 0:
        yield _fault(f"{quoted(amount)} must be 0 or more", key, name)
    elif value > quantity.LARGEST:
        yield _fault(f"{quoted(amount)} is more than a quantity can hold", key, name)
    elif (size := _page_size(name)) is not None:
        if _stored(amount) % size:
            yield _fault(
                f"{quoted(amount)} must be a multiple of {name[len(_HUGE_PAGES) :]}, the page's size", key, name
            )
    elif not _is_shared(name) and _stored(amount) % 1:
        yield _fault(f"{quoted(amount)} must be a whole number", key, name)


def _pair(name: object, request: object, limit: object) -> Iterator[Fault]:
    """A request and the limit of the same resource."""
    if _number(request) is None or not _is_known(name):
        return
    low, high = _stored(request), _stored(limit) if _number(limit) is not None else None
    if not _is_shared(name) and low != high:
        yield _fault(f"{quoted(request)} must also be the limit: {name} cannot be shared", "requests", name)
    elif high is not None and low > high:
        yield _fault(
            f"{quoted(request)} is more than the limit {quoted(limit)}; lower one or raise the other", "requests", name
        )


def _is_known(name: object) -> TypeGuard[str]:
    if not isinstance(name, str) or not names.is_qualified(name):
        return False
    if name.startswith(_HUGE_PAGES):
        return _page_size(name) is not None
    if _is_shared(name):
        return True
    return "/" in name and not name.startswith(_QUOTA) and names.is_qualified(f"{_QUOTA}{name}")


def _is_shared(name: str) -> bool:
    """Whether a container may use more of it than it requests, and parts of one."""
    return name in _NATIVE or (_OWN in name and not name.startswith(_HUGE_PAGES))


def _page_size(name: str) -> Decimal | None:
    """Bytes of one huge page by a resource's name; None if that is none of them."""
    size = _number(name[len(_HUGE_PAGES) :]) if name.startswith(_HUGE_PAGES) else None
    return size if size is not None and 0 < size <= quantity.LARGEST and size % 1 == 0 else None


def _stored(value: Any) -> Decimal:
    """What the API server makes of a quantity, to compare by."""
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


def _fault(message: str, *path: object) -> Fault:
    parts = ("spec", "resources", *map(str, path))
    return Fault(dotted(parts), message, parts)
