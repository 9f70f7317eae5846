"""The ConfigMap `<name>-<revision>`: the files of one configuration, for all pods that run it.

It is immutable and named by its content, so that pods of one revision see one text, whenever they start. Earlier ones
stay as long as a ReplicaSet may need them.
"""

from typing import Any

from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.configuration import Configuration
from nginx_operator.children.metadata import child_metadata


def config_map_name(owner: ObjectMeta, configuration: Configuration) -> str:
    """The name of the ConfigMap of a configuration that has files."""
    return f"{owner.name}-{configuration.revision}"


def build_config_map(owner: ObjectMeta, _spec: NginxSpec, configuration: Configuration) -> dict[str, Any] | None:
    """The ConfigMap of a configuration whose texts are known; None where there is none, or it is there already."""
    if not configuration.data:
        return None
    metadata = child_metadata(owner, {}, {})
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**metadata, "name": config_map_name(owner, configuration)},
        "immutable": True,
        "data": dict(configuration.data),
    }
