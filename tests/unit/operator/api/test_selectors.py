"""One requirement on labels, with the words and the meaning that Kubernetes gives it."""

from typing import Any

import pytest

from nginx_operator.api.selectors import Requirement, requirement, validate

KEY = "example.com/tier"


@pytest.mark.parametrize(
    ("operator", "gold", "iron", "none"),
    [("In", True, False, False), ("NotIn", False, True, True)],
)
def test_values(operator: str, gold: bool, iron: bool, none: bool) -> None:
    found = requirement({"key": KEY, "operator": operator, "values": ["gold", "silver"]})
    assert [found.matches(labels) for labels in ({KEY: "gold"}, {KEY: "iron"}, {"other": "gold"})] == [gold, iron, none]


@pytest.mark.parametrize(("operator", "there"), [("Exists", True), ("DoesNotExist", False)])
def test_existence(operator: str, there: bool) -> None:
    found = requirement({"key": KEY, "operator": operator})
    assert found == Requirement(KEY, operator)
    assert found.matches({KEY: ""}) is there
    assert found.matches({}) is not there


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "key must be a label's, such as example.com/tier, not None"),
        ({"key": "a b", "operator": "Exists"}, "key must be a label's"),
        ({"key": KEY}, "operator must be one of In, NotIn, Exists, DoesNotExist, not None"),
        ({"key": KEY, "operator": "in", "values": ["a"]}, "operator must be one of"),
        ({"key": KEY, "operator": "In"}, "values must be a list of values of a label, as strings, not None"),
        ({"key": KEY, "operator": "In", "values": [True]}, "values must be a list"),
        ({"key": KEY, "operator": "NotIn", "values": ["-a"]}, "values must be a list"),
        ({"key": KEY, "operator": "Exists", "values": ["a"]}, "operator Exists takes no values"),
        ({"key": KEY, "operator": "Exists", "value": "a"}, "unknown key 'value'"),
    ],
)
def test_what_is_no_requirement_is_told(document: dict[str, Any], words: str) -> None:
    assert any(error.startswith(words) for error in validate(document))


def test_a_requirement_has_no_errors() -> None:
    assert list(validate({"key": "tier", "operator": "In", "values": ["gold", ""]})) == []
    assert list(validate({"key": "tier", "operator": "DoesNotExist", "values": None})) == []
