"""The administrator's policy: what contradicts itself is refused with every fault named."""

import pytest

from nginx_operator.api.policy import COUNT_LIMIT, Policy, PolicyError


def test_what_is_left_out_has_a_default() -> None:
    assert Policy.parse(None) == Policy.parse({}) == Policy()
    assert Policy.parse({"maxCount": 5}).max_count == 5


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"minCount": 5, "maxCount": 3, "defaultCount": 4}, "minCount 5 is greater than maxCount 3"),
        ({"defaultCount": 9, "maxCount": 3}, "defaultCount 9 is outside minCount 0 to maxCount 3"),
        ({"maxcount": 3}, "unknown key 'maxcount'"),
        ({"maxCount": "3"}, "maxCount must be a whole number"),
        ({"maxCount": True}, "maxCount must be a whole number"),
        ({"maxCount": COUNT_LIMIT + 1}, "maxCount must be a whole number from 0 to 100000"),
        ({"defaultImage": ""}, "defaultImage must be a container image"),
        ([], "must be a mapping"),
    ],
)
def test_a_contradiction_is_refused(document: object, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        Policy.parse(document)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(PolicyError, match=r"minCount.*maxCount"):
        Policy.parse({"minCount": "a", "maxCount": "b"})
