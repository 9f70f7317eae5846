"""What the schema cannot say about spec.resources: what the API server would refuse when a pod is made.

Source: k8s.io/kubernetes/pkg/apis/core/validation, ValidateResourceRequirements.
"""

import difflib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from nginx_operator.api import names, quantity
from nginx_operator.api.faults import Fault, Subject, dotted, quoted

_NATIVE: Final = ("cpu", "memory", "ephemeral-storage")
_HUGE_PAGES: Final = "hugepages-"


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


def _amount(key: str, name: object, amount: object) -> Iterator[Fault]:
    """One name and its quantity; null means left out."""
    if amount is None:
        return
    if not _is_known(name):
        close = difflib.get_close_matches(str(name)[:64], _NATIVE, n=1)  # takes time by the length
        hint = (
            f"did you mean {close[0]}?"
            if close
            else "use cpu, memory, ephemeral-storage or one such as example.com/gpu"
        )
        yield _fault(f"unknown resource; {hint}", key, name)
        return
    value = _number(amount)
    if value is None:
        return  # the schema's business
    if value < 0:
        yield _fault(f"{quoted(amount)} must be 0 or more", key, name)
    elif value > quantity.LARGEST:
        yield _fault(f"{quoted(amount)} is more than a quantity can hold", key, name)
    elif name not in _NATIVE and value != value.to_integral_value():
        yield _fault(f"{quoted(amount)} must be a whole number", key, name)


def _pair(name: object, request: object, limit: object) -> Iterator[Fault]:
    """A request and the limit of the same resource."""
    low, high = _number(request), _number(limit)
    if low is None or not _is_known(name):
        return
    if name not in _NATIVE and low != high:
        yield _fault(f"{quoted(request)} must also be the limit: {name} cannot be shared", "requests", name)
    elif high is not None and low > high:
        yield _fault(
            f"{quoted(request)} is more than the limit {quoted(limit)}; lower one or raise the other", "requests", name
        )


def _is_known(name: object) -> bool:
    if not isinstance(name, str) or not names.is_qualified(name):
        return False
    return name in _NATIVE or "/" in name or (name.startswith(_HUGE_PAGES) and _is_quantity(name[len(_HUGE_PAGES) :]))


def _is_quantity(text: str) -> bool:
    return _number(text) is not None


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
