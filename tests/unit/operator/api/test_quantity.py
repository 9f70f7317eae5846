"""Quantities are compared by value."""

from decimal import Decimal

import pytest

from nginx_operator.api import quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        (2, "2"),
        ("500m", "0.5"),
        (".5", "0.5"),
        ("1.", "1"),
        ("1k", "1000"),
        ("1Ki", "1024"),
        ("1.5Gi", str(3 * 2**29)),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1E", "1000000000000000000"),
        ("100n", "0.0000001"),
        ("3u", "0.000003"),
    ],
)
def test_value(text: str | int, value: str) -> None:
    assert quantity.parse(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1gi", "1KI", "--1", "1e", "1e1000"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1m", "0.001"), ("1e-10", "0.001"), ("1500u", "0.002"), ("1Gi", str(2**30)), ("1e99", str(2**63 - 1))],
)
def test_what_the_api_server_stores(text: str, value: str) -> None:
    assert quantity.stored(text) == Decimal(value)


@pytest.mark.parametrize(("value", "number"), [("-1e99", -quantity.MAX), ("1e99", quantity.MAX), ("0.0001", 0.001)])
def test_what_is_stored_is_within_what_a_quantity_holds(value: str, number: float) -> None:
    assert float(quantity.stored(value)) == float(number)
