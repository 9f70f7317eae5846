"""Policies that change while both processes run: for the cluster, for a namespace, for a class of namespaces."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, fresh
from tests.support.policies import BIG, WITH_POLICY, policy
from tests.support.product import NAMESPACE, Product, Program, corner
from tests.support.rights import used

IN_FORCE = "new policy in force"
Change = Callable[..., None]


SIZED = policy(
    "classes[1].name=sized",
    "classes[1].selector.key=example.com/size",
    "classes[1].selector.operator=Exists",
    "classes[1].maxCount=2",
)

SIZED_ALONE = [word.replace("classes[1]", "classes[0]") for word in SIZED]


@pytest.fixture
def change(running: Product, webhooks: Program, operator: Program) -> Iterator[Change]:
    """`helm upgrade` with these options; both processes have read the policy then, and have not been restarted."""
    processes = webhooks.process.pid, operator.process.pid

    def changed(*options: str) -> None:
        before = [program.text().count(IN_FORCE) for program in (webhooks, operator)]
        running.install(*options)
        if not running.mount_policy():
            return
        for program, seen in zip((webhooks, operator), before, strict=True):
            until(
                lambda program=program, seen=seen: program.text().count(IN_FORCE) > seen,
                seconds=PATIENCE,
                what=f"the new policy in {program.name}",
            )

    yield changed
    changed()
    assert (webhooks.process.pid, operator.process.pid) == processes


def label(namespace: Namespace, size: str) -> None:
    namespace.bed.kubectl("label", "namespace", namespace.name, "--overwrite", f"example.com/size{size}")


def count(namespace: Namespace, name: str = "web") -> int:
    found = namespace.get("nginx", name)
    assert found is not None
    value: int = found["spec"]["count"]
    return value


def refused(namespace: Namespace, spec: dict[str, Any], name: str = "web") -> str:
    done = namespace.apply(spec, name, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_what_was_stored_before_a_policy_got_stricter_stays_editable(namespace: Namespace, change: Change) -> None:
    namespace.apply({"count": 7})
    change(*policy("maxCount=5", "defaultCount=4"))
    assert "8 is more than this cluster allows (maxCount is 5)" in refused(namespace, {"count": 8})  # worse
    assert "6 is more than this cluster allows (maxCount is 5)" in refused(namespace, {"count": 6})  # no better
    kept = "7 is kept, but a new value must be 0 to 5: this cluster allows no other"
    done = namespace.apply({"count": 7, "paused": True})
    assert f"Warning: spec.count: {kept}" in done.stderr
    namespace.kubectl("label", "nginx", "web", "team=a")
    done = namespace.kubectl("scale", "nginx", "web", "--replicas=8", check=False)
    assert "spec.replicas: 8 is more than this cluster allows" in done.stderr
    namespace.apply({}, "other")
    assert (count(namespace), count(namespace, "other")) == (7, 4)
    namespace.kubectl("scale", "nginx", "web", "--replicas=5")
    assert "7 is more" in refused(namespace, {"count": 7})  # there is no way back
    change(*policy("maxCount=7"))
    namespace.apply({"count": 7})


def test_a_contradictory_policy_is_refused_at_install(running: Product) -> None:
    with pytest.raises(Exception, match=r"webhooks\.policy\.minCount 5 is greater than webhooks\.policy\.maxCount 4:"):
        running.install(*policy("minCount=5", "maxCount=4", "defaultCount=5"))


def test_a_class_of_namespaces_has_a_policy_of_its_own(namespace: Namespace, change: Change) -> None:
    """The webhook and the operator's guard give the same verdict, at once after a label has changed."""
    label(namespace, "=big")
    change(*policy("maxCount=5"), *BIG, *SIZED)
    namespace.apply({})
    assert count(namespace) == 6  # more than the cluster allows
    namespace.wait("deployment", lambda found: found["spec"]["replicas"] == 6)
    assert "9 is more than a namespace of class big allows (maxCount is 8)" in refused(namespace, {"count": 9})
    done = namespace.kubectl("scale", "nginx", "web", "--replicas=9", check=False)
    assert "raise webhooks.policy.classes[big].maxCount" in done.stderr

    namespace.apply({"count": 8, "paused": True}, "paused")
    namespace.wait_reason("Paused", "paused")
    label(namespace, "=small")  # of the second class now
    assert "3 is more than a namespace of class sized" in refused(namespace, {"count": 3}, "new")
    done = namespace.apply({"count": 8, "paused": True, "containerPort": 8081}, "paused")
    assert "spec.count: 8 is kept" in done.stderr  # by the operator, too
    namespace.wait("nginx", lambda nginx: nginx["status"]["observedGeneration"] == 2, "paused")
    namespace.wait_reason("Paused", "paused")
    label(namespace, "-")  # of no class
    assert "6 is more than this cluster allows" in refused(namespace, {"count": 6}, "new")
    namespace.apply({"count": 5}, "new")


def test_a_namespace_that_is_listed_is_of_no_class(listed: Namespace, change: Change) -> None:
    change(*BIG)
    label(listed, "=big")
    listed.apply({"paused": True})
    assert count(listed) == 2
    assert f"4 is more than namespace {WITH_POLICY} allows (maxCount is 3)" in refused(listed, {"count": 4})


def test_classes_come_and_go_by_helm_upgrade(namespace: Namespace, change: Change) -> None:
    """Entries of webhook configurations are neither added nor removed: Helm could not remove what the webhooks keep."""
    label(namespace, "=small")
    for options, most, said in [(SIZED_ALONE, 2, "a namespace of class sized"), ((), 100, "this cluster")] * 2:
        change(*options)
        assert f"{most + 1} is more than {said} allows" in refused(namespace, {"count": most + 1})
        with fresh(namespace.bed) as other:
            assert "101 is more than this cluster" in refused(other, {"count": 101})


def test_with_roles_in_one_namespace_its_labels_are_read_by_name(running: Product, namespace: Namespace) -> None:
    with corner(running.bed, namespace.name, *BIG) as name:
        policy = running.folder / f"{name}.yaml"
        policy.write_text(
            yaml.safe_dump({"classes": [{"name": "big", "selector": {"key": "a", "operator": "Exists"}}]})
        )
        program = running.operator(
            *("--namespace", namespace.name, "--no-leader-election", "--policy-file", str(policy)),
            port=18097,
            name=name,
            KUBECONFIG=str(running.kubeconfig(name)),
        )
        try:
            program.wait_ready()  # so the labels are known
        finally:
            assert program.stop() == 0
        done = used(running.bed, NAMESPACE, name)
        assert not done.forbidden
        assert {verb for _, what, verb in done.allowed if what == "/namespaces"} == {"list", "watch"}
