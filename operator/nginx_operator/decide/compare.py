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

    A field that leaves the spec changes the hash, and so leads to an apply that takes it from the child. In which
    version of the API the owner is named makes no difference.
    """
    meta = body["metadata"]
    owners = [{**owner, "apiVersion": names.GROUP} for owner in meta.get("ownerReferences", ())]
    text = msgspec.json.encode({**body, "metadata": {**meta, "ownerReferences": owners}}, order="deterministic")
    digest = hashlib.sha256(text).hexdigest()[:16]
    annotations = {**meta.get("annotations", {}), names.APPLIED_HASH_ANNOTATION: digest}
    return {**body, "metadata": {**meta, "annotations": annotations}}


def same_hash(desired: Body, live: ObjectMeta) -> bool:
    """Whether what is desired (a body with its hash) is what was applied last."""
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


def _same_quantity(one: object, other: object) -> bool:
    if not isinstance(one, str | int) or not isinstance(other, str | int):
        return False
    try:
        return quantity.stored(one) == quantity.stored(other)
    except ValueError:
        return False
