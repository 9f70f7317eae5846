"""The plan, and that carrying it out leads to an empty plan."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx_operator.api import names
from nginx_operator.api.types import Child, NginxSpec, ObjectMeta, OwnerReference, ServiceSpec
from nginx_operator.children import CHILDREN
from nginx_operator.decide import drift
from nginx_operator.decide.compare import HASH, IMAGE, REPLICAS, Difference, between, differences, with_hash
from nginx_operator.decide.plan import (
    Adopt,
    Apply,
    Delete,
    NameConflict,
    UpdateOwnerReference,
    held_changes,
    plan,
    plan_paused,
)
from nginx_operator.reconcile.patches import force_spec, immutable, without_our_updates

OS = "kubernetes.io/os"
OWNER = ObjectMeta(name="web", namespace="shop", uid="uid-1", resource_version="10", generation=3)


def stored(body: dict[str, Any]) -> Child:
    """A child as the API server would hand it back after an apply: with defaults of its own added."""
    body = msgspec.json.decode(msgspec.json.encode(body))
    body["metadata"] |= {"uid": "child", "resourceVersion": "5"}
    body["spec"]["addedByTheServer"] = True
    return msgspec.json.decode(msgspec.json.encode(body), type=Child)


def applied(spec: NginxSpec, owner: ObjectMeta = OWNER) -> dict[str, Child]:
    return {a.kind.plural: stored(a.body) for a in plan(owner, spec, {}).actions if isinstance(a, Apply)}


def hash_of(body: dict[str, Any]) -> str:
    found: str = body["metadata"]["annotations"][names.APPLIED_HASH_ANNOTATION]
    return found


def edited(child: Child, **spec: Any) -> Child:
    return msgspec.structs.replace(child, spec=msgspec.Raw(msgspec.json.encode(msgspec.json.decode(child.spec) | spec)))


def test_children_that_are_missing_are_created(spec: NginxSpec) -> None:
    actions = plan(OWNER, spec, {}).actions
    assert [(a.kind.kind, a.name, isinstance(a, Apply) and a.creates) for a in actions] == [
        ("Deployment", "web", True),
        ("Service", "web", True),
    ]


def test_children_as_desired_need_nothing(spec: NginxSpec) -> None:
    assert plan(OWNER, spec, applied(spec)).actions == ()


def test_an_edited_field_is_repaired(spec: NginxSpec) -> None:
    observed = applied(spec)
    observed["deployments"] = edited(observed["deployments"], strategy={"type": "Recreate"})
    (action,) = plan(OWNER, spec, observed).actions
    assert isinstance(action, Apply)
    assert (action.repairs, action.scaled_from) == (True, None)
    assert action.body["spec"]["strategy"]["type"] == "RollingUpdate"
    assert action.body["metadata"]["uid"] == "child"  # nobody else's that takes the name meanwhile is forced


def test_a_new_count_scales(spec: NginxSpec) -> None:
    (action,) = plan(OWNER, NginxSpec(count=5, image=spec.image), applied(spec)).actions
    assert isinstance(action, Apply)
    assert (action.repairs, action.scaled_from) == (False, 2)


def test_another_number_of_pods_is_drift_where_the_count_was_applied(spec: NginxSpec) -> None:
    observed = applied(spec)
    observed["deployments"] = edited(observed["deployments"], replicas=7)
    (action,) = plan(OWNER, spec, observed, {"deployments"}).actions
    assert isinstance(action, Apply)
    assert (action.repairs, action.scaled_from) == (True, 7)


def of_families(policy: str | None, *families: str) -> NginxSpec:
    return NginxSpec(count=1, image="a:1", service=ServiceSpec(ip_family_policy=policy, ip_families=families))


def test_the_second_family_that_the_api_server_gave_stays() -> None:
    """It refuses to be sent the first alone, unless the policy is SingleStack."""
    spec = of_families("PreferDualStack", "IPv6")
    observed = applied(spec)
    observed["services"] = edited(observed["services"], ipFamilies=["IPv6", "IPv4"])
    assert plan(OWNER, spec, observed).empty
    (action,) = plan(OWNER, of_families(None, "IPv6"), observed).actions
    assert isinstance(action, Apply)
    assert action.body["spec"]["ipFamilies"] == ["IPv6", "IPv4"]
    for policy, families in (("SingleStack", ["IPv6"]), ("PreferDualStack", ["IPv4"])):
        (action,) = plan(OWNER, of_families(policy, *families), observed).actions
        assert isinstance(action, Apply)
        assert action.body["spec"]["ipFamilies"] == families


def test_a_service_cannot_get_another_first_family() -> None:
    (_, service) = plan(OWNER, of_families(None, "IPv6"), {}).actions
    assert isinstance(service, Apply)
    found = immutable(service.kind, service.body, {"spec": {"ipFamilies": ["IPv4"]}})
    assert found.startswith("a Service keeps its first IP family for life, and this one has IPv4; delete the Service")
    assert immutable(service.kind, service.body, {"spec": {"ipFamilies": ["IPv6", "IPv4"]}}) == ""
    (_, service) = plan(OWNER, of_families(None), {}).actions
    assert isinstance(service, Apply)
    assert immutable(service.kind, service.body, {"spec": {"ipFamilies": ["IPv4"]}}) == ""


def test_a_field_that_leaves_the_spec_leads_to_an_apply() -> None:
    before = NginxSpec(count=1, image="a:1", resources={"requests": {"cpu": "1"}})
    (action,) = plan(OWNER, NginxSpec(count=1, image="a:1"), applied(before)).actions
    assert isinstance(action, Apply)
    assert "resources" not in action.body["spec"]["template"]["spec"]["containers"][0]


def test_a_removed_label_or_hash_is_repaired(spec: NginxSpec) -> None:
    observed = applied(spec)
    bare = msgspec.structs.replace(observed["services"].metadata, labels={})
    observed["services"] = msgspec.structs.replace(observed["services"], metadata=bare)
    assert [action.kind.kind for action in plan(OWNER, spec, observed).actions] == ["Service"]


def test_a_service_that_is_switched_off_is_deleted_in_the_version_that_was_seen(spec: NginxSpec) -> None:
    off = NginxSpec(count=2, image=spec.image, service=ServiceSpec(enabled=False))
    (action,) = plan(OWNER, off, applied(spec)).actions
    assert isinstance(action, Delete)
    assert (action.kind.kind, action.uid, action.resource_version) == ("Service", "child", "5")


@pytest.mark.parametrize("off", [False, True])
def test_a_foreign_object_is_left_alone(spec: NginxSpec, off: bool) -> None:
    observed = applied(spec)
    observed["services"] = restored(observed["services"], annotations={})
    wanted = NginxSpec(count=2, image=spec.image, service=ServiceSpec(enabled=not off))
    found = plan(OWNER, wanted, observed)
    assert found.actions == ()
    assert [conflict.kind for conflict in found.name_conflicts] == ([] if off else ["Service"])


def restored(child: Child, **metadata: Any) -> Child:
    """The child without its owner, as after a restore, and with other metadata."""
    bare = msgspec.structs.replace(child.metadata, **{"owner_references": (), **metadata})
    return msgspec.structs.replace(child, metadata=bare)


def test_what_nobody_controls_and_we_would_write_just_so_is_adopted(spec: NginxSpec) -> None:
    observed = {plural: restored(child) for plural, child in applied(spec).items()}
    later = msgspec.structs.replace(OWNER, uid="restored")
    found = plan(later, msgspec.structs.replace(spec, count=9), observed)
    assert found.name_conflicts == ()
    assert [(type(a), a.kind.kind) for a in found.actions] == [(Adopt, "Deployment"), (Adopt, "Service")]
    for action in found.actions:
        assert isinstance(action, Adopt)
        assert (action.resource_version, action.body["metadata"]["uid"]) == ("5", "child")
        assert [owner["uid"] for owner in action.body["metadata"]["ownerReferences"]] == ["restored"]
    assert plan(later, msgspec.structs.replace(spec, paused=True), observed).empty  # left as they are


NOT_ADOPTED: dict[str, dict[str, Any]] = {
    "another hash": {"annotations": {names.APPLIED_HASH_ANNOTATION: "0123456789abcdef"}},
    "no hash": {"annotations": {}},
    "no labels": {"labels": {}},
    "another's label": {"labels": names.labels("other")},
    "being deleted": {"deletion_timestamp": "2026-01-01T00:00:00Z"},
    "controlled": {"owner_references": (OwnerReference("Fleet", "x", "uid-9", "example.com/v1", controller=True),)},
}


@pytest.mark.parametrize("difference", NOT_ADOPTED.values(), ids=NOT_ADOPTED)
def test_everything_else_is_a_conflict(spec: NginxSpec, difference: dict[str, Any]) -> None:
    observed = applied(spec)
    observed["deployments"] = restored(observed["deployments"], **difference)
    found = plan(OWNER, spec, observed)
    assert (found.actions, [conflict.kind for conflict in found.name_conflicts]) == ((), ["Deployment"])


def test_an_owner_that_does_not_control_stands_in_no_way(spec: NginxSpec) -> None:
    observed = applied(spec)
    other = OwnerReference("Fleet", "x", "uid-9", "example.com/v1")
    observed["services"] = restored(observed["services"], owner_references=(other,))
    assert [type(action) for action in plan(OWNER, spec, observed).actions] == [Adopt]


def selecting(child: Child, selector: dict[str, str]) -> Child:
    template = msgspec.json.decode(child.spec)["template"]
    return edited(child, template={**template, "spec": {**template["spec"], "nodeSelector": selector}})


def test_node_selectors_of_others_stay_whatever_is_applied(spec: NginxSpec) -> None:
    observed = applied(spec)
    theirs = {"disk": "ssd"}
    for selector, scaled in (({**theirs, OS: "linux"}, 9), ({**theirs, OS: "windows"}, 2), (theirs, 2)):
        live = {**observed, "deployments": selecting(observed["deployments"], selector)}
        (action,) = plan(OWNER, msgspec.structs.replace(spec, count=scaled), live).actions
        assert isinstance(action, Apply)
        assert action.body["spec"]["template"]["spec"]["nodeSelector"] == {**theirs, OS: "linux"}
    settled = {**observed, "deployments": selecting(observed["deployments"], {**theirs, OS: "linux"})}
    assert plan(OWNER, spec, settled).empty


def test_a_child_of_an_earlier_nginx_of_the_same_name_is_waited_for(spec: NginxSpec) -> None:
    earlier = msgspec.structs.replace(OWNER, uid="uid-0")
    found = plan(OWNER, spec, applied(spec, earlier))
    assert found.actions == ()
    assert all(conflict.leftover for conflict in found.name_conflicts)


def rewritten(child: Child, container: dict[str, Any]) -> Child:
    """The child as admission stored it that writes these fields of the container."""
    spec = msgspec.json.decode(child.spec)
    spec["template"]["spec"]["containers"][0] |= container
    return edited(child, **spec)


def sent(spec: NginxSpec) -> dict[str, Any]:
    """The body of the Deployment."""
    action = plan(OWNER, spec, {}).actions[0]
    assert isinstance(action, Apply)
    return action.body


def test_what_the_cluster_made_of_an_apply_is_no_drift_and_a_third_value_is(spec: NginxSpec) -> None:
    spec = msgspec.structs.replace(spec, resources={"requests": {"cpu": "50m"}})
    mirrored = {"image": "mirror.example.com/nginx:1", "resources": {"requests": {"cpu": "250m"}}}
    observed = applied(spec)
    ours, theirs = observed["deployments"], rewritten(observed["deployments"], mirrored)
    found = differences(sent(spec), theirs)
    assert [each.path for each in found] == [IMAGE, IMAGE.replace("image", "resources.requests.cpu")]
    rewrites = {"deployments": found}

    def actions(live: Child, wanted: NginxSpec = spec) -> list[tuple[bool, int | None]]:
        found = plan(OWNER, wanted, {**observed, "deployments": live}, {"deployments"}, rewrites).actions
        return [(each.repairs, each.scaled_from) for each in found if isinstance(each, Apply)]

    assert actions(theirs) == actions(ours) == []
    assert actions(rewritten(theirs, {"image": spec.image})) == []  # each field for itself
    assert actions(rewritten(theirs, {"image": "example.com/evil:1"})) == [(True, None)]
    assert actions(rewritten(theirs, {"resources": {}})) == [(True, None)]
    assert actions(rewritten(theirs, {"image": None})) == [(True, None)]
    assert actions(theirs, msgspec.structs.replace(spec, image="b:2")) == [(False, None)]  # a rollout
    # The values are accepted for what was sent, and for nothing else.
    assert plan(OWNER, spec, {**observed, "deployments": theirs}, {"deployments"}, {"services": found}).actions != ()


def test_a_number_of_pods_that_the_cluster_clamps_is_not_fought_and_scaling_goes_on(spec: NginxSpec) -> None:
    five = msgspec.structs.replace(spec, count=5)
    observed = applied(five)
    observed["deployments"] = edited(observed["deployments"], replicas=3)
    rewrites = {"deployments": differences(sent(five), observed["deployments"])}
    assert rewrites == {"deployments": [Difference(REPLICAS, 5, 3)]}
    assert plan(OWNER, five, observed, (), rewrites).actions == ()
    for count in (1, 4, 6):
        other = msgspec.structs.replace(spec, count=count)
        (action,) = plan(OWNER, other, observed, (), rewrites).actions
        assert isinstance(action, Apply)
        assert (action.repairs, action.scaled_from) == (False, 3)
    assert plan(OWNER, msgspec.structs.replace(spec, count=3), observed, (), rewrites).actions == ()
    observed["deployments"] = edited(observed["deployments"], replicas=2)
    (action,) = plan(OWNER, five, observed, {"deployments"}, rewrites).actions
    assert isinstance(action, Apply)
    assert (action.repairs, action.scaled_from) == (True, 2)


def test_what_the_cluster_leaves_out_may_be_missing(spec: NginxSpec) -> None:
    observed = applied(spec)
    live = msgspec.json.decode(observed["deployments"].spec)
    del live["template"]["spec"]["topologySpreadConstraints"]
    del live["template"]["spec"]["containers"][0]["lifecycle"]
    live["template"]["spec"]["volumes"] = live["template"]["spec"]["volumes"][:1]
    bare = edited(observed["deployments"], **live)
    bare = msgspec.structs.replace(bare, metadata=msgspec.structs.replace(bare.metadata, annotations={}))
    found = differences(sent(spec), bare)
    pod = "spec.template.spec"
    assert [(each.path, each.live) for each in found] == [
        (HASH, None),
        (f"{pod}.containers[nginx].lifecycle", None),
        (f"{pod}.topologySpreadConstraints", None),
        (f"{pod}.volumes[cache]", None),
    ]
    observed["deployments"] = bare
    assert plan(OWNER, spec, observed, (), {"deployments": found}).actions == ()
    (action,) = plan(OWNER, msgspec.structs.replace(spec, image="b:2"), observed, (), {"deployments": found}).actions
    assert isinstance(action, Apply)
    assert not action.repairs  # though the annotation with the hash never arrives


def test_a_rewritten_field_is_told_in_words() -> None:
    assert str(Difference("a.b", "x:1", "y:1")) == "a.b: sent x:1, the cluster stored y:1"
    assert str(Difference("a.b", 5, 3)) == "a.b: sent 5, the cluster stored 3"
    assert str(Difference("a.b", {"c": ["d"]}, None)) == 'a.b: sent {"c":["d"]}, the cluster dropped it'
    assert len(str(Difference("a", "x" * 999, "y" * 999))) < 450


def balanced(**service: Any) -> NginxSpec:
    return NginxSpec(count=2, image="a:1", service=ServiceSpec(type="LoadBalancer", **service))


@pytest.mark.parametrize(("live", "wanted"), [("a", "b"), (None, "b"), ("a", None)])
def test_another_class_of_a_load_balancer_comes_by_way_of_a_cluster_ip(live: str | None, wanted: str | None) -> None:
    ranges = {names.SOURCE_RANGES_ANNOTATION: "192.0.2.0/24", "tier": "gold"}
    spec = balanced(
        **{"load_balancer_class": wanted, "node_port": 30080, "external_traffic_policy": "Local"},
        **{"load_balancer_source_ranges": ("192.0.2.0/24",), "annotations": ranges},
    )
    (action,) = plan(OWNER, spec, applied(balanced(load_balancer_class=live))).actions
    assert isinstance(action, Apply)
    assert action.body["spec"].get("loadBalancerClass") == wanted
    assert action.via is not None
    assert action.via["spec"] == {
        "type": "ClusterIP",
        "selector": action.body["spec"]["selector"],
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
    }
    annotations = action.via["metadata"].pop("annotations")
    assert annotations.pop(names.APPLIED_HASH_ANNOTATION) != hash_of(action.body)  # it is no child as desired
    assert annotations == {"tier": "gold"}
    assert action.via["metadata"] == {
        key: value
        for key, value in action.body["metadata"].items()
        if key in (*("name", "namespace", "uid", "labels", "ownerReferences"),)
    }


def test_a_class_that_somebody_else_set_is_no_drift() -> None:
    observed = applied(balanced())
    observed["services"] = edited(observed["services"], loadBalancerClass="cloud.example.com/its-own")
    assert plan(OWNER, balanced(), observed).empty


@pytest.mark.parametrize("spec", [balanced(port=81, load_balancer_class="a"), NginxSpec(count=2, image="a:1")])
def test_a_service_that_keeps_its_class_or_is_no_load_balancer_any_more_needs_no_detour(spec: NginxSpec) -> None:
    (action,) = plan(OWNER, spec, applied(balanced(load_balancer_class="a"))).actions
    assert isinstance(action, Apply)
    assert action.via is None


def test_paused_means_no_action(spec: NginxSpec) -> None:
    assert plan(OWNER, NginxSpec(count=9, image="b:1", paused=True), applied(spec)).actions == ()


@pytest.mark.parametrize(
    ("desired", "live", "covered"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": {"b": 1}}, {"a": None}, False),
        ({"a": {}}, {}, False),
        ({"a": {}}, {"a": {"b": 1}}, True),
        ([{"name": "x", "v": 1}], [{"name": "injected"}, {"name": "x", "v": 1, "w": 2}], True),
        ([{"name": "x", "v": 1}], [{"name": "x", "v": 2}], False),
        (["ALL"], ["ALL"], True),
        (["ALL"], None, False),
        ({"resources": {"limits": {"cpu": "0.5"}}}, {"resources": {"limits": {"cpu": "500m"}}}, True),
        ({"resources": {"limits": {"cpu": "0.5"}}}, {"resources": {"limits": {"cpu": "600m"}}}, False),
        ({"other": "0.5"}, {"other": "500m"}, False),
    ],
)
def test_everything_desired_is_there(desired: Any, live: Any, covered: bool) -> None:
    assert (list(between(desired, live)) == []) is covered


def test_the_hash_tells_of_every_field() -> None:
    body = {"metadata": {"name": "web"}, "spec": {"a": 1}}
    one = with_hash(body)["metadata"]["annotations"][names.APPLIED_HASH_ANNOTATION]
    other = with_hash({**body, "spec": {"a": 1, "b": None}})["metadata"]["annotations"][names.APPLIED_HASH_ANNOTATION]
    assert one != other


specs = st.builds(
    NginxSpec,
    count=st.integers(0, 5),
    image=st.sampled_from(["a:1", "b:2"]),
    container_port=st.integers(1, 65535),
    resources=st.sampled_from([{}, {"requests": {"cpu": "0.5"}}, {"limits": {"memory": "1Gi"}}]),
    service=st.builds(
        ServiceSpec,
        enabled=st.booleans(),
        type=st.sampled_from(["ClusterIP", "NodePort"]),
        annotations=st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=3)),
    ),
)
drifts = st.sampled_from([{}, {"replicas": 9}, {"ports": []}, {"template": {}}, {"selector": None}])


@given(specs, specs, st.sets(st.sampled_from(["deployments", "services"])), drifts, st.integers(0, 2))
def test_from_any_state_and_after_any_prefix_the_plan_comes_to_an_end(
    before: NginxSpec, after: NginxSpec, lost: set[str], drift: dict[str, Any], prefix: int
) -> None:
    observed = {plural: edited(child, **drift) for plural, child in applied(before).items() if plural not in lost}
    carry_out(observed, plan(OWNER, after, observed).actions[:prefix])
    carry_out(observed, plan(OWNER, after, observed).actions)
    assert plan(OWNER, after, observed).actions == ()
    assert ("services" in observed) == after.service.enabled


def carry_out(observed: dict[str, Child], actions: tuple[Any, ...]) -> None:
    for action in actions:
        if isinstance(action, Delete):
            del observed[action.kind.plural]
        else:
            observed[action.kind.plural] = stored(action.body)


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        ({"selector": {"a": "1"}}, {"selector": {"a": "1", "b": "2"}}),
        ({"selector": {"a": "1"}}, {}),
        ({"drop": ["ALL"]}, {"drop": ["ALL", "NET_RAW"]}),
        ({"ranges": ["10.0.0.0/8"]}, {"ranges": ["0.0.0.0/0", "10.0.0.0/8"]}),
    ],
)
def test_what_the_api_treats_as_one_value_must_be_equal(desired: Any, live: Any) -> None:
    assert list(between(desired, live)) != []


def test_ours_is_put_in_the_place_of_what_is_invalid_with_it_and_the_rest_stays(spec: NginxSpec) -> None:
    deployment, service = (a for a in plan(OWNER, spec, {}).actions if isinstance(a, Apply))
    balanced = {"spec": {"clusterIP": "10.0.0.1", "type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}}
    assert force_spec(service.kind, service.body, balanced) == {"clusterIP": "10.0.0.1", **service.body["spec"]}
    template = deployment.body["spec"]["template"]
    (ours,), sidecar = template["spec"]["containers"], {"name": "mesh", "ports": [{"containerPort": 1}]}
    probe = {**ours["readinessProbe"], "httpGet": {"port": 1}}
    pod = {
        **template["spec"],
        "nodeSelector": {"disk": "ssd"},
        "schedulerName": "theirs",
        "securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "x"}},
        "containers": [{**ours, "readinessProbe": probe}, sidecar],
        "volumes": [{"name": "tmp", "configMap": {"name": "x"}}, {"name": "mesh", "emptyDir": {}}],
    }
    classed = {"spec": {"type": "LoadBalancer", "loadBalancerClass": "theirs"}}
    still = {**service.body, "spec": {**service.body["spec"], "type": "LoadBalancer"}}
    assert force_spec(service.kind, still, classed)["loadBalancerClass"] == "theirs"
    assert "loadBalancerClass" not in force_spec(service.kind, service.body, classed)
    restarted = {"metadata": {"annotations": {"restartedAt": "now"}}, "spec": pod}
    found = force_spec(deployment.kind, deployment.body, {"spec": {"paused": True, "template": restarted}})
    assert (found["paused"], found["template"]["metadata"]) == (True, restarted["metadata"])
    changed = found["template"]["spec"]
    assert changed["containers"] == [ours, sidecar]
    assert changed["volumes"] == [*template["spec"]["volumes"], {"name": "mesh", "emptyDir": {}}]
    assert changed["securityContext"] == template["spec"]["securityContext"]
    assert changed["schedulerName"] == "theirs"
    assert changed["nodeSelector"] == template["spec"]["nodeSelector"]  # theirs is in what is applied (carry_over)


def test_what_we_own_by_update_is_given_up_and_nothing_else() -> None:
    ours, status = {"manager": "nginx-operator", "operation": "Apply"}, {"manager": "k", "operation": "Update"}
    own_status = {"manager": "nginx-operator", "operation": "Update", "subresource": "status"}
    left = [ours, status, own_status]
    updates = {"manager": "nginx-operator", "operation": "Update"}
    assert without_our_updates({"metadata": {"managedFields": [ours, updates, status, own_status]}}) == left


@pytest.mark.parametrize(
    ("api_version", "leftover"), [("proxy.example.com/v1alpha1", True), ("nginx.example.org/v1alpha1", False)]
)
def test_an_nginx_of_another_group_is_no_earlier_one_of_ours(api_version: str, leftover: bool, spec: NginxSpec) -> None:
    other = OwnerReference("Nginx", OWNER.name, "other", api_version, controller=True)
    live = Child(ObjectMeta(OWNER.name, namespace=OWNER.namespace, owner_references=(other,)))
    (conflict,) = plan(OWNER, spec, {"deployments": live}).name_conflicts
    assert (conflict.owner, conflict.leftover) == (f"Nginx {OWNER.name}", leftover)


def test_a_child_that_is_being_deleted_is_waited_for(spec: NginxSpec) -> None:
    observed = applied(spec)
    going = msgspec.structs.replace(
        observed["services"],
        metadata=msgspec.structs.replace(
            observed["services"].metadata, deletion_timestamp="2026-01-01T00:00:00Z", finalizers=("a", "b")
        ),
    )
    found = plan(OWNER, spec, {**observed, "services": going})
    waits = NameConflict("Service", "web", "this Nginx", deleting=True, finalizers=("a", "b"))
    assert found.name_conflicts == (waits,)
    assert found.actions == ()
    off = NginxSpec(count=2, image=spec.image, service=ServiceSpec(enabled=False))
    assert plan(OWNER, off, {**observed, "services": going}).name_conflicts == ()


def addressed(child: Child, version: str, uid: str) -> Child:
    """The child with its owner named in another version of the API."""
    owner = OwnerReference("Nginx", OWNER.name, uid, f"{names.GROUP}/{version}", controller=True)
    metadata = msgspec.structs.replace(child.metadata, owner_references=(owner,))
    return msgspec.structs.replace(child, metadata=metadata)


@pytest.mark.parametrize("paused", [False, True])
def test_children_are_readdressed_so_that_they_still_go_with_their_owner(spec: NginxSpec, paused: bool) -> None:
    spec = msgspec.structs.replace(spec, paused=paused)
    observed = applied(msgspec.structs.replace(spec, paused=False))
    observed["deployments"] = addressed(observed["deployments"], "v1", OWNER.uid)
    actions = plan(OWNER, spec, observed).actions
    assert [(type(action), action.kind.kind) for action in actions] == [(UpdateOwnerReference, "Deployment")]
    assert plan_paused(OWNER, observed).actions == actions  # of an invalid spec, too


def test_what_belongs_to_somebody_else_is_not_readdressed(spec: NginxSpec) -> None:
    observed = {kind: addressed(child, "v1", "another") for kind, child in applied(spec).items()}
    assert plan_paused(OWNER, observed).actions == ()


def test_the_hash_changes_with_the_spec_and_neither_with_the_count_nor_with_the_owner(
    spec: NginxSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashes(owner: ObjectMeta, wanted: NginxSpec) -> list[str]:
        bodies = (with_hash(kind.build(owner, wanted) or {}) for kind in CHILDREN)
        return [body["metadata"]["annotations"][names.APPLIED_HASH_ANNOTATION] for body in bodies]

    before = hashes(OWNER, spec)
    assert hashes(OWNER, msgspec.structs.replace(spec, count=7)) == before
    assert hashes(msgspec.structs.replace(OWNER, uid="restored"), spec) == before
    assert hashes(OWNER, msgspec.structs.replace(spec, image="b:2"))[0] != before[0]
    monkeypatch.setattr(names, "API_VERSION", f"{names.GROUP}/v1")
    assert hashes(OWNER, spec) == before


def test_what_the_cluster_rewrites_is_no_change_that_waits_while_paused(spec: NginxSpec) -> None:
    observed = applied(spec)
    observed["deployments"] = edited(observed["deployments"], replicas=1)
    paused, rewrites = (
        msgspec.structs.replace(spec, paused=True),
        {"deployments": [Difference(REPLICAS, spec.count, 1)]},
    )
    (held,) = held_changes(OWNER, paused, observed)
    assert drift.waiting(held) == "Deployment web: spec.replicas 1 -> 2"
    assert held_changes(OWNER, paused, observed, rewrites) == ()
    assert held_changes(OWNER, spec, observed) == ()
