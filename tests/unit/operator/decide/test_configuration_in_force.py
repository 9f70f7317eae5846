"""An upgrade of the operator changes what it writes around a configuration, and restarts no pod for that."""

from typing import Any

import msgspec
import pytest

from nginx_operator.api.types import Child, NginxSpec, ObjectMeta
from nginx_operator.children import CONFIG_MAP, main_conf
from nginx_operator.decide.compare import Difference
from nginx_operator.decide.configuration_in_force import choose_configuration, revision_of
from nginx_operator.decide.plan import Apply, UpdateOwnerReference, plan

OWNER = ObjectMeta(name="web", namespace="shop", uid="uid-1", resource_version="10", generation=3)


def spec(text: str = "server {}", **more: Any) -> NginxSpec:
    return NginxSpec.from_dict({"count": 1, "image": "a:1", "config": {"http": {"inline": text}}, **more})


def stored(body: dict[str, Any]) -> Child:
    metadata = {**body["metadata"], "uid": "child", "resourceVersion": "5"}
    return msgspec.json.decode(msgspec.json.encode({**body, "metadata": metadata}), type=Child)


@pytest.fixture
def by_earlier_release(monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Child], dict[str, Child]]:
    """The children and the ConfigMaps that a release with another frame has made, by plural and by name."""
    with monkeypatch.context() as patch:
        patch.setattr(main_conf, "_FRAME", main_conf._FRAME.replace("1024", "512"))
        made = [action for action in plan(OWNER, spec(), {}).actions if isinstance(action, Apply)]
    children = {each.kind.plural: stored(each.body) for each in made if each.kind is not CONFIG_MAP}
    return children, {each.name: stored(each.body) for each in made if each.kind is CONFIG_MAP}


Made = tuple[dict[str, Child], dict[str, Child]]


def test_the_same_spec_writes_nothing(by_earlier_release: Made) -> None:
    children, config_maps = by_earlier_release
    assert plan(OWNER, spec(), children, config_maps=config_maps).empty


def test_a_scaling_keeps_the_revision(by_earlier_release: Made) -> None:
    children, config_maps = by_earlier_release
    (action,) = plan(OWNER, spec(count=3), children, config_maps=config_maps).actions
    assert isinstance(action, Apply)
    assert revision_of(stored(action.body)) == revision_of(children["deployments"])


@pytest.mark.parametrize("changed", [{"image": "a:2"}, {"text": "server { listen 8080; }"}])
def test_a_change_of_the_pods_brings_the_new_revision(by_earlier_release: Made, changed: dict[str, Any]) -> None:
    children, config_maps = by_earlier_release
    config_map, deployment = plan(OWNER, spec(**changed), children, config_maps=config_maps).actions
    assert isinstance(config_map, Apply)
    assert isinstance(deployment, Apply)
    assert config_map.creates
    assert config_map.name == f"web-{revision_of(stored(deployment.body))}"
    assert config_map.name not in config_maps


def test_a_config_map_that_is_gone_is_replaced_by_the_new_revision(by_earlier_release: Made) -> None:
    """Nobody knows the earlier text any more."""
    children, _ = by_earlier_release
    assert [action.kind.kind for action in plan(OWNER, spec(), children).actions] == ["ConfigMap", "Deployment"]


def test_what_the_cluster_rewrote_is_no_change(by_earlier_release: Made) -> None:
    children, config_maps = by_earlier_release
    rewritten = Difference("spec.template.spec.containers[nginx].image", "a:1", "mirror/a:1")
    raw = bytes(children["deployments"].spec).replace(b'"a:1"', b'"mirror/a:1"')
    live = msgspec.structs.replace(children["deployments"], spec=msgspec.Raw(raw))
    found = choose_configuration(
        OWNER,
        spec(),
        live,
        config_maps,
        [rewritten, rewritten._replace(path="spec.template.spec.initContainers[config-test].image")],
    )
    assert found.revision == revision_of(live)
    assert choose_configuration(OWNER, spec(), live, config_maps).revision != revision_of(live)


def test_each_config_map_follows_the_version_of_the_api(by_earlier_release: Made) -> None:
    children, config_maps = by_earlier_release
    older = {
        name: msgspec.structs.replace(
            each,
            metadata=msgspec.structs.replace(
                each.metadata,
                owner_references=tuple(
                    msgspec.structs.replace(owner, api_version="proxy.example.com/v0")
                    for owner in each.metadata.owner_references
                ),
            ),
        )
        for name, each in config_maps.items()
    }
    for found in (
        plan(OWNER, spec(), children, config_maps=older),
        plan(OWNER, spec(paused=True), children, config_maps=older),
    ):
        assert [(type(action), action.name) for action in found.actions] == [(UpdateOwnerReference, *older)]


def test_somebody_elses_config_map_is_not_mounted(by_earlier_release: Made) -> None:
    _, config_maps = by_earlier_release
    desired = plan(OWNER, spec(), {}).actions[0]
    (mine,) = config_maps.values()
    foreign = msgspec.structs.replace(
        mine, metadata=msgspec.structs.replace(mine.metadata, name=desired.name, owner_references=(), labels={})
    )
    found = plan(OWNER, spec(), {}, config_maps={desired.name: foreign})
    assert found.actions == ()
    assert [conflict.kind for conflict in found.name_conflicts] == ["ConfigMap"]
