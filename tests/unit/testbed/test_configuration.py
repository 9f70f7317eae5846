"""Command lines and configuration files of a bed's parts."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path

import pytest
import yaml

from testbed import Bed, access, cgroups, cleanup, controlplane, kwok, network, node, parts
from testbed.errors import BedError
from testbed.layout import Layout


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Layout("one")


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "..", "a" * 41, "a b"])
def test_a_name_that_would_harm_is_refused(name: str) -> None:
    with pytest.raises(BedError, match="name"):
        Layout(name)


def test_beds_of_one_name_in_two_caches_share_no_cgroup(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    before = layout.id
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert layout.id != before
    assert layout.id.startswith("testbed-one-")


def test_beds_share_no_folder(layout: Layout) -> None:
    other = Layout("two")
    assert not set(map(str, layout.folders())) & set(map(str, other.folders()))
    assert all(layout.root in folder.parents for folder in layout.folders())


def flags(arguments: list[str]) -> dict[str, str]:
    pairs = (argument.removeprefix("--").partition("=") for argument in arguments)
    return {name: value for name, _, value in pairs}


def test_the_api_server_authorises_and_audits_and_reaches_webhooks_at_their_addresses(layout: Layout) -> None:
    found = flags(controlplane.apiserver(layout))
    assert found["authorization-mode"] == "Node,RBAC"
    assert "enable-aggregator-routing" in found
    assert found["audit-log-path"] == str(layout.audit_log)
    assert found["enable-admission-plugins"] == "OwnerReferencesPermissionEnforcement", "the rest is as by default"


@pytest.mark.parametrize(
    ("families", "address", "services", "commands"),
    [
        ("IPv4", "192.0.2.1", "10.96.0.0/16", {"192.0.2.1/24"}),
        ("IPv6", "2001:db8::1", "fd00:10:96::/112", {"2001:db8::1/64"}),
        ("dual", "192.0.2.1", "10.96.0.0/16,fd00:10:96::/112", {"192.0.2.1/24", "2001:db8::1/64"}),
    ],
)
def test_a_bed_has_the_families_that_are_asked_for(
    layout: Layout, families: network.Families, address: str, services: str, commands: set[str]
) -> None:
    found = flags(controlplane.apiserver(layout, families))
    assert (found["advertise-address"], found["service-cluster-ip-range"]) == (address, services)
    assert (found.get("bind-address") == "::") == (families != "IPv4")
    assert commands == {word for word in network.setup_script(families).split() if word.endswith(("1/24", "1/64"))}


def test_a_node_has_ipv4_alone(layout: Layout) -> None:
    with pytest.raises(BedError, match="A bed of dual is of level control-plane"):
        Bed(layout.name, "node", families="dual")


def test_the_audit_log_holds_no_bodies() -> None:
    policy = yaml.safe_load(controlplane.AUDIT_POLICY)
    assert [rule["level"] for rule in policy["rules"]] == ["Metadata"]


@pytest.mark.parametrize("program", [controlplane.controller_manager, controlplane.scheduler])
def test_the_throttle_is_raised(layout: Layout, program: object) -> None:
    assert callable(program)
    assert flags(program(layout))["kube-api-qps"] == "2000"


def test_every_user_has_a_token_of_its_own() -> None:
    tokens = access.new_tokens()
    text = access.tokens_csv(tokens)
    assert len(set(tokens.values())) == len(tokens)
    assert {user: access.token_of(user, text) for user in tokens} == tokens
    assert f"{tokens['admin']},admin,admin,system:masters\n" in text


def test_a_kubeconfig_needs_no_other_file() -> None:
    config = yaml.safe_load(access.kubeconfig("c", "https://127.0.0.1:1", b"PEM", {"token": "t"}))
    cluster = config["clusters"][0]["cluster"]
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"PEM"
    assert config["users"][0]["user"] == {"token": "t"}
    assert config["current-context"] == config["contexts"][0]["name"]


def test_containerd_keeps_to_the_beds_folder_and_knows_the_pause_image(layout: Layout) -> None:
    config = tomllib.loads(node.containerd_config(layout))
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert config["root"] == str(layout.containerd)
    assert cri["sandbox_image"] == node.PAUSE_IMAGE
    assert cri["cni"]["conf_dir"] == str(layout.cni)
    assert cri["netns_mounts_under_state_dir"] is True


def test_the_kubelet_keeps_to_the_beds_cgroup(layout: Layout) -> None:
    config = yaml.safe_load(node.kubelet_config(layout))
    assert config["cgroupRoot"] == f"/{layout.id}"
    assert config["authorization"] == {"mode": "Webhook"}


def test_pods_have_a_network_of_their_own() -> None:
    bridge = json.loads(node.cni_config())["plugins"][0]
    assert bridge["ipMasq"] is False
    assert bridge["ipam"]["ranges"] == [[{"subnet": node.POD_NETWORK}]]


def test_every_kernel_setting_is_copied_before_it_is_covered(layout: Layout) -> None:
    script = node.mount_script(layout)
    for setting in node.KERNEL_SETTINGS:
        assert script.index(f"cat /proc/sys/{setting}") < script.index(f" /proc/sys/{setting}; fi")


def test_commands_enter_the_network_namespace_alone(layout: Layout) -> None:
    assert network.enter(layout.netns) == ["nsenter", f"--net={layout.netns}", "--"]


def test_the_parts_end_as_completely_as_they_start() -> None:
    assert set(parts.ENDING) == set(parts.ORDER)
    assert len(parts.ENDING) == len(parts.ORDER)
    api, etcd = parts.ENDING.index(controlplane.APISERVER), parts.ENDING.index(controlplane.ETCD)
    assert api < etcd


def test_a_part_of_the_node_needs_a_node(layout: Layout) -> None:
    with pytest.raises(BedError, match="kubelet needs the real node"):
        parts.Parts(layout).enter(node.KUBELET)


def test_a_part_that_is_not_there_is_named(layout: Layout) -> None:
    with pytest.raises(BedError, match="no part 'kubelt'; it has: none"):
        parts.Parts(layout).end("kubelt", grace=0)


def test_fake_nodes_repel_pods_only_where_there_is_a_real_one() -> None:
    assert kwok.node(7, tainted=False)["spec"] == {}
    tainted = kwok.node(7, tainted=True)
    assert tainted["spec"]["taints"][0]["effect"] == "NoSchedule"
    assert tainted["metadata"]["name"] == "kwok-7"
    assert tainted["metadata"]["annotations"] == {kwok.ANNOTATION: kwok.FAKE}


def test_kwoks_stages_are_joined_without_what_only_kustomize_reads(tmp_path: Path) -> None:
    for stage in kwok.STAGES:
        (tmp_path / stage).mkdir(parents=True)
        (tmp_path / stage / "kustomization.yaml").write_text("resources: []\n")
        (tmp_path / stage / "stage.yaml").write_text(f"kind: Stage\nname: {stage}\n")
    stages = list(yaml.safe_load_all(kwok.config(tmp_path)))
    assert [stage["name"] for stage in stages] == list(kwok.STAGES)


def test_cgroup_hierarchies_of_both_versions_are_found() -> None:
    mounts = (
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
        "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
    )
    assert cgroups.hierarchies(mounts) == [Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/unified")]


def test_a_mount_below_a_folder_is_told_from_one_beside_it() -> None:
    lines = "1 2 8:1 / /beds/one/kubelet rw - ext4 a rw\n1 2 8:1 / /beds/one-more/x rw - ext4 a rw\n"
    assert cleanup.mounted_below(Path("/beds/one"), lines) == ["/beds/one/kubelet"]
