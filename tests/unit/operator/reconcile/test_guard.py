"""The reconciler's own check of a stored spec: what it lets through, and how long a verdict is remembered."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from nginx_operator.api import names
from nginx_operator.api.policy import Policy
from nginx_operator.api.types import Child, Nginx, ObjectMeta, OwnerReference
from nginx_operator.api.validation import config
from nginx_operator.decide.compare import IMAGE, Difference
from nginx_operator.decide.observation import Guarded
from nginx_operator.reconcile import guard
from nginx_operator.reconcile.guard import Checked

POLICY = Policy(max_count=5)


class Guard:
    """The guard with what the reconciler remembers of one Nginx."""

    def __init__(self) -> None:
        self.last: Checked | None = None

    def check(self, found: Nginx, observed: dict[str, Child], policy: Policy) -> Guarded:
        self.last = guard.check(found, observed, policy, self.last)
        return self.last.guarded


def nginx(spec: Any, generation: int = 1) -> Nginx:
    return Nginx(ObjectMeta("web", uid="u", namespace="shop", generation=generation), spec)


def running(count: int, image: str = "nginx:1") -> dict[str, Child]:
    spec = {"replicas": count, "template": {"spec": {"containers": [{"name": names.CONTAINER, "image": image}]}}}
    owner = OwnerReference(kind=names.KIND, name="web", uid="u", controller=True)
    meta = ObjectMeta("web", namespace="shop", owner_references=(owner,))
    return {"deployments": Child(meta, msgspec.Raw(msgspec.json.encode(spec)))}


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Nginx]:
    """Every spec that is looked at, and not remembered."""
    seen: list[Nginx] = []
    judge = guard._guarded

    def counted(found: Nginx, *more: Any) -> Guarded:
        seen.append(found)
        return judge(found, *more)

    monkeypatch.setattr(guard, "_guarded", counted)
    return seen


def test_what_the_policy_allows_is_checked_once_whatever_runs(checks: list[Nginx]) -> None:
    subject, found = Guard(), nginx({"count": 3, "image": "nginx:1"})
    first = subject.check(found, {}, POLICY)
    assert first.spec is not None
    assert subject.check(found, running(3), POLICY) is first
    assert subject.check(found, running(1), POLICY) is first
    assert len(checks) == 1


@pytest.mark.parametrize(
    ("later", "policy"),
    [(nginx({"count": 2, "image": "nginx:1"}, 2), POLICY), (nginx({"count": 3, "image": "nginx:1"}), Policy())],
    ids=["another generation", "another policy"],
)
def test_what_changes_is_checked_again(checks: list[Nginx], later: Nginx, policy: Policy) -> None:
    subject = Guard()
    subject.check(nginx({"count": 3, "image": "nginx:1"}), {}, POLICY)
    subject.check(later, {}, policy)
    assert len(checks) == 2


def test_a_count_that_the_policy_came_to_forbid_stays_in_force_once_it_was(checks: list[Nginx]) -> None:
    subject, found = Guard(), nginx({"count": 9, "image": "nginx:1"})
    assert "maxCount is 5" in subject.check(found, {}, POLICY).invalid
    kept = subject.check(found, running(9), POLICY)
    assert kept.spec is not None
    assert subject.check(found, running(9), POLICY) is kept
    drifted = subject.check(found, running(4), POLICY).spec
    assert drifted is not None
    assert drifted.count == 9  # put back
    assert len(checks) == 3


def test_what_was_valid_stays_so_when_the_policy_shrinks_whatever_became_of_its_pods() -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "observedGeneration": 1}
    found = nginx({"count": 9, "image": "nginx:1"})
    known = msgspec.structs.replace(found, status={"conditions": [ready]})
    for observed in ({}, running(2)):
        assert Guard().check(known, observed, POLICY).spec is not None  # deleted, or scaled by somebody
    invalid = {**ready, "status": "False", "reason": "InvalidSpec"}
    refused = msgspec.structs.replace(found, status={"conditions": [invalid]})
    assert Guard().check(refused, {}, POLICY).spec is None


def test_a_count_is_kept_when_something_else_changes() -> None:
    subject = Guard()
    assert subject.check(nginx({"count": 9, "image": "nginx:1"}), {}, Policy()).spec is not None
    later = nginx({"count": 9, "image": "nginx:2"}, 2)
    assert subject.check(later, {}, POLICY).spec is not None
    assert subject.check(nginx({"count": 8, "image": "nginx:2"}, 3), {}, POLICY).spec is None


def test_a_new_default_image_restarts_no_pod() -> None:
    subject, found = Guard(), nginx({"count": 1})
    before = subject.check(found, {}, Policy(default_image="nginx:1")).spec
    assert before is not None
    assert before.image == "nginx:1"
    after = subject.check(found, running(1, "nginx:1"), Policy(default_image="nginx:2")).spec
    assert after is not None
    assert after.image == "nginx:1"


def test_a_spec_that_is_no_mapping_is_not_acted_on() -> None:
    assert Guard().check(nginx([]), {}, POLICY) == Guarded(None, "spec: must be a mapping")


def test_an_image_that_the_cluster_put_in_the_place_of_the_default_stands_for_it() -> None:
    found, policy = nginx({"count": 1}), Policy(default_image="nginx:1")
    rewrites = {"deployments": [Difference(IMAGE, "nginx:1", "mirror.example.com/nginx:1")]}
    for image in ("mirror.example.com/nginx:1", "nginx:1"):
        spec = guard.check(found, running(1, image), policy, None, rewrites).guarded.spec
        assert spec is not None
        assert spec.image == "nginx:1"  # else it would be sent next, and be another spec


def test_the_policy_says_whether_pods_have_fixed_ids(checks: list[Nginx]) -> None:
    subject, found = Guard(), nginx({"count": 3, "image": "nginx:1"})
    for fixed in (True, False, True):
        spec = subject.check(found, running(3), replace(POLICY, fixed_ids=fixed)).spec
        assert spec is not None
        assert spec.fixed_ids == fixed


def test_a_configuration_that_was_found_valid_is_not_judged_with_each_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(config, "judge", lambda text, **_: asked.append(text) or config.Verdict([], [], []))
    policy, last = Policy(), None
    for generation, (count, text) in enumerate([(1, "a;"), (2, "a;"), (2, "b;"), (3, "b;")], start=1):
        spec = {"count": count, "image": "example.com/nginx:1", "config": {"http": {"inline": text}}}
        nginx = Nginx(ObjectMeta("web", uid="u", generation=generation), spec)
        last = guard.check(nginx, {}, policy, last)
        assert last.guarded.spec is not None
    assert asked == ["a;", "b;"]
