import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx_operator.api.defaults import quantities_as_text
from nginx_operator.api.policy import Policy
from nginx_operator.serving.application import failure
from nginx_webhooks import admission
from nginx_webhooks.review import MAX_SPEC_BYTES, AdmissionRequest, AdmissionResponse, MalformedReviewError, decode
from tests.support.webhooks.reviews import ABSENT, IMAGE, SCALE_KIND, encoded, nginx, patched, review, scale

POLICY = Policy(default_count=2, min_count=1, max_count=10, default_image=IMAGE)


def mutated(obj: dict[str, Any], policy: Policy = POLICY) -> dict[str, Any]:
    response = admission.mutate(decode(encoded(review(obj))), policy).review()["response"]
    assert response["allowed"] is True
    return patched(obj, response)


def validated(obj: dict[str, Any] | None, old: dict[str, Any] | None = None, **more: Any) -> AdmissionResponse:
    return admission.validate(decode(encoded(review(obj, old, **more))), POLICY)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(ABSENT, {"count": 2, "image": IMAGE}, id="absent"),
        pytest.param(None, {"count": 2, "image": IMAGE}, id="null"),
        pytest.param({}, {"count": 2, "image": IMAGE}, id="empty"),
        pytest.param({"count": None}, {"count": 2, "image": IMAGE}, id="count null"),
        pytest.param({"image": None, "count": 3}, {"image": IMAGE, "count": 3}, id="image null"),
        pytest.param({"count": 0}, {"count": 0, "image": IMAGE}, id="zero is a wish"),
        pytest.param({"count": "x"}, {"count": "x", "image": IMAGE}, id="count of a wrong type"),
        pytest.param({"count": -1, "image": ""}, {"count": -1, "image": ""}, id="wrong, but not missing"),
        pytest.param({"paused": True}, {"paused": True, "count": 2, "image": IMAGE}, id="other fields stay"),
        pytest.param(
            {"count": 1, "image": IMAGE, "resources": {"limits": {"cpu": 0.1, "memory": "1Gi"}}},
            {"count": 1, "image": IMAGE, "resources": {"limits": {"cpu": "0.1", "memory": "1Gi"}}},
            id="a fraction without quotes",
        ),
        pytest.param([], [], id="list"),
        pytest.param("x", "x", id="text"),
        pytest.param(0, 0, id="number"),
        pytest.param(False, False, id="false"),
    ],
)
def test_mutate_writes_what_is_missing(spec: Any, expected: Any) -> None:
    assert mutated(nginx(spec)) == nginx(expected)


def test_mutate_adds_count_before_image() -> None:
    decision = admission.mutate(decode(encoded(review(nginx({})))), POLICY)
    assert [path for path, _ in decision.patch] == ["/spec/count", "/spec/image"]
    assert decision.verdict == "patched"


def test_mutate_answers_without_a_patch_when_nothing_is_missing() -> None:
    decision = admission.mutate(decode(encoded(review(nginx({"count": 1, "image": IMAGE})))), POLICY)
    assert decision.review() == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "allowed": True},
    }


@pytest.mark.parametrize(
    ("spec", "old", "warnings"),
    [
        pytest.param(
            {"image": IMAGE}, {"count": 5}, ["spec.count is left out, so the default 2 replaces 5"], id="count dropped"
        ),
        pytest.param(None, {"count": 5}, ["spec.count is left out, so the default 2 replaces 5"], id="spec dropped"),
        pytest.param({"image": IMAGE}, {"count": 2}, [], id="the default is what was in force"),
        pytest.param({"image": IMAGE}, {}, [], id="nothing was in force"),
        pytest.param({"image": IMAGE}, None, [], id="no spec was in force"),
        pytest.param({"count": 7, "image": IMAGE}, {"count": 5}, [], id="another count is a wish"),
    ],
)
def test_mutate_warns_of_a_default_that_replaces_what_was_in_force(spec: Any, old: Any, warnings: list[str]) -> None:
    decision = admission.mutate(decode(encoded(review(nginx(spec), nginx(old)))), POLICY)
    assert list(decision.warnings) == warnings


