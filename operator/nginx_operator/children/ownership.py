"""What all children have in common: their name, their labels and their owner."""

from typing import Any

from nginx_operator.api import names
from nginx_operator.api.types import ObjectMeta


def metadata(owner: ObjectMeta) -> dict[str, Any]:
    """Metadata of a child. The owner reference lets the garbage collector remove it, with the operator down too."""
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
