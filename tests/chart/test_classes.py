"""Classes of namespaces: one entry judges each namespace, and its path tells what the operator finds by the labels."""

import itertools
from typing import Any

import pytest

from nginx_operator.api import names, selectors
from nginx_operator.api.policy import MAX_CLASSES, Policies
from tests.support.rendering import HelmError, Object, Render, Rendering

KINDS = {"MutatingWebhookConfiguration": "mutate", "ValidatingWebhookConfiguration": "validate"}
each_kind = pytest.mark.parametrize("kind", KINDS)

SELECTORS: list[Object] = [
    {"key": "tier", "operator": "In", "values": ["gold", "silver"]},
    {"key": "tier", "operator": "NotIn", "values": ["iron"]},
    {"key": "team", "operator": "Exists"},
    {"key": "team", "operator": "DoesNotExist"},
]
LABELS: list[dict[str, str]] = [
    {"kubernetes.io/metadata.name": "shop", **tier, **team}
    for tier in ({}, {"tier": "gold"}, {"tier": "iron"}, {"tier": "tin"})
    for team in ({}, {"team": "a"})
]


def classes(*found: Object) -> list[Object]:
    return [{"name": f"c{number}", "selector": selector} for number, selector in enumerate(found)]


CLASSES_OF_TWO = classes(SELECTORS[0], SELECTORS[2])


def entries(rendered: Rendering, kind: str) -> list[Object]:
    (configuration,) = rendered.of_kind(kind)
    found: list[Object] = configuration["webhooks"]
    return found


def matches(entry: Object, labels: dict[str, str]) -> bool:
    """Whether the API server would select a namespace for an entry."""
    selector = entry.get("namespaceSelector", {})
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        selectors.requirement(found).matches(labels) for found in selector.get("matchExpressions", ())
    )


@each_kind
@pytest.mark.parametrize("number", range(MAX_CLASSES + 1))
def test_one_entry_judges_each_namespace_and_it_is_that_of_the_operator(kind: str, number: int, render: Render) -> None:
    for chosen in itertools.permutations(SELECTORS, number) if number < 3 else [SELECTORS[:number]]:
        values: dict[str, Any] = {"webhooks": {"policy": {"classes": classes(*chosen)}}}
        rendered, policies = render(values), Policies.parse({"classes": classes(*chosen)})
        for labels in LABELS:
            (entry,) = (entry for entry in entries(rendered, kind) if matches(entry, labels))
            name = policies.class_of(labels)
            path = f"/{KINDS[kind]}/{name}" if name else f"/{KINDS[kind]}"
            assert entry["clientConfig"]["service"]["path"] == path


@each_kind
def test_the_entries_are_the_same_whatever_the_classes_are(
    kind: str, default: Rendering, everything: Rendering
) -> None:
    expected = [
        *(f"class-{n}.{KINDS[kind]}.{names.CRD}" for n in range(1, MAX_CLASSES + 1)),
        f"{KINDS[kind]}.{names.CRD}",
    ]
    for rendered in (default, everything):
        assert [entry["name"] for entry in entries(rendered, kind)] == expected


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (classes(*[SELECTORS[0]] * (MAX_CLASSES + 1)), "maxItems: got 5, want 4"),
        ([{"name": "gold"}], "missing property 'selector'"),
        ([{"name": "a/b", "selector": SELECTORS[2]}], "does not match pattern"),
        (classes({"key": "tier", "operator": "Is"}), "value must be one of 'In', 'NotIn', 'Exists', 'DoesNotExist'"),
        (classes({"key": "tier", "operator": "In", "values": [True]}), "got boolean, want string"),
        (classes({"matchLabels": {"tier": "gold"}}), "additional properties 'matchLabels' not allowed"),
    ],
)
def test_what_is_no_class_is_refused_by_the_schema(found: list[Object], words: str, render: Render) -> None:
    with pytest.raises(HelmError) as refused:
        render({"webhooks": {"policy": {"classes": found}}})
    assert words in str(refused.value)


@each_kind
def test_entries_differ_in_nothing_but_what_they_select(kind: str, everything: Rendering) -> None:
    found = entries(everything, kind)
    for entry in found:
        del entry["name"], entry["namespaceSelector"], entry["clientConfig"]["service"]["path"]
    assert all(entry == found[0] for entry in found)


@each_kind
def test_the_selector_of_the_values_holds_for_classes_too(kind: str, everything: Rendering) -> None:
    for entry in entries(everything, kind):
        assert entry["namespaceSelector"]["matchLabels"] == {"example.com/nginx": "true"}
