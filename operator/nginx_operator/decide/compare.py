"""A child as it is desired beside the one that is there: pure."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from nginx_operator.api import names, quantity
from nginx_operator.api.types import ObjectMeta
from nginx_operator.children import Body

#: Keys of maps that the API treats as one value.
_ATOMIC: Final = ("labelSelector", "selector")


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
        "spec": {key: value for key, value in body["spec"].items() if key != "replicas"},
    }
    digest = hashlib.sha256(msgspec.json.encode(hashed, order="deterministic")).hexdigest()[:16]
    annotations = {**meta.get("annotations", {}), names.APPLIED_HASH_ANNOTATION: digest}
    return {**body, "metadata": {**meta, "annotations": annotations}}


def same_hash(desired: Body, live: ObjectMeta) -> bool:
    """Whether what is desired (a body with its hash) is what was applied last, but for the number of pods."""
    wanted: str = desired["metadata"]["annotations"][names.APPLIED_HASH_ANNOTATION]
    return live.annotations.get(names.APPLIED_HASH_ANNOTATION) == wanted


def covers_metadata(desired: Body, live: ObjectMeta) -> bool:
    """Whether all desired labels and annotations are there; `desired` is the metadata of a body."""
    return bool(
        desired["labels"].items() <= live.labels.items() and desired["annotations"].items() <= live.annotations.items()
    )


def covers(desired: Any, live: Any, *, quantities: bool = False) -> bool:
    """Whether everything desired is in `live`. What else is there belongs to others and is left alone.

    Selectors and lists of plain values are atomic in the API (KEP-555): there, what else is there is drift.
    """
    if isinstance(desired, Mapping):
        return isinstance(live, Mapping) and all(
            live.get(key) == value
            if key in _ATOMIC
            else covers(value, live.get(key), quantities=quantities or key == "resources")
            for key, value in desired.items()
        )
    if isinstance(desired, list):
        if not isinstance(live, list):
            return False
        if not all(isinstance(item, Mapping) for item in desired):
            return desired == live
        return all(any(covers(item, other, quantities=quantities) for other in live) for item in desired)
    return bool(desired == live) or (quantities and _same_quantity(desired, live))


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
