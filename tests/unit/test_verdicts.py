"""Webhook, guard and `lint` give the same verdict: whoever asks, and in whatever form."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nginx_operator.api import names, schema
from nginx_operator.api.policy import Policies, Policy
from nginx_operator.api.types import Nginx, ObjectMeta
from nginx_operator.api.validation.field_errors import MAX_ERRORS
from nginx_operator.commands.lint import check_text
from nginx_operator.reconcile import guard
from nginx_webhooks import admission
from nginx_webhooks.review import AdmissionResponse, decode
from tests.support.campaign import TURNS
from tests.support.specs import NAMES, SPECS
from tests.support.webhooks.reviews import encoded, nginx, patched, review

POLICIES = st.sampled_from(
    [
        Policy(),
        Policy(default_count=2, min_count=1, max_count=2),
        Policy(default_count=0, min_count=0, max_count=0, default_image="example.com/nginx"),
    ]
)


def webhook(obj: dict[str, Any], policy: Policy) -> AdmissionResponse:
    """What the API server gets from the two webhooks, one after the other."""
    answer = admission.mutate(decode(encoded(review(obj, name=""))), policy).review()["response"]
    return admission.validate(decode(encoded(review(patched(obj, answer), name=""))), policy)


def linted(obj: dict[str, Any], policy: Policy) -> tuple[list[str], list[str]]:
    """Errors and warnings of `lint`, without those of unknown fields: the API server drops these, and says so."""
    found = list(check_text("f", json.dumps(obj), Policies(policy)))
    errors = [one.message for one in found if one.is_error and ": unknown field; " not in one.message]
    return errors, [one.message for one in found if not one.is_error]


def stored(value: Any, rule: schema.Schema) -> Any:
    """A value as the API server stores it: without nulls and unknown fields, and 3 for 3.0."""
    if isinstance(value, dict):
        known, others = rule.get("properties", {}), rule.get("additionalProperties", {})
        return {
            key: stored(item, known.get(key, others))
            for key, item in value.items()
            if item is not None and (key in known or others)
        }
    if isinstance(value, list):
        return [stored(item, rule.get("items", {})) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@settings(max_examples=1000 * TURNS, deadline=None)
@given(name=NAMES, spec=SPECS, policy=POLICIES)
def test_webhook_guard_and_lint_agree(name: str, spec: dict[str, Any], policy: Policy) -> None:
    if isinstance(spec.get("count"), float):
        return  # `lint` alone meets one: what the API server has read, it writes as 3
    obj = nginx(spec, name=name)
    decision = webhook(obj, policy)
    errors, warnings = linted(obj, policy)
    assert bool(errors) != decision.allowed
    if len(decision.errors) < MAX_ERRORS // 2:  # with unknown fields `lint` may come to the end earlier
        assert errors == [str(error) for error in decision.errors]
        assert warnings == list(decision.warnings)
    kept = stored(spec, schema.spec_schema(names.VERSION))
    guarded = guard.check(Nginx(ObjectMeta(name), kept), {}, policy).guarded
    assert (guarded.spec is not None) == decision.allowed
    if json.dumps(kept) == json.dumps(spec):  # 0 equals 0.0, and reads otherwise
        assert guarded.invalid == decision.message


@given(st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2))
def test_they_agree_on_what_is_no_spec(spec: Any) -> None:
    decision, (errors, _) = webhook(nginx(spec), Policy()), linted(nginx(spec), Policy())
    assert decision.allowed == (not errors) == (spec is None)
