"""metadata.managedFields in another version of the API: pure.

An entry of metadata.managedFields names the version that its fields were written in. Server-side apply converts the
object to each of these versions, and fails for good once one of them is gone (kubernetes/kubernetes#111937). All our
versions have the same fields, so an entry is as true under another version's name.
"""

from collections.abc import Collection, Sequence
from typing import Any

Entry = dict[str, Any]


def in_version(version: str, entries: Sequence[Entry], unserved: Collection[str]) -> list[Entry] | None:
    """The entries with `version` in place of versions that are not served (all as group/version); None if none is."""
    if not any(entry.get("apiVersion") in unserved for entry in entries):
        return None
    found: dict[tuple[Any, ...], Entry] = {}
    for entry in entries:
        if entry.get("apiVersion") in unserved:
            entry = {**entry, "apiVersion": version}
        # What the API server tells entries apart by; of one that stands there twice it would keep the last.
        key = tuple(entry.get(part) for part in ("manager", "operation", "apiVersion", "subresource"))
        if key in found:
            fields = _union(found[key].get("fieldsV1", {}), entry.get("fieldsV1", {}))
            entry = {**found[key], **entry, "fieldsV1": fields}
        found[key] = entry
    return list(found.values())


def _union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """All fields of two sets, which are trees of names (FieldsV1)."""
    return one | {name: _union(one.get(name, {}), below) for name, below in other.items()}
