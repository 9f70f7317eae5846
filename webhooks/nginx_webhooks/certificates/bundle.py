"""clientConfig.caBundle of one webhook configuration: which CAs the API server trusts when it calls us.

Only this one field of each entry is applied, under a field manager of its own, so that Helm or a GitOps tool that
applies the configuration without it leaves it alone. One that replaces the whole object takes it away; the watch shows
it.
"""

import base64
import binascii
from typing import Any

from nginx_webhooks.certificates.store import apply
from nginx_webhooks.certificates.watch import ObjectWatch


class MissingWebhookError(Exception):
    """The configuration, or its entry, is not there; the text says which."""


class Bundle:
    """Our entries of the configuration that `watch` follows.

    Args:
        watch: follows the configuration.
        entry: name of the webhook that must be in it. Those of classes of namespaces have it behind their own name.
    """

    def __init__(self, watch: ObjectWatch, entry: str) -> None:
        self.watch = watch
        self.entry = entry

    @property
    def live(self) -> bytes:
        """The caBundle as it was seen last, PEM; empty if an entry has none, or another.

        Raises:
            MissingWebhookError: there is no such configuration or no such entry.
        """
        encoded = {(entry.get("clientConfig") or {}).get("caBundle") or "" for entry in self._entries()}
        try:
            return base64.b64decode(encoded.pop(), validate=True) if len(encoded) == 1 else b""
        except (binascii.Error, ValueError):
            return b""

    async def write(self, bundle: bytes) -> bool:
        """Stores the bundle if the configuration is still as it was seen. False: it has changed, look again.

        An entry that does not exist would come into being half-empty by such an apply, so it must have been seen;
        the resourceVersion makes sure that it is still there.

        Raises:
            MissingWebhookError: there is no such configuration or no such entry.
            ApiError: the API server refused for another reason.
        """
        entries = self._entries()
        seen: dict[str, Any] = self.watch.object or {}
        field = {"caBundle": base64.b64encode(bundle).decode("ascii")}
        body = {
            "apiVersion": self.watch.resource.api_version,
            "kind": self.watch.resource.kind,
            "metadata": {"name": self.watch.name, "resourceVersion": seen["metadata"]["resourceVersion"]},
            "webhooks": [{"name": entry["name"], "clientConfig": field} for entry in entries],
        }
        return await apply(self.watch, body) is not None

    def _entries(self) -> list[dict[str, Any]]:
        if self.watch.object is None:
            raise MissingWebhookError(f"there is no {self.watch}")
        entries: list[dict[str, Any]] = self.watch.object.get("webhooks") or []
        ours = [entry for entry in entries if f".{entry.get('name')}".endswith(f".{self.entry}")]
        if not any(entry["name"] == self.entry for entry in ours):
            raise MissingWebhookError(f"{self.watch} has no webhook {self.entry}")
        return ours
