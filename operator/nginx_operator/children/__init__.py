"""The children of an Nginx: one pure builder a kind. A builder returns None when its child must not exist.

deployment.py  the nginx pods
service.py     one address for them
metadata.py    name, labels and owner reference of every child
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.deployment import build_deployment
from nginx_operator.children.service import build_service

Body = dict[str, Any]
Builder = Callable[[ObjectMeta, NginxSpec], Body | None]


@dataclass(frozen=True, slots=True)
class ChildKind:
    """A kind of child.

    Attributes:
        plural: of its resource in the API.
        build: makes the desired object of an Nginx's metadata and spec.
    """

    plural: str
    kind: str
    build: Builder


#: In the order in which they are applied.
CHILDREN: Final = (
    ChildKind("deployments", "Deployment", build_deployment),
    ChildKind("services", "Service", build_service),
)
