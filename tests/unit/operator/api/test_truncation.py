"""Texts that are too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx_operator.api.truncation import truncated


@pytest.mark.parametrize(
    ("text", "length", "expected"), [("short", 5, "short"), ("0123456789abcdef", 11, "012345...ef")]
)
def test_the_end_is_kept(text: str, length: int, expected: str) -> None:
    assert truncated(text, length) == expected


@given(st.text(), st.integers(min_value=4, max_value=50))
def test_it_is_never_longer_and_loses_nothing_without_need(text: str, length: int) -> None:
    found = truncated(text, length)
    assert len(found) <= length
    assert found == text or (len(text) > length and len(found) == length)
