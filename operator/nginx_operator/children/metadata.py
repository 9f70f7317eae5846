"""The metadata that all children have: name, labels, owner reference."""

from collections.abc import Mapping
from typing import Any

from nginx_operator.api import names
from nginx_operator.api.types import ObjectMeta


def child_metadata(owner: ObjectMeta, labels: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
    """Metadata of a child. By its owner reference the garbage collector removes it, with the operator down too.

    Args:
        owner: metadata of the Nginx.
        labels: what the spec adds to the operator's own.
        annotations: what the spec adds.
    """
    return {
        "name": owner.name,
        "namespace": owner.namespace,
        "labels": {**labels, **names.labels(owner.name)},
        "ownerReferences": [
            {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "name": owner.name,
                "uid": owner.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
        **({"annotations": dict(annotations)} if annotations else {}),
    }
