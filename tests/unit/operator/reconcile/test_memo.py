"""What is remembered of the settled, and what makes it forgotten."""

from typing import Any

import msgspec
import pytest

from nginx_operator.api.policy import Policy
from nginx_operator.api.types import Child, Nginx, NginxSpec, ObjectMeta, OwnerReference
from nginx_operator.decide.compare import Difference
from nginx_operator.decide.observation import Guarded
from nginx_operator.reconcile import memo
from nginx_operator.reconcile.memo import Fingerprint, ReconcileMemo

OWNER = ObjectMeta(name="web", namespace="shop", uid="u1", resource_version="10", generation=3)
POLICY = Policy()
GUARDED = Guarded(NginxSpec(count=1, image="a:1"))


def child(**changed: Any) -> Child:
    meta = ObjectMeta(
        name="web",
        namespace="shop",
        uid="c1",
        resource_version="5",
        labels={"a": "b"},
        annotations={"c": "d"},
        owner_references=(OwnerReference(kind="Nginx", name="web", uid="u1", controller=True),),
    )
    spec = msgspec.json.encode(changed.pop("spec", {"replicas": 1}))
    return Child(msgspec.structs.replace(meta, **changed), msgspec.Raw(spec))


def fingerprint(owner: ObjectMeta = OWNER, policy: Policy = POLICY, **changed: Any) -> Fingerprint:
    return memo.fingerprint(owner, {"deployments": child(**changed)}, {}, policy)


def test_a_status_or_a_new_version_changes_nothing() -> None:
    assert fingerprint() == fingerprint(resource_version="6")
    assert fingerprint() == fingerprint(msgspec.structs.replace(OWNER, resource_version="11"))


@pytest.mark.parametrize(
    "changed",
    [
        {"uid": "c2"},
        {"labels": {}},
        {"annotations": {"c": "e"}},
        {"owner_references": ()},
        {"deletion_timestamp": "2026-01-01T00:00:00Z"},
        {"spec": {"replicas": 2}},
    ],
)
def test_every_change_of_a_child_that_a_plan_looks_at_counts(changed: dict[str, Any]) -> None:
    assert fingerprint() != fingerprint(**changed)


def test_a_change_of_spec_policy_or_number_of_children_counts() -> None:
    assert fingerprint() != fingerprint(msgspec.structs.replace(OWNER, generation=4))
    assert fingerprint() != fingerprint(msgspec.structs.replace(OWNER, uid="u2"))
    assert fingerprint() != fingerprint(policy=Policy(max_count=7))
    both = {"deployments": child(), "services": child()}
    assert fingerprint() != memo.fingerprint(OWNER, both, {}, POLICY)


def test_only_the_last_fingerprint_is_settled() -> None:
    remembered = ReconcileMemo()
    assert remembered.settled((1,)) is None
    remembered.settle((1,), GUARDED)
    assert remembered.settled((1,)) is GUARDED
    assert remembered.settled((2,)) is None
    remembered.settle((2,), GUARDED)
    assert remembered.settled((1,)) is None


@pytest.mark.parametrize(
    ("observed_generation", "reason", "applied"), [(3, "Ready", True), (3, "ApplyFailed", False), (2, "Ready", False)]
)
def test_after_a_restart_the_stored_status_tells_what_was_applied(
    observed_generation: int, reason: str, applied: bool
) -> None:
    ready = {"type": "Ready", "status": "True", "reason": reason, "observedGeneration": observed_generation}
    nginx, spec = Nginx(OWNER, status={"conditions": [ready]}), NginxSpec(count=1, image="a:1")
    remembered = ReconcileMemo()
    assert ("deployments" in remembered.applied(nginx, spec)) is applied
    remembered.conflicts.wrote_children("u1", spec, {"services": True})
    assert remembered.applied(nginx, spec) == {"services"}


def test_what_the_cluster_rewrote_is_news_once() -> None:
    remembered, image, count = ReconcileMemo(), Difference("image", "a", "b"), Difference("replicas", 5, 3)
    assert remembered.learn("deployments", []) == []
    assert remembered.rewrites == {}
    assert remembered.learn("deployments", [image]) == [image]
    assert remembered.learn("deployments", [image, count]) == [count]
    assert remembered.rewrites == {"deployments": [image, count]}
    other = Difference("image", "c", "d")
    assert remembered.learn("deployments", [other]) == [other]
    assert remembered.rewrites == {"deployments": [other]}  # of the last apply alone
