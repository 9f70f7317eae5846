"""Which state is the later one."""

import pytest

from nginx_operator.kube.resource_version import is_newer


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [("10", "9", True), ("9", "10", False), ("9", "9", False), ("a", "9", True), ("a", "a", False), ("9", "", True)],
)
def test_versions_are_ordered_as_numbers(one: str, other: str, newer: bool) -> None:
    assert is_newer(one, other) is newer
