"""The administrator's policy: what contradicts itself is refused, every error by name."""

from dataclasses import replace
from typing import Any

import pytest

from nginx_operator.api.policy import COUNT_LIMIT, DEFAULT_IMAGE, Policies, Policy, PolicyError

TIER = {"key": "tier", "operator": "In", "values": ["gold"]}


def test_what_is_left_out_has_a_default() -> None:
    assert Policies.parse(None) == Policies.parse({}) == Policies()
    assert Policies.parse({"maxCount": 5}).cluster.max_count == 5


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"minCount": 5, "maxCount": 3, "defaultCount": 4}, "minCount 5 is greater than maxCount 3"),
        ({"defaultCount": 9, "maxCount": 3}, "defaultCount 9 is outside minCount 0 to maxCount 3"),
        ({"maxcount": 3}, "unknown key 'maxcount'"),
        ({"maxcount": None}, "unknown key 'maxcount'"),
        ({"maxCount": "3"}, "maxCount must be a whole number"),
        ({"maxCount": True}, "maxCount must be a whole number"),
        ({"maxCount": COUNT_LIMIT + 1}, "maxCount must be a whole number from 0 to 100000"),
        ({"defaultImage": ""}, "defaultImage must be an image that a node can pull, not ''"),
        ({"defaultImage": 3}, "defaultImage must be an image that a node can pull, not 3"),
        (
            {"defaultImage": "example.com/Team/nginx:1"},
            r"it is \[host/\]name\[:tag\]\[@sha256:...\], the name has lower",
        ),
        ({"defaultImage": "nginx:"}, "not 'nginx:'"),
        ({"defaultImage": "n" * 513}, "defaultImage must be an image"),
        ([], "must be a mapping"),
        ({"fixedIDs": "false"}, "fixedIDs must be true or false, not 'false'"),
        ({"namespaces": {"shop": {"fixedIDs": False}}}, r"namespaces\.shop: unknown key 'fixedIDs'"),
        ({"namespaces": ["shop"]}, "namespaces must be a mapping, not list"),
        ({"namespaces": {"shop": 3}}, r"namespaces\.shop must be a mapping, not int"),
        ({"namespaces": {"shop": {"maxCount": "3"}}}, r"namespaces\.shop: maxCount must be a whole number"),
        ({"namespaces": {"shop": {"defaultImage": "a:1"}}}, r"namespaces\.shop: unknown key 'defaultImage'"),
        ({"namespaces": {"shop": {"minCount": 2}}}, r"namespaces\.shop: defaultCount 1 is outside minCount 2"),
        ({"classes": {"gold": {}}}, "classes must be a list, not dict"),
        ({"classes": ["gold"]}, r"classes\[0\] must be a mapping, not str"),
        ({"classes": [{"selector": TIER}]}, r"classes\[0\]: name must be a DNS label such as gold, not None"),
        ({"classes": [{"name": "a/b", "selector": TIER}]}, r"classes\[0\]: name must be a DNS label"),
        ({"classes": [{"name": "gold", "selector": TIER}] * 2}, r"classes\[1\]: there are two classes gold"),
        ({"classes": [{"name": "gold"}]}, r"classes\[gold\]: selector: key must be a label's"),
        (
            {"classes": [{"name": "gold", "selector": TIER, "maxCount": 0}]},
            r"classes\[gold\]: defaultCount 1 is outside minCount 0 to maxCount 0",
        ),
        (
            {"classes": [{"name": f"c{n}", "selector": TIER} for n in range(5)]},
            "there are 5 classes; at most 4 are possible",
        ),
    ],
)
def test_a_contradiction_is_refused(document: object, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        Policies.parse(document)


def test_all_errors_come_at_once() -> None:
    with pytest.raises(PolicyError, match=r"minCount.*maxCount.*shop.*maxCount 0"):
        Policies.parse({"minCount": "a", "maxCount": "b", "namespaces": {"shop": {"minCount": 1, "maxCount": 0}}})


def test_a_namespace_has_the_clusters_values_where_it_says_nothing() -> None:
    policies = Policies.parse(
        {
            "maxCount": 9,
            "defaultImage": "a:1",
            "fixedIDs": False,
            "namespaces": {"shop": {"minCount": 0, "maxCount": 5}},
        }
    )
    cluster = Policy(max_count=9, default_image="a:1", fixed_ids=False)
    assert policies.for_namespace("shop") == replace(cluster, max_count=5, namespace="shop")
    assert policies.for_namespace("blog") == policies.cluster == cluster
    assert policies.summary.endswith("; image a:1; ids left to the platform")


def classes(*found: dict[str, Any]) -> Policies:
    return Policies.parse({"maxCount": 9, "namespaces": {"shop": {"maxCount": 5}}, "classes": list(found)})


def test_the_first_class_whose_selector_matches_counts_and_a_name_before_all() -> None:
    policies = classes(
        {"name": "gold", "selector": TIER, "maxCount": 500},
        {"name": "tiered", "selector": {"key": "tier", "operator": "Exists"}, "maxCount": 50},
    )
    assert [policies.class_of(labels) for labels in ({"tier": "gold"}, {"tier": "iron"}, {})] == ["gold", "tiered", ""]
    assert policies.for_namespace("blog", "gold") == Policy(max_count=500, class_name="gold")
    assert policies.for_namespace("shop", "gold") == Policy(max_count=5, namespace="shop")
    assert policies.for_namespace("blog", "a class to come") == policies.for_namespace("blog") == policies.cluster
    assert policies.depends_on_labels("blog")
    assert not policies.depends_on_labels("shop")
    assert not classes().depends_on_labels("blog")


def test_the_order_of_classes_is_part_of_a_policy() -> None:
    gold, other = {"name": "gold", "selector": TIER}, {"name": "other", "selector": TIER}
    assert classes(gold, other) != classes(other, gold)


def test_a_policy_says_whose_it_is() -> None:
    assert (Policy().scope, Policy().value_path("maxCount")) == ("this cluster", "webhooks.policy.maxCount")
    found = Policy(class_name="gold")
    assert (found.scope, found.value_path("maxCount")) == (
        "a namespace of class gold",
        "webhooks.policy.classes[gold].maxCount",
    )


def test_one_release_of_several_says_which_it_is() -> None:
    policies = Policies.parse(
        {"namespaces": {"shop": {}}, "classes": [{"name": "gold", "selector": TIER}]}, Policy(release="ns/edge")
    )
    assert policies.cluster.scope == "release ns/edge"
    found = [policies.for_namespace(*which) for which in (("blog",), ("shop",), ("blog", "gold"))]
    assert {policy.owner for policy in found} == {"the administrator of release ns/edge"}
    assert Policy().owner == "the cluster's administrator"


def test_policies_are_told_in_one_line() -> None:
    assert classes({"name": "gold", "selector": TIER, "maxCount": 500}).summary == (
        "this cluster: count 0 to 9, default 1; namespace shop: count 0 to 5, default 1; "
        f"a namespace of class gold: count 0 to 500, default 1; image {DEFAULT_IMAGE}"
    )
