"""Credentials for a bed's API server: static tokens and kubeconfigs."""

from __future__ import annotations

import base64
import csv
import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed.network import NODE_IP6, Families

ADMIN = "admin"
KWOK = "kwok"
GROUPS: Mapping[str, str] = {
    ADMIN: "system:masters",
    KWOK: "system:masters",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
    "system:kube-proxy": "",
}
"""Users with a token, and their group. The system users have their rights from the default RBAC rules."""
SYSTEM = "system:"
INSIDE: Mapping[Families, str] = {
    "IPv4": "https://127.0.0.1:6443",
    "IPv6": f"https://[{NODE_IP6}]:6443",
    "dual": f"https://[{NODE_IP6}]:6443",
}
"""URL of the API server for use inside of the bed's network namespace; by IPv6 where there is that."""


@dataclass(frozen=True)
class Access:
    """What a client needs to talk to the bed's API server as its administrator.

    Attributes:
        server: URL for use outside of the bed's network namespace.
        inside_server: URL for use inside.
        ca: file with the CA's certificate, PEM.
        token: bearer token of a user in system:masters.
    """

    server: str
    inside_server: str
    ca: Path
    token: str


def new_tokens() -> dict[str, str]:
    """Return a fresh token for each user."""
    return {user: secrets.token_hex(16) for user in GROUPS}


def tokens_csv(tokens: Mapping[str, str]) -> str:
    """Return the text of the API server's token file: token, user, uid, groups."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for user, token in tokens.items():
        group = GROUPS[user]
        writer.writerow([token, user, user, group] if group else [token, user, user])
    return out.getvalue()


def token_of(user: str, text: str) -> str:
    """Return the token of `user` from the text of the token file."""
    return next(row[0] for row in csv.reader(io.StringIO(text)) if row[1] == user)


def kubeconfig(context: str, server: str, ca: bytes, user: Mapping[str, str]) -> str:
    """Return a self-contained kubeconfig with one context of that name.

    `ca` is PEM; `user` holds the credentials, such as `{"token": ...}`.
    """
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(ca).decode()}
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": dict(user)}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
    }
    return yaml.safe_dump(config, sort_keys=False)


def short(user: str) -> str:
    """Return the user's name as it appears in a file's name."""
    return user.removeprefix(SYSTEM)
