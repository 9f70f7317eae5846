"""clientConfig.caBundle of one webhook configuration: which CAs the API server trusts when it calls the webhooks.

Only this one field is applied, under a field manager of its own, so that Helm or a GitOps tool that applies the
configuration without it leaves it alone. One that replaces the whole object takes it away; the watch shows it.
"""

import base64
import binascii
from typing import Any

from nginx_operator.api import names
from nginx_webhooks.certificates import optimistic_lock
from nginx_webhooks.certificates.watched_object import ObjectWatch


class MissingWebhookError(Exception):
    """The configuration, or an entry of ours in it, is not there; the text says which."""


class WebhookConfiguration:
    """Our entries in the configuration that `watch` follows; those of others are left alone.

    Args:
        watch: follows the configuration.
        webhook: name of an entry that must be in it. There may be more of ours.
    """

    def __init__(self, watch: ObjectWatch, webhook: str) -> None:
        self.watch = watch
        self._webhook = webhook

    @property
    def ca_bundles(self) -> tuple[bytes, ...]:
        """The caBundle of each of our entries as it was seen last, PEM; empty where there is none.

        Raises:
            MissingWebhookError: there is no such configuration or no such entry.
        """
        return tuple(_ca_bundle(entry) for entry in self._entries())

    async def inject(self, ca_bundle: bytes) -> bool:
        """Stores the bundle (PEM) if the configuration is still as it was seen. Returns False if it has changed since.

        An apply creates an entry that does not exist, half-empty. So it must have been seen, and the resourceVersion
        makes sure that it is still there.

        Raises:
            MissingWebhookError: there is no such configuration or no such entry.
            ApiError: the API server refused for another reason.
        """
        encoded = base64.b64encode(ca_bundle).decode("ascii")
        entries = [{"name": entry["name"], "clientConfig": {"caBundle": encoded}} for entry in self._entries()]
        seen: dict[str, Any] = self.watch.object or {}
        body = {
            "apiVersion": self.watch.resource.api_version,
            "kind": self.watch.resource.kind,
            "metadata": {"name": self.watch.name, "resourceVersion": seen["metadata"]["resourceVersion"]},
            "webhooks": entries,
        }
        return await optimistic_lock.apply(self.watch, body) is not None

    def _entries(self) -> list[dict[str, Any]]:
        if self.watch.object is None:
            raise MissingWebhookError(f"there is no {self.watch}: 'helm upgrade' with the same values creates it")
        entries: list[dict[str, Any]] = self.watch.object.get("webhooks") or []
        ours = [entry for entry in entries if names.is_webhook(entry.get("name"))]
        if not any(entry["name"] == self._webhook for entry in ours):
            raise MissingWebhookError(f"{self.watch} has no webhook {self._webhook}")
        return ours


def _ca_bundle(entry: dict[str, Any]) -> bytes:
    encoded = (entry.get("clientConfig") or {}).get("caBundle") or ""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""
