"""What the rules refuse together, in which words, and what they let through."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx_operator.api import defaults, validation
from nginx_operator.api.policy import Policy
from nginx_operator.api.validation import field_errors, validate

POLICY = Policy(default_count=1, min_count=0, max_count=100, default_image="example.com/nginx:1.30")
VALID: dict[str, Any] = {"count": 3, "image": "example.com/nginx:1.30"}


def errors(spec: dict[str, Any], **more: Any) -> list[str]:
    return [str(error) for error in validate("web", VALID | spec, POLICY, **more).errors]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"count": 0},
        {"count": 100},
        {"image": "localhost:5000/a/b@sha256:" + "0" * 64},
        {"resources": {"requests": {"cpu": 1, "memory": "64Mi"}, "limits": {"memory": "64Mi"}}},
        {"resources": {"requests": {"cpu": "1500m"}, "limits": {"cpu": "1.5"}}},
        {"service": {"type": "NodePort", "nodePort": 30080}},
        {"service": {"nodePort": None}},
        {"imagePullSecrets": [{"name": "login"}]},
        {"paused": True},
        {"containerPort": None},
    ],
)
def test_what_is_valid_passes(spec: dict[str, Any]) -> None:
    assert errors(spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"count": 101},
            "spec.count: 101 is more than this cluster allows (maxCount is 100). Use 0 to 100, "
            "or ask the cluster's administrator to raise webhooks.policy.maxCount",
        ),
        ({"count": -1}, "spec.count: -1 must be 0 or more"),
        ({"count": "three"}, 'spec.count: "three" must be a whole number, such as 3'),
        ({"count": True}, "spec.count: true must be a whole number, such as 3"),
        ({"count": 3.5}, "spec.count: 3.5 must be a whole number, such as 3"),
        ({"count": 2**31}, "spec.count: 2147483648 must be 2147483647 or less"),
        ({"containerPort": 0}, "spec.containerPort: 0 must be 1 or more"),
        (
            {"probes": {"readiness": {"httpGet": {"path": "healthz"}}}},
            'spec.probes.readiness.httpGet.path: "healthz" is malformed: a path begins with / and has visible ASCII '
            "characters alone, no blanks, such as /healthz",
        ),
        ({"imagePullPolicy": "never"}, 'spec.imagePullPolicy: "never" must be one of Always, IfNotPresent, Never'),
        (
            {"service": {"nodePort": 30080}},
            "spec.service.nodePort: nodePort needs type NodePort or LoadBalancer; remove nodePort, or set that type",
        ),
        (
            {"service": {"type": "NodePort", "loadBalancerClass": "a"}},
            "spec.service.loadBalancerClass: loadBalancerClass needs type LoadBalancer; remove loadBalancerClass, "
            "or set that type",
        ),
        (
            {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}},
            'spec.resources.requests.memory: "2Gi" is more than the limit "1Gi"; lower one or raise the other',
        ),
        (
            {"resources": {"limits": {"cpu": "lots"}}},
            'spec.resources.limits.cpu: "lots" is not a quantity; an example is "50m"',
        ),
        (
            {"resources": {"limits": {"memory": "64MB"}}},
            'spec.resources.limits.memory: "64MB" is not a quantity; an example is "64Mi"',
        ),
        (
            {"resources": {"limits": {"example.com/gpu": "lots"}}},
            'spec.resources.limits.example.com/gpu: "lots" is not a quantity; an example is 1',
        ),
    ],
)
def test_what_is_invalid_is_refused_with_a_sentence(spec: dict[str, Any], expected: str) -> None:
    assert errors(spec) == [expected]


def test_all_errors_come_at_once() -> None:
    paths = {error.split(":")[0] for error in errors({"count": 500, "containerPort": 70000, "paused": "yes"})}
    assert paths == {"spec.count", "spec.containerPort", "spec.paused"}


@pytest.mark.parametrize(
    "spec",
    [
        {"service": {"annotations": {f"key-{number}": 1 for number in range(900)}}},
        {"resources": {"limits": {f"name-{number}": "much" for number in range(900)}}},
        {"imagePullSecrets": [{"name": "NOT A NAME"}] * 400},
    ],
)
def test_no_more_errors_are_listed_than_a_user_reads(spec: dict[str, Any]) -> None:
    assert len(errors(spec)) == field_errors.MAX_ERRORS


def test_a_spec_beyond_human_size_is_refused_unread() -> None:
    spec = {"service": {"annotations": {f"key-{number}": 1 for number in range(100_000)}}}
    assert errors(spec) == ["spec: has more than 1000 fields and entries in all"]


@pytest.mark.parametrize("name", ["Web", "1web", "web.example", "web-", "w" * 51])
def test_a_name_that_a_service_cannot_have_is_refused(name: str) -> None:
    (error,) = validate(name, VALID, POLICY).errors
    assert error.field == "metadata.name"


def test_an_unknown_field_is_refused_only_when_strict() -> None:
    assert errors({"servise": {}}) == []
    assert errors({"servise": {}}, strict=True) == ["spec.servise: unknown field; did you mean service?"]


def test_a_count_that_is_in_force_is_kept_with_a_warning() -> None:
    result = validate("web", VALID | {"count": 500}, POLICY, old_spec={"count": 500})
    assert result.errors == []
    assert result.warnings == [
        "spec.count: 500 is kept, but a new value must be 0 to 100: this cluster allows no other"
    ]


@pytest.mark.parametrize(("old", "warnings"), [(1, ["spec.replicas is 0: no nginx will run"]), (0, [])])
def test_a_scale_to_zero_is_warned_of_too(old: int, warnings: list[str]) -> None:
    result = validation.validate_scale(0, old, POLICY)
    assert (result.errors, result.warnings) == ([], warnings)


def test_a_warning_is_cut_behind_what_matters() -> None:
    policy = Policy(min_count=99_999, default_count=99_999, max_count=100_000, class_name="c" * 63)
    (warning,) = validation.validate_scale(2**31 - 1, 2**31 - 1, policy).warnings
    assert len(warning) == validation.MAX_WARNING_LENGTH
    assert warning.startswith("spec.replicas: 2147483647 is kept, but a new value must be 99999 to 100000: a namespace")


def test_only_one_number_may_be_all_that_is_allowed() -> None:
    (error,) = validation.validate_scale(3, 1, Policy(min_count=1, max_count=1)).errors
    assert "(maxCount is 1). Use 1, or ask" in error.message


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"resources": {"limits": {"a\x1b[31m": 1}}}, r'spec.resources.limits."a\u001b[31m"'),
        ({"resources": {"limits": {"b" * 500: 1}}}, f'spec.resources.limits."{"b" * 72}...{"b" * 23}"'),
        ({"imagePullSecrets": [{"name": "a\n"}]}, "spec.imagePullSecrets[0].name"),
    ],
)
def test_a_path_is_short_and_without_control_characters(spec: dict[str, Any], path: str) -> None:
    (error,) = validate("web", VALID | spec, POLICY).errors
    assert error.field == path


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"imagePullSecrets": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, "spec.imagePullSecrets[2]"),
        (
            {"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24"] * 2}},
            "spec.service.loadBalancerSourceRanges[1]",
        ),
    ],
)
def test_what_must_differ_is_refused_twice(spec: dict[str, Any], path: str) -> None:
    (found,) = errors(spec)
    assert found.startswith(f"{path}: ")
    assert found.endswith(" appears twice; remove one")


def test_an_unknown_field_is_unknown_even_if_it_is_null() -> None:
    assert errors({"servise": None, "paused": None}, strict=True) == [
        "spec.servise: unknown field; did you mean service?"
    ]


def test_a_forbidden_count_cannot_be_changed_for_another() -> None:
    assert errors({"count": 499}, old_spec={"count": 500})[0].startswith("spec.count: 499 is more than")


@pytest.mark.parametrize(
    ("image", "warned"), [("nginx", True), ("nginx:latest", True), ("h:1/nginx", True), ("n:1", False)]
)
def test_an_image_that_may_change_under_the_users_feet_is_warned_of(image: str, warned: bool) -> None:
    assert bool(validate("web", VALID | {"image": image}, POLICY).warnings) == warned


def test_count_zero_is_warned_of_once() -> None:
    assert validate("web", VALID | {"count": 0}, POLICY).warnings == ["spec.count is 0: no nginx will run"]
    assert validate("web", VALID | {"count": 0}, POLICY, old_spec={"count": 0}).warnings == []


def test_a_value_is_quoted_short_and_without_control_characters() -> None:
    text = field_errors.quoted("a\n\x1b[31m" + "x" * 500)
    assert len(text) == field_errors.MAX_VALUE_LENGTH
    assert "\n" not in text
    assert "\x1b" not in text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = ["count", "image", "imagePullPolicy", "imagePullSecrets", "resources", "containerPort", "service", "paused"]


@given(st.dictionaries(st.sampled_from(fields) | st.text(), json_values, max_size=5), json_values)
def test_no_shape_of_a_spec_breaks_the_rules(spec: dict[str, Any], old_count: Any) -> None:
    result = validate("web", defaults.with_defaults(spec, POLICY), POLICY, old_spec={"count": old_count}, strict=True)
    assert all(len(warning) <= validation.MAX_WARNING_LENGTH for warning in result.warnings)
    json.dumps([str(error) for error in result.errors])
