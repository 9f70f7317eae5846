"""The children of an Nginx: one pure builder a kind. A builder returns None when its child must not exist.

deployment.py     the nginx pods
service.py        one address for them
config_map.py     the files of a configuration
configuration.py  which files these are, and the revision that names them
main_conf.py      nginx.conf around what the user wrote
metadata.py       name, labels and owner reference of every child
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.config_map import build_config_map
from nginx_operator.children.configuration import Configuration
from nginx_operator.children.deployment import build_deployment
from nginx_operator.children.service import build_service

Body = dict[str, Any]
Builder = Callable[[ObjectMeta, NginxSpec, Configuration], Body | None]


@dataclass(frozen=True, slots=True)
class ChildKind:
    """A kind of child.

    Attributes:
        plural: of its resource in the API.
        build: makes the desired object of an Nginx's metadata, its spec and its configuration.
    """

    plural: str
    kind: str
    build: Builder


#: The files of a configuration. There may be several; the one that the pods are to run is applied before CHILDREN.
CONFIG_MAP: Final = ChildKind("configmaps", "ConfigMap", build_config_map)
#: What has the name of the Nginx, in the order in which it is applied.
CHILDREN: Final = (
    ChildKind("deployments", "Deployment", build_deployment),
    ChildKind("services", "Service", build_service),
)
