"""A child as it is desired beside the one that is there: pure."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from nginx_operator.api import names, quantity
from nginx_operator.api.truncation import truncated
from nginx_operator.api.types import Child, ObjectMeta
from nginx_operator.children import Body

#: Keys of maps that the API treats as one value.
_ATOMIC: Final = ("labelSelector", "selector")
#: What tells the items of a list apart: the first of these that an item has.
_LIST_KEYS: Final = ("mountPath", "name", "topologyKey")
#: Paths that the plan and the status look for.
HASH: Final = f"metadata.annotations[{names.APPLIED_HASH_ANNOTATION}]"
REPLICAS: Final = "spec.replicas"
IMAGE: Final = f"spec.template.spec.containers[{names.CONTAINER}].image"
#: Characters of a value that a message shows.
_SHOWN: Final = 200


def is_owned(child: ObjectMeta, owner: ObjectMeta) -> bool:
    """Whether the child is controlled by exactly this Nginx, not by an earlier one of the same name."""
    return child.controller is not None and child.controller.uid == owner.uid


def with_hash(body: Body) -> Body:
    """The same child with the hash of itself as an annotation.

    A field that leaves the spec changes the hash, and so leads to an apply that takes it from the child. Two things
    are left out of it. `replicas`: the deployment controller copies annotations to the ReplicaSet, so a hash that
    changed with each scaling would cost the cluster two more updates and a conflict each time. And the owner, whose uid
    is another one after a restore from a backup.
    """
    meta = body["metadata"]
    hashed = {
        **body,
        "metadata": {key: value for key, value in meta.items() if key != "ownerReferences"},
    }
    if "spec" in body:
        hashed["spec"] = {key: value for key, value in body["spec"].items() if key != "replicas"}
    digest = hashlib.sha256(msgspec.json.encode(hashed, order="deterministic")).hexdigest()[:16]
    annotations = {**meta.get("annotations", {}), names.APPLIED_HASH_ANNOTATION: digest}
    return {**body, "metadata": {**meta, "annotations": annotations}}


def same_hash(desired: Body, live: ObjectMeta) -> bool:
    """Whether what is desired (a body with its hash) is what was applied last, but for the number of pods."""
    wanted: str = desired["metadata"]["annotations"][names.APPLIED_HASH_ANNOTATION]
    return live.annotations.get(names.APPLIED_HASH_ANNOTATION) == wanted


class Difference(NamedTuple):
    """A field of a child that is not as desired.

    Attributes:
        path: for instance "spec.template.spec.containers[nginx].image".
        desired: what it should be.
        live: what it is; None if it is not there.
    """

    path: str
    desired: Any
    live: Any

    def __str__(self) -> str:
        """What became of a field that was sent as desired."""
        stored = "the cluster dropped it" if self.live is None else f"the cluster stored {shown(self.live)}"
        return f"{self.path}: sent {shown(self.desired)}, {stored}"


def differences(desired: Body, live: Child) -> list[Difference]:
    """The labels, annotations and fields of the spec in which a child is not as desired.

    What else is in it belongs to others and is left alone.
    """
    meta = live.metadata
    found = {
        "metadata": {"labels": meta.labels, "annotations": meta.annotations},
        "spec": msgspec.json.decode(live.spec),
    }
    wanted = {key: desired["metadata"].get(key, {}) for key in found["metadata"]}
    return list(between({"metadata": wanted, "spec": desired.get("spec", {})}, found))


def between(desired: Any, live: Any, path: str = "", *, quantities: bool = False) -> Iterator[Difference]:
    """Where something desired is not in `live`.

    Selectors and lists of plain values are atomic in the API (KEP-555): there, what else is there is drift.
    """
    if isinstance(desired, Mapping) and isinstance(live, Mapping):
        for key, value in desired.items():
            there = live.get(key)
            if value == there:  # most of it, and quickly told
                continue
            below = _below(path, key)
            if key in _ATOMIC:
                yield Difference(below, value, there)
            else:
                yield from between(value, there, below, quantities=quantities or key == "resources")
    elif isinstance(live, list) and isinstance(desired, list) and all(isinstance(item, Mapping) for item in desired):
        for item in desired:
            key = next((key for key in _LIST_KEYS if key in item), "")
            below = f"{path}[{item.get(key, '')}]"
            alike = (other for other in live if isinstance(other, Mapping) and other.get(key) == item.get(key))
            found = (list(between(item, other, below, quantities=quantities)) for other in alike)
            yield from min(found, key=len, default=[Difference(below, item, None)])
    elif desired != live and not (quantities and _same_quantity(desired, live)):
        yield Difference(path, desired, live)


def _below(path: str, key: str) -> str:
    if "." in key or "/" in key:  # of a label or an annotation
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def shown(value: object) -> str:
    """A value in a message."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return truncated(text, _SHOWN)


def with_second_family(desired: Body, live: Body) -> Body:
    """The desired spec of a child, with the second IP family that the live Service has already.

    To one family, the API server adds the second where the policy asks for two. From then on it refuses to be sent the
    one alone, unless the policy is SingleStack.
    """
    ours, theirs = desired.get("ipFamilies"), live.get("ipFamilies", [])
    if not ours or desired.get("ipFamilyPolicy") == "SingleStack" or theirs[: len(ours)] != ours:
        return desired
    return {**desired, "ipFamilies": theirs}


def _same_quantity(one: object, other: object) -> bool:
    if not isinstance(one, str | int) or not isinstance(other, str | int):
        return False
    try:
        return quantity.stored(one) == quantity.stored(other)
    except ValueError:
        return False
