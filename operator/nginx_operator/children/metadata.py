"""The metadata that all children have: name, labels, owner reference."""

from typing import Any

from nginx_operator.api import names
from nginx_operator.api.types import ObjectMeta


def child_metadata(owner: ObjectMeta) -> dict[str, Any]:
    """Metadata of a child. By its owner reference the garbage collector removes it, with the operator down too."""
    return {
        "name": owner.name,
        "namespace": owner.namespace,
        "labels": names.labels(owner.name),
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
    }
