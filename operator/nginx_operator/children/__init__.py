"""The children of an Nginx: one pure builder a kind. A builder returns None when its child must not exist."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.deployment import deployment
from nginx_operator.children.service import service

Body = dict[str, Any]
Builder = Callable[[ObjectMeta, NginxSpec], Body | None]


@dataclass(frozen=True, slots=True)
class ChildKind:
    """A kind of child: its plural in the API, and its builder."""

    plural: str
    kind: str
    build: Builder


#: In the order in which they are applied.
CHILDREN: Final = (
    ChildKind("deployments", "Deployment", deployment),
    ChildKind("services", "Service", service),
)
