"""Who owns what the operator makes for itself."""

import pytest

from nginx_operator.runtime.service_account import as_owner
from tests.support import tokens


def test_a_service_account_owns_what_is_in_its_namespace() -> None:
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "nginx-operator", "uid": "u"}
    for padding in range(4):
        assert as_owner(tokens.token("system", sub="x" * padding), "system") == [owner]
    assert as_owner(tokens.token("system"), "other") == []


@pytest.mark.parametrize("token", [None, "", "opaque", "a.b.c", "e30.e30.e30", "a.b", "\u00e9.\u00e9.\u00e9"])
def test_any_other_token_owns_nothing(token: str | None) -> None:
    assert as_owner(token, "system") == []
