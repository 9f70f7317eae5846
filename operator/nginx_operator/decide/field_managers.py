"""Who has set a field, by metadata.managedFields (KEP-555, structured-merge-diff's FieldsV1): pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nginx_operator.api import names

#: "metadata.labels[example.com/a]" -> metadata, labels, [example.com/a]
_STEP: Final = re.compile(r"\[[^\]]*\]|[^.\[]+")
#: What tells the items of a list apart, as a path has it.
_KEYS: Final = ("name", "mountPath", "topologyKey")
#: Ports are told apart by their number and protocol, which a path does not have.
_PORT: Final = re.compile(r'k:\{"(containerPort|port)":')


def writer(managed_fields: Iterable[Mapping[str, Any]], path: str) -> str:
    """Who set a field last, other than this operator: "kubectl-edit", or "kubectl (scale)" of a subresource.

    Args:
        managed_fields: of a live object.
        path: as a Difference has it, such as "spec.template.spec.containers[nginx].image".

    Returns:
        An empty text where nobody owns the field, for instance because somebody removed it.
    """
    steps = _STEP.findall(path)
    owners = [
        entry
        for entry in managed_fields
        if entry.get("manager") != names.FIELD_MANAGER and _owns(entry.get("fieldsV1") or {}, steps)
    ]
    if not owners:
        return ""
    last = max(owners, key=lambda entry: str(entry.get("time", "")))
    subresource = last.get("subresource")
    return f"{last['manager']} ({subresource})" if subresource else str(last["manager"])


def _owns(fields: Mapping[str, Any], steps: list[str]) -> bool:
    """Whether a set of fields has the field, one above it as a whole, or, for a list or map, something below it."""
    for step in steps:
        found = next((fields[key] for key in _keys(fields, step) if key in fields), None)
        if found is None:
            return False
        if not found:  # {} is a leaf, or a value that is owned as a whole
            return True
        fields = found
    return True


def _keys(fields: Mapping[str, Any], step: str) -> Iterable[str]:
    """The keys that a step may have in FieldsV1."""
    if not step.startswith("["):
        return (f"f:{step}",)
    value = step[1:-1]
    items = [key for key in fields if key.startswith("k:")]
    named = (key for key in items if any(f'"{name}":"{value}"' in key for name in _KEYS))
    return (f"f:{value}", *named, *filter(_PORT.match, items))
