"""One object of the cluster by its name, kept up to date by list and watch.

The field selector metadata.name is what lets RBAC grant this for one name (resourceNames) and nothing more.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.reflector import EventType, Reflector
from nginx_operator.kube.resource_version import is_newer
from nginx_operator.kube.resources import Resource

Object = dict[str, Any]


class ObjectWatch:
    """The present state of one object.

    Args:
        client: where to read.
        resource, namespace, name: of the object.
        changed: called after each change, each list, and each fault that is new.

    Attributes:
        seen: whether the API server has answered at all.
        object: the object; None while there is none.
        reflector: what watches it.
    """

    def __init__(
        self, client: Client, resource: Resource, namespace: str | None, name: str, changed: Callable[[], None]
    ) -> None:
        self.client = client
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.seen = False
        self.object: Object | None = None
        self._changed = changed
        self.reflector = Reflector(
            *(client, resource, Object, self, namespace),
            selector={"fieldSelector": f"metadata.name={name}"},
            resource_version=version,
            described=str(self),
            on_fault=changed,
        )

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.resource.kind} {where}{self.name}"

    @property
    def fault(self) -> str:
        """Why the object cannot be watched at this moment; empty when it can."""
        return self.reflector.fault

    @property
    def turned(self) -> float:
        """When the watch last asked or heard something, by the monotonic clock."""
        return self.reflector.turned

    async def run(self) -> None:
        """Watches until cancelled."""
        await self.reflector.run()

    def replace(self, objects: Sequence[Object], _resource_version: str) -> None:
        """Takes a list. It is right even where it is older than what is known: etcd may have been restored."""
        self.object = objects[0] if objects else None
        self.seen = True
        self._changed()

    def observe(self, event: EventType, item: Object) -> None:
        """Takes an event of the watch."""
        self.observed(None if event == "DELETED" else item)

    def observed(self, found: Object | None) -> None:
        """Takes a state that a write, a read or an event shows; one that is older than what is known is dropped.

        What is known already is no change: a write that changes nothing must not wake who wrote it.
        """
        known = version(self.object or {})
        if found is not None and self.object is not None and is_newer(known, version(found)):
            return
        changed = not self.seen or version(found or {}) != known
        self.object = found
        self.seen = True
        if changed:
            self._changed()

    async def still(self, seen: str) -> bool:
        """Whether the object has the resourceVersion `seen` at this moment; empty: is not there. Takes in what is new.

        Raises:
            ApiError: it cannot be read.
        """
        found: Object | None = None
        try:
            found = msgspec.json.decode(await self.client.get(self.resource, self.namespace, self.name))
        except ApiError as error:
            if error.code != 404:
                raise
        if version(found or {}) == seen:
            return True
        self.observed(found)
        return False


def version(found: Object) -> str:
    """metadata.resourceVersion; empty if there is none."""
    return str(found.get("metadata", {}).get("resourceVersion", ""))
