"""clientConfig.caBundle of one webhook configuration: which CAs the API server trusts when it calls us.

Only this one field is applied, under a field manager of its own, so that Helm or a GitOps tool that applies the
configuration without it leaves it alone. One that replaces the whole object takes it away; the watch shows it.
"""

import base64
import binascii
from typing import Any

from nginx_webhooks.certificates.store import apply
from nginx_webhooks.certificates.watch import ObjectWatch


class MissingWebhookError(Exception):
    """The configuration, or its entry, is not there; the text says which."""


class Bundle:
    """One entry of the configuration that `watch` follows.

    Args:
        watch: follows the configuration.
        entry: name of the webhook in it.
    """

    def __init__(self, watch: ObjectWatch, entry: str) -> None:
        self.watch = watch
        self.entry = entry

    @property
    def live(self) -> bytes:
        """The caBundle as it was seen last, PEM; empty if there is none.

        Raises:
            MissingWebhookError: there is no such configuration or no such entry.
        """
        encoded = (self._find().get("clientConfig") or {}).get("caBundle") or ""
        try:
            return base64.b64decode(encoded, validate=True)
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
        self._find()
        seen: dict[str, Any] = self.watch.object or {}
        body = {
            "apiVersion": self.watch.resource.api_version,
            "kind": self.watch.resource.kind,
            "metadata": {"name": self.watch.name, "resourceVersion": seen["metadata"]["resourceVersion"]},
            "webhooks": [{"name": self.entry, "clientConfig": {"caBundle": base64.b64encode(bundle).decode("ascii")}}],
        }
        return await apply(self.watch, body) is not None

    def _find(self) -> dict[str, Any]:
        if self.watch.object is None:
            raise MissingWebhookError(f"there is no {self.watch}")
        entries: list[dict[str, Any]] = self.watch.object.get("webhooks") or []
        found = next((entry for entry in entries if entry.get("name") == self.entry), None)
        if found is None:
            raise MissingWebhookError(f"{self.watch} has no webhook {self.entry}")
        return found