def test_a_warning_is_as_long_as_the_api_asks_at_most() -> None:
    old = nginx({"count": 2, "image": "registry.example.com/" + "n" * 200})
    (warning,) = admission.mutate(decode(encoded(review(nginx({"count": 2}), old))), POLICY).warnings
    assert len(warning) == 120
    assert warning.startswith(f"spec.image is left out, so the default {IMAGE} replaces")


@pytest.mark.parametrize("decide", [admission.mutate, admission.validate])
def test_at_no_depth_does_an_old_value_end_a_review_with_an_error(
    decide: Callable[[AdmissionRequest, Policy], AdmissionResponse],
) -> None:
    template = encoded(review(nginx({}), nginx({"count": "DEEP"})))
    for depth in range(900, 1010):  # where decoding it begins to fail depends on the stack
        with suppress(MalformedReviewError):
            decide(decode(template.replace(b'"DEEP"', b"[" * depth + b"]" * depth)), POLICY)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
inner_fields = st.sampled_from(["requests", "limits", "cpu", "memory", "type", "nodePort", "enabled", "name"])
nested = scalars | st.lists(scalars, max_size=2) | st.dictionaries(inner_fields, scalars, max_size=3)
values = nested | st.lists(nested, max_size=2) | st.dictionaries(inner_fields, nested, max_size=2)
spec_fields = st.sampled_from(
    ["count", "image", "imagePullPolicy", "imagePullSecrets", "resources", "containerPort", "service", "paused", "x"]
)
specs = values | st.dictionaries(spec_fields, values, max_size=4)
words = st.none() | st.text(max_size=8)
metadata = st.fixed_dictionaries({}, optional={"name": words, "deletionTimestamp": words, "labels": nested})
objects = st.fixed_dictionaries({}, optional={"spec": specs, "metadata": st.none() | metadata, "kind": scalars})


@given(objects, objects | st.none())
def test_no_object_whatever_makes_a_decision_crash(obj: dict[str, Any], old: dict[str, Any] | None) -> None:
    for decide in (admission.mutate, admission.validate):
        answer = json.loads(decide(decode(encoded(review(obj, old))), POLICY).encode())["response"]
        assert answer["uid"]
        assert all(len(warning) <= 120 for warning in answer.get("warnings", ()))
        assert answer["allowed"] or all(cause["message"] for cause in answer["status"]["details"]["causes"])
    admission.validate(decode(encoded(review(obj, old, kind=SCALE_KIND))), POLICY)


@given(specs)
def test_mutate_is_idempotent_and_never_overrides(spec: Any) -> None:
    once = mutated(nginx(spec))
    assert mutated(once) == once
    if isinstance(spec, dict):
        kept = {**spec, **quantities_as_text(spec)}
        assert once["spec"] == once["spec"] | {key: value for key, value in kept.items() if value is not None}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a":"\xff"}', b"[" * 100_000, b"{}", b"1" * 5000, b"null"])
def test_what_is_no_review_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedReviewError):
        decode(body)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"apiVersion": "admission.k8s.io/v1beta1"}, "v1beta1"),
        ({"kind": "Nginx"}, "Nginx"),
        ({"request": None}, "request"),
        ({"request": {"uid": "", "kind": {"kind": "Nginx"}, "operation": "CREATE"}}, "uid"),
        ({"request": {"uid": 7, "kind": {"kind": "Nginx"}, "operation": "CREATE"}}, "request.uid"),
        ({"request": {"uid": "a", "kind": {"kind": "Nginx"}, "operation": "CREATE", "object": []}}, "request.object"),
        (review(nginx({}, name=["web"])), "request.object.metadata.name"),
    ],
)
def test_a_malformed_review_is_refused_with_the_reason(change: dict[str, Any], word: str) -> None:
    with pytest.raises(MalformedReviewError, match=word):
        decode(encoded({**review(nginx({})), **change}))


LONG = "x" * 1025


