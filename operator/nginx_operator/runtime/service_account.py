"""The ServiceAccount of this process, by its own token: pure."""

import base64
from typing import Any

import msgspec


class _Named(msgspec.Struct):
    name: str
    uid: str


class _Claims(msgspec.Struct):
    namespace: str
    serviceaccount: _Named


class _Token(msgspec.Struct):
    """The part of a ServiceAccount's token that names it (KEP-1205, bound service account tokens)."""

    claims: _Claims = msgspec.field(name="kubernetes.io")


def as_owner(token: str | None, namespace: str) -> list[dict[str, Any]]:
    """metadata.ownerReferences of an object that is to be deleted with our ServiceAccount, and so with the release.

    Empty unless the token is of a ServiceAccount in this namespace, where an owner has to be. The token is not
    verified: it is our own.
    """
    try:
        _, payload, _ = (token or "").split(".")
        decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = msgspec.json.decode(decoded, type=_Token).claims
    except (ValueError, msgspec.DecodeError):
        return []
    if claims.namespace != namespace:
        return []
    account = claims.serviceaccount
    return [{"apiVersion": "v1", "kind": "ServiceAccount", "name": account.name, "uid": account.uid}]
