"""The administrator's policy: what contradicts itself is refused with every fault named."""

import pytest

from nginx_operator.api.policy import COUNT_LIMIT, Policies, Policy, PolicyError


def test_what_is_left_out_has_a_default() -> None:
    assert Policies.parse(None) == Policies.parse({}) == Policies()
    assert Policies.parse({"maxCount": 5}).cluster.max_count == 5


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
        ({"namespaces": ["shop"]}, "namespaces must be a mapping, not list"),
        ({"namespaces": {"shop": 3}}, r"namespaces\.shop must be a mapping, not int"),
        ({"namespaces": {"shop": {"maxCount": "3"}}}, r"namespaces\.shop: maxCount must be a whole number"),
        ({"namespaces": {"shop": {"defaultImage": "a:1"}}}, r"namespaces\.shop: unknown key 'defaultImage'"),
        ({"namespaces": {"shop": {"minCount": 2}}}, r"namespaces\.shop: defaultCount 1 is outside minCount 2"),
    ],
)
def test_a_contradiction_is_refused(document: object, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        Policies.parse(document)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(PolicyError, match=r"minCount.*maxCount.*shop.*maxCount 0"):
        Policies.parse({"minCount": "a", "maxCount": "b", "namespaces": {"shop": {"minCount": 1, "maxCount": 0}}})


def test_a_namespace_has_the_clusters_values_where_it_says_nothing() -> None:
    policies = Policies.parse(
        {"maxCount": 9, "defaultImage": "a:1", "namespaces": {"shop": {"minCount": 0, "maxCount": 5}}}
    )
    assert policies.of("shop") == Policy(max_count=5, default_image="a:1", namespace="shop")
    assert policies.of("blog") == policies.cluster == Policy(max_count=9, default_image="a:1")
