"""Who owns what the operator makes for itself."""

import base64
import json

import pytest

from nginx_operator.runtime.service_account import as_owner


def made(namespace: str, **claims: object) -> str:
    """A token of the ServiceAccount `nginx-operator`, as an API server makes it but for the signature."""
    account = {"namespace": namespace, "serviceaccount": {"name": "nginx-operator", "uid": "u"}}
    payload = json.dumps({"aud": ["a"], "kubernetes.io": account, **claims}).encode()
    return ".".join(("e30", base64.urlsafe_b64encode(payload).decode().rstrip("="), "c2ln"))


def test_a_service_account_owns_what_is_in_its_namespace() -> None:
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "nginx-operator", "uid": "u"}
    for padding in range(4):
        assert as_owner(made("system", sub="x" * padding), "system") == [owner]
    assert as_owner(made("system"), "other") == []


@pytest.mark.parametrize("token", [None, "", "opaque", "a.b.c", "e30.e30.e30", "a.b", "\u00e9.\u00e9.\u00e9"])
def test_any_other_token_owns_nothing(token: str | None) -> None:
    assert as_owner(token, "system") == []
