"""Defaults: only what is missing, never what the user wrote."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx_operator.api.defaults import missing_defaults, with_defaults
from nginx_operator.api.policy import Policy

POLICY = Policy(default_count=2, default_image="example.com/nginx:1")


def test_what_is_missing_is_added_in_order() -> None:
    assert list(missing_defaults({}, POLICY).items()) == [("count", 2), ("image", "example.com/nginx:1")]


def test_null_counts_as_missing() -> None:
    assert missing_defaults({"count": None, "image": "a:1"}, POLICY) == {"count": 2}


def test_zero_is_what_the_user_wrote() -> None:
    assert with_defaults({"count": 0}, POLICY)["count"] == 0


values = st.none() | st.integers() | st.text() | st.booleans()


@given(st.dictionaries(st.sampled_from(["count", "image", "paused"]), values))
def test_defaulting_is_idempotent_and_keeps_every_value(spec: dict[str, Any]) -> None:
    once = with_defaults(spec, POLICY)
    assert with_defaults(once, POLICY) == once
    assert all(once[key] == value for key, value in spec.items() if value is not None)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.1, "0.1"), (2.0, "2.0"), (1e-05, "1e-05"), (1e308, "1e+308"), (1, 1), ("0.1", "0.1"), (True, True)],
)
def test_a_fraction_without_quotes_becomes_text(amount: object, text: object) -> None:
    spec = {"count": 1, "image": "a", "resources": {"limits": {"cpu": amount}, "requests": None}}
    assert with_defaults(spec, POLICY)["resources"] == {"limits": {"cpu": text}, "requests": None}
    assert spec["resources"]["limits"]["cpu"] is amount
