"""Server-side apply (KEP-555): who owns which field, and what becomes of an object when somebody applies to it."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.support.apiserver import fields
from tests.support.apiserver.fields import Field
from tests.support.apiserver.status_errors import Object, apply_conflict


class Manager(NamedTuple):
    """What tells the entries of metadata.managedFields apart."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


class Owned(NamedTuple):
    """The fields of one manager, and when it took the last of them."""

    fields: frozenset[Field]
    time: str


Managers = dict[Manager, Owned]


def decode(entries: Collection[Object]) -> Managers:
    """The managers that metadata.managedFields names."""
    return {
        Manager(one["manager"], one["operation"], one["apiVersion"], one.get("subresource", "")): Owned(
            frozenset(fields.decode(one.get("fieldsV1", {}))), one.get("time", "")
        )
        for one in entries
        if one
    }


def encode(managers: Managers) -> list[Object]:
    """metadata.managedFields, in the order of the API server."""
    ordered = sorted(managers.items(), key=lambda item: (item[0].operation, item[1].time, item[0]))
    return [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.api_version,
            "time": owned.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields.encode(owned.fields),
        }
        | ({"subresource": manager.subresource} if manager.subresource else {})
        for manager, owned in ordered
    ]


def update(live: Object, new: Object, managers: Managers, me: Manager) -> Managers:
    """The managers after a write that is no apply: what it changes is its own, and nobody else's any more."""
    change = fields.compare(live, new)
    taken = change.added | change.modified
    left = _without(managers, taken | change.removed)
    if taken:
        left[me] = Owned((left[me].fields if me in left else frozenset()) | taken, _now())
    return left


def apply(
    live: Object, config: Object, wanted: frozenset[Field], managers: Managers, me: Manager, *, force: bool
) -> tuple[Object, Managers]:
    """The object and its managers after `me` has applied a configuration that sets the fields `wanted`.

    Raises:
        StatusError: 409, others own what would change.
    """
    before = managers[me].fields if me in managers else frozenset()
    others = {manager: owned for manager, owned in managers.items() if manager != me}
    kept = wanted.union(*(owned.fields for owned in others.values()))
    new = _pruned(_merged("", live, config), before, kept)
    change = fields.compare(live, new)
    taken = change.added | change.modified
    conflicts = [
        (_named(manager), fields.dotted(one))
        for manager, owned in sorted(others.items())
        for one in sorted(owned.fields & taken)
    ]
    if conflicts and not force:
        raise apply_conflict(conflicts)
    after = _without(others, taken | change.removed)
    same = not change and after == others and me in managers and before == wanted
    if wanted:
        after[me] = managers[me] if same else Owned(wanted, _now())
    return new, after


def _without(managers: Managers, some: Collection[Field]) -> Managers:
    left = {manager: owned._replace(fields=owned.fields - frozenset(some)) for manager, owned in managers.items()}
    return {manager: owned for manager, owned in left.items() if owned.fields}


def _merged(name: str, live: Any, config: Any) -> Any:
    """Maps by key, lists of keyed entries by entry, all else as a whole."""
    before, after = fields.parts(name, live), fields.parts(name, config)
    if before is None or after is None:
        return config
    both = {
        key: _merged(fields.part_name(name, key), before[key], part) if key in before else part
        for key, part in after.items()
    }
    if isinstance(config, dict):
        return {key[2:]: part for key, part in {**before, **both}.items()}
    return _in_order(before, both)


def _in_order(before: Mapping[str, Any], both: Mapping[str, Any]) -> list[Any]:
    """The entries of two lists: those of the second in its order, the others where they stood."""
    rest, found = dict(both), []
    for key, entry in before.items():
        if key not in both:
            found.append(entry)
        while key in rest:
            first = next(iter(rest))
            found.append(rest.pop(first))
    return [*found, *rest.values()]


def _pruned(merged: Object, before: frozenset[Field], kept: frozenset[Field]) -> Object:
    """Without what the manager has applied before and nobody owns now, and the maps that are empty without it."""
    above = {one[:length] for one in before for length in range(1, len(one))}
    held = {one[:length] for one in kept for length in range(1, len(one) + 1)}
    for one in sorted(before - kept, key=len):
        if one not in held or one[-1].startswith("k:"):
            merged = _removed("", merged, one)
    for one in sorted(above - held, key=len, reverse=True):
        merged = _removed("", merged, one, only_if_empty=True)
    return merged


def _removed(name: str, value: Any, at: Field, *, only_if_empty: bool = False) -> Any:
    below = fields.parts(name, value)
    if below is None or at[0] not in below:
        return value
    key, *rest = at
    if rest:
        below[key] = _removed(fields.part_name(name, key), below[key], tuple(rest), only_if_empty=only_if_empty)
    elif not only_if_empty or below[key] in ({}, []):
        del below[key]
    return {key[2:]: part for key, part in below.items()} if isinstance(value, dict) else list(below.values())


def _named(manager: Manager) -> str:
    words = f'"{manager.name}"'
    if manager.subresource:
        words += f' with subresource "{manager.subresource}"'
    return f"{words} using {manager.api_version}" if manager.operation == "Update" else words


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
