"""What a release decides about, and tells others: the namespaces of its operator, its webhooks and its annotation."""

from typing import Any

import pytest

from tests.chart.test_classes import CLASSES_OF_TWO, entries, matches
from tests.support.rendering import NAMESPACE, Render, Rendering

KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def judges(rendered: Rendering, namespace: str, **labels: str) -> set[int]:
    """How many entries of each configuration judge a namespace."""
    found = {"kubernetes.io/metadata.name": namespace, **labels}
    return {sum(matches(entry, found) for entry in entries(rendered, kind)) for kind in KINDS}


def watches(rendered: Rendering) -> str:
    """What the operator's Deployment says that it watches."""
    annotations: dict[str, str] = rendered.one("Deployment", "nginx-operator")["metadata"]["annotations"]
    return annotations["proxy.example.com/watches"]


def test_without_a_list_every_namespace_is_judged(default: Rendering) -> None:
    assert watches(default) == "*"
    assert judges(default, "shop") == {1}


@pytest.mark.parametrize("classes", [[], CLASSES_OF_TWO])
def test_with_a_list_the_webhooks_judge_just_what_the_operator_watches(classes: list[Any], render: Render) -> None:
    values = {"watchNamespaces": ["shop", "blog"], "webhooks": {"policy": {"classes": classes}}}
    rendered = render(values)
    assert watches(rendered) == f"blog,{NAMESPACE},shop"
    for labels in ({}, {"tier": "gold"}, {"team": "a"}):
        assert judges(rendered, "shop", **labels) == judges(rendered, "blog", **labels) == {1}
        assert judges(rendered, "news", **labels) == {0}


@pytest.mark.parametrize(
    ("more", "probed"),
    [({}, True), ({"operator": {"admissionProbe": False}}, False), ({"webhooks": {"enabled": False}}, False)],
)
def test_the_namespace_of_the_release_belongs_to_it_as_long_as_the_probe_asks_there(
    more: dict[str, Any], probed: bool, render: Render
) -> None:
    rendered = render({"watchNamespaces": ["shop"], **more})
    assert (NAMESPACE in watches(rendered).split(",")) == probed
    if rendered.of_kind(KINDS[0]):
        assert judges(rendered, NAMESPACE) == {int(probed)}


def test_a_selector_of_the_values_holds_too(render: Render) -> None:
    selector = {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}
    rendered = render({"watchNamespaces": ["shop"], "webhooks": {"namespaceSelector": selector}})
    assert judges(rendered, "shop") == {0}
    assert judges(rendered, "shop", tier="gold") == {1}
