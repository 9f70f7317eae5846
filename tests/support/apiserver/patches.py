"""The patches that are no apply: JSON merge patch (RFC 7386), JSON patch (RFC 6902), strategic merge patch."""

import copy
from typing import Any

from tests.support.apiserver import fields
from tests.support.apiserver.status_errors import Object, bad_request, failed_patch


def merge(live: Any, patch: Any) -> Any:
    """JSON merge patch: null takes a key away."""
    if not isinstance(patch, dict):
        return patch
    kept = live if isinstance(live, dict) else {}
    changed = {key: merge(kept.get(key), value) for key, value in patch.items() if value is not None}
    return {key: value for key, value in kept.items() if key not in patch} | changed


def strategic_merge(live: Any, patch: Any, name: str = "") -> Any:
    """As a merge patch, but an entry of a list is found by its key, and taken away by {"$patch": "delete"}."""
    if isinstance(patch, dict):
        kept = live if isinstance(live, dict) else {}
        changed = {key: strategic_merge(kept.get(key), part, key) for key, part in patch.items() if part is not None}
        return {key: value for key, value in kept.items() if key not in patch} | changed
    if not isinstance(patch, list) or not isinstance(live, list) or not fields.list_keys(name, patch):
        return patch
    entries = {fields.entry_key(name, entry): entry for entry in live}
    for entry in patch:
        key = fields.entry_key(name, entry)
        if entry.get("$patch") == "delete":
            entries.pop(key, None)
        else:
            entries[key] = strategic_merge(entries.get(key), entry)
    return list(entries.values())


def json_patch(live: Object, operations: list[Object]) -> Object:
    """Test, add, replace and remove; one that fails refuses them all."""
    found = copy.deepcopy(live)
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        at: Any = found
        try:
            for part in parents:
                at = at[int(part) if isinstance(at, list) else part]
            _operate(operation, at, last)
        except (LookupError, ValueError, TypeError):
            raise failed_patch() from None
    return found


def _operate(operation: Object, at: Any, last: str) -> None:
    key: Any = last
    if isinstance(at, list):
        key = len(at) if last == "-" else int(last)
    match operation["op"]:
        case "test":
            if at[key] != operation["value"]:
                raise failed_patch()
        case "add" if isinstance(at, list):
            at.insert(key, operation["value"])
        case "add" | "replace":  # the API server takes a replacement of what is not there
            at[key] = operation["value"]
        case "remove":
            del at[key]
        case other:
            raise bad_request(f"unexpected kind: {other}")