@pytest.mark.parametrize(
    ("found", "path"),
    [
        (review(nginx({}), uid=LONG), "uid"),
        (review(nginx({}), name=LONG), "name"),
        (review(nginx({}), namespace=LONG), "namespace"),
        (review(nginx({}), operation=LONG), "operation"),
        *((review(nginx({}), kind={"kind": "Nginx", field: LONG}), f"kind.{field}") for field in ("kind", "group")),
        (review(nginx({}, name=LONG)), "metadata.name"),
        (review(nginx({}, generateName=LONG)), "metadata.generateName"),
    ],
)
def test_a_word_longer_than_any_is_refused_and_not_repeated(found: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedReviewError, match=path) as refused:
        decode(encoded(found))
    assert len(failure(400, "BadRequest", str(refused.value)).body) < 300


#: JSON that takes thirty times as many bytes when it is decoded.
DENSE = b'{"":' * 100 + b"1" + b"}" * 100


def dense(size: int) -> bytes:
    """A list of about so many bytes."""
    return b"[" + b",".join([DENSE] * (size // (len(DENSE) + 1))) + b"]"


def peak(body: bytes, decide: Callable[[AdmissionRequest, Policy], AdmissionResponse]) -> int:
    """The most bytes that the answer takes beside the body."""
    tracemalloc.start()
    try:
        with suppress(MalformedReviewError):
            decide(decode(body), POLICY).encode()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("decide", [admission.mutate, admission.validate])
@pytest.mark.parametrize("where", ["metadata", "status", "spec"])
def test_what_is_sent_takes_few_times_its_bytes(
    where: str, decide: Callable[[AdmissionRequest, Policy], AdmissionResponse]
) -> None:
    obj = nginx({"count": 1}) | {where: {"x": "@"}}
    once = encoded(review(obj, obj, operation="UPDATE")).replace(b'"@"', dense(3_000_000))
    assert peak(once, decide) < 1_000_000


@pytest.mark.parametrize("decide", [admission.mutate, admission.validate])
def test_a_spec_has_an_end(decide: Callable[[AdmissionRequest, Policy], AdmissionResponse]) -> None:
    def asked(size: int, old: int = 0) -> AdmissionRequest:
        found = [nginx({"count": 1, "x": "a" * (length - len('{"count": 1, "x": ""}'))}) for length in (size, old)]
        return decode(encoded(review(*found)))

    assert decide(asked(MAX_SPEC_BYTES, MAX_SPEC_BYTES), POLICY).allowed
    with pytest.raises(MalformedReviewError, match="the spec has more than 512 KiB"):
        decide(asked(MAX_SPEC_BYTES + 1), POLICY)
    body = encoded(review(nginx({"count": 1, "x": "@"}))).replace(b'"@"', dense(MAX_SPEC_BYTES - 1000))
    assert peak(body, decide) < 40 * MAX_SPEC_BYTES


def test_an_old_spec_that_is_too_long_can_be_replaced() -> None:
    old = nginx({"count": 50, "x": "a" * MAX_SPEC_BYTES})
    assert validated(nginx({"count": 1, "image": IMAGE}), old).allowed
    assert not validated(nginx({"count": 50}), old).allowed


def test_a_kind_without_rules_is_refused_by_name() -> None:
    request = decode(encoded(review(nginx({}), kind={"group": "apps", "version": "v1", "kind": "Deployment"})))
    for decide in (admission.mutate, admission.validate):
        with pytest.raises(MalformedReviewError, match="Deployment"):
            decide(request, POLICY)
    with pytest.raises(MalformedReviewError, match="Scale"):
        admission.mutate(decode(encoded(review(scale(1), kind=SCALE_KIND))), POLICY)


def test_a_write_without_an_object_is_refused() -> None:
    with pytest.raises(MalformedReviewError, match="no object"):
        validated(None)


def test_an_object_nested_beyond_reason_is_refused() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    body = encoded(review(nginx({"resources": deep, "count": 1, "service": deep})))
    with suppress(MalformedReviewError):  # a bigger stack may well judge it
        admission.validate(decode(body), POLICY)


def test_validate_refuses_with_a_status_that_kubectl_shows_whole() -> None:
    decision = validated(nginx({"count": 11, "image": ""}))
    status = decision.review()["response"]["status"]
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert (status["details"]["kind"], status["details"]["group"]) == ("Nginx", "proxy.example.com")
    assert status["details"]["name"] == "web"
    causes = status["details"]["causes"]
    assert {cause["field"] for cause in causes} == {"spec.count", "spec.image"}
    (count,) = (cause for cause in causes if cause["field"] == "spec.count")
    assert count["reason"] == "FieldValueInvalid"
    assert "11 is more" in count["message"]
    assert "maxCount is 10" in count["message"]
    assert "spec.count: 11" in status["message"]
    assert "spec.image: " in status["message"]
    assert decision.verdict == "denied"


@pytest.mark.parametrize("spec", [[], "x", 3, False])
def test_validate_refuses_a_spec_that_is_no_mapping(spec: Any) -> None:
    assert [error.field for error in validated(nginx(spec)).errors] == ["spec"]


@pytest.mark.parametrize("spec", [ABSENT, None, {}, {"count": None}])
def test_validate_takes_what_is_missing_for_its_default(spec: Any) -> None:
    assert validated(nginx(spec)).allowed


def test_validate_keeps_a_count_that_policy_came_to_forbid() -> None:
    stored = nginx({"count": 50, "image": IMAGE})
    relabelled = validated(nginx({"count": 50, "image": IMAGE, "paused": True}), stored)
    assert relabelled.allowed
    assert "50 is kept" in " ".join(relabelled.warnings)
    assert not validated(nginx({"count": 51, "image": IMAGE}), stored).allowed


def test_an_object_that_is_being_deleted_passes() -> None:
    stored = nginx({"count": 1}, deletionTimestamp="2026-01-01T00:00:00Z")
    assert validated(nginx({"count": 99}), stored).allowed
    assert admission.mutate(decode(encoded(review(nginx({}), stored))), POLICY).patch == ()


@pytest.mark.parametrize("old", [None, nginx({"count": 1})], ids=["create", "update"])
def test_a_deletion_that_is_only_claimed_excuses_nothing(old: dict[str, Any] | None) -> None:
    """The API server drops the deletionTimestamp of what is created, after the mutating webhook."""
    claimed = nginx({"count": 99}, deletionTimestamp="2020-01-01T00:00:00Z")
    assert not validated(claimed, old).allowed
    assert mutated(nginx({}, deletionTimestamp="2020-01-01T00:00:00Z"))["spec"] == {"count": 2, "image": IMAGE}


def test_a_deletion_passes() -> None:
    assert validated(None, nginx({"count": 99}), operation="DELETE").allowed


@pytest.mark.parametrize(
    ("new", "old", "allowed"),
    [
        pytest.param(scale(5), scale(1), True, id="within"),
        pytest.param(scale(11), scale(1), False, id="above"),
        pytest.param(scale(), scale(1), False, id="left out is 0, below minCount"),
        pytest.param(scale(0), scale(1), False, id="0"),
        pytest.param(scale(12), scale(12), True, id="kept"),
        pytest.param(scale(), scale(), True, id="kept at 0"),
    ],
)
def test_validate_judges_scale(new: dict[str, Any], old: dict[str, Any], allowed: bool) -> None:
    decision = validated(new, old, kind=SCALE_KIND, subResource="scale")
    assert decision.allowed is allowed
    if not allowed:
        assert [error.field for error in decision.errors] == ["spec.replicas"]
        details = decision.review()["response"]["status"]["details"]
        assert (details["name"], details["group"], details["kind"]) == ("web", "autoscaling", "Scale")


def test_a_generated_name_is_shown_by_its_prefix() -> None:
    obj = nginx({"count": 99})
    obj["metadata"] = {"generateName": "web-"}
    decision = validated(obj, name="")
    assert decision.request.display_name == "web-"
    assert [error.field for error in decision.errors] == ["spec.count"]


def test_warnings_are_answered() -> None:
    response = validated(nginx({"count": 1, "image": "nginx"})).review()["response"]
    assert response["allowed"]
    assert any("no tag" in warning for warning in response["warnings"])


def test_warm_up_agrees_with_every_policy() -> None:
    admission.warm_up(POLICY)
