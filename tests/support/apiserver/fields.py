"""Sets of fields, as metadata.managedFields names them (FieldsV1) and as structured-merge-diff computes them.

A field is the tuple of the keys that lead to it: ("f:data", "f:a"), or ("f:webhooks", 'k:{"name":"x"}').
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Field = tuple[str, ...]

#: The keys of lists that are merged entry by entry, as OpenAPI has them for the kinds that are used here.
_LIST_KEYS = {
    **dict.fromkeys(("containers", "initContainers", "env", "volumes", "imagePullSecrets", "webhooks"), ("name",)),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "volumeMounts": ("mountPath",),
}
#: Maps that are one value, though they have parts.
_ATOMIC = {
    *("selector", "nodeSelector", "namespaceSelector", "objectSelector", "labelSelector"),
    *("involvedObject", "fieldRef", "secretKeyRef", "configMapKeyRef"),
    *("ownerReferences[]", "imagePullSecrets[]"),
}
#: Fields without an owner.
_STRIPPED: set[Field] = {
    *((f"f:{name}",) for name in ("apiVersion", "kind", "metadata")),
    *(
        ("f:metadata", f"f:{name}")
        for name in (
            *("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation"),
            *("managedFields", "resourceVersion"),
        )
    ),
}
_NOTHING: Any = object()


def parts(name: str, value: Any) -> dict[str, Any] | None:
    """The parts of the field `name` by their keys; None if it is one value."""
    if isinstance(value, dict) and name not in _ATOMIC:
        return {f"f:{key}": part for key, part in value.items()}
    if isinstance(value, list) and name == "finalizers":
        return {f"v:{json.dumps(item)}": item for item in value}
    if isinstance(value, list) and list_keys(name, value):
        return {entry_key(name, entry): entry for entry in value}
    return None


def part_name(name: str, key: str) -> str:
    """The name of a part of the field `name`."""
    return key[2:] if key.startswith("f:") else f"{name}[]"


def list_keys(name: str, entries: list[Any]) -> tuple[str, ...]:
    """What tells the entries of a list apart; empty if the list is one value."""
    if name == "ports":
        return ("containerPort" if any("containerPort" in entry for entry in entries) else "port", "protocol")
    return _LIST_KEYS.get(name, ())


def entry_key(name: str, entry: Any) -> str:
    """k:{...} of an entry of a list."""
    defaults = {"protocol": "TCP"}
    key = {part: entry.get(part, defaults.get(part)) for part in list_keys(name, [entry])}
    return "k:" + json.dumps(key, separators=(",", ":"), sort_keys=True)


def applied(config: Any) -> frozenset[Field]:
    """The fields that an applied configuration sets."""
    return frozenset(_members("", config, ())) - _STRIPPED


def _members(name: str, value: Any, at: Field) -> Iterator[Field]:
    below = parts(name, value)
    if below is None or (at and at[-1].startswith("k:")) or value == {}:
        yield at
    for key, part in (below or {}).items():
        yield from _members(part_name(name, key), part, (*at, key))


@dataclass(slots=True)
class Difference:
    """What differs between two objects; a map or an entry that comes or goes counts as a field itself."""

    added: set[Field] = field(default_factory=set)
    modified: set[Field] = field(default_factory=set)
    removed: set[Field] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.removed)


def compare(old: Any, new: Any) -> Difference:
    """What changes from one object to another."""
    found = Difference()
    _compare("", old, new, (), found)
    for some in (found.added, found.modified, found.removed):
        some -= _STRIPPED
    return found


def _compare(name: str, old: Any, new: Any, at: Field, into: Difference) -> None:
    if old is _NOTHING:
        into.added.add(at)
    elif new is _NOTHING:
        into.removed.add(at)
    before, after = (None if value is _NOTHING else parts(name, value) for value in (old, new))
    if _NOTHING not in (old, new) and old != new and None in (before, after):
        into.modified.add(at)
    before, after = before or {}, after or {}
    for key in before.keys() | after.keys():
        child = part_name(name, key)
        _compare(child, before.get(key, _NOTHING), after.get(key, _NOTHING), (*at, key), into)


def encode(fields: Iterable[Field]) -> dict[str, Any]:
    """FieldsV1: a tree; a field that has others below it is named by "." in its own branch."""
    members, tree = set(fields), {}
    for one in sorted(members):
        branch = tree
        for key in one:
            branch = branch.setdefault(key, {})
    for one in members:
        branch = tree
        for key in one:
            branch = branch[key]
        if branch:
            branch["."] = {}
    return tree


def decode(tree: dict[str, Any], at: Field = ()) -> Iterator[Field]:
    """The fields of FieldsV1."""
    for key, below in tree.items():
        if key == ".":
            yield at
        elif below:
            yield from decode(below, (*at, key))
        else:
            yield (*at, key)


def dotted(one: Field) -> str:
    """A field as messages have it: .webhooks[name="x"].clientConfig."""
    words = []
    for key in one:
        if key.startswith("f:"):
            words.append(f".{key[2:]}")
        elif key.startswith("v:"):
            words.append(f"[={key[2:]}]")
        else:
            words.append("[" + ",".join(f"{k}={json.dumps(v)}" for k, v in json.loads(key[2:]).items()) + "]")
    return "".join(words)
