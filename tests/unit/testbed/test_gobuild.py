"""The Go programs: what is built from the pinned modules, and what makes it be built anew."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest
import yaml

from testbed import Bed, gobuild, tools
from testbed.errors import BedError
from testbed.images import CHART
from testbed.progress import Progress

MODULES = (
    *(gobuild.KUBERNETES, gobuild.ETCD, gobuild.HELM4, gobuild.HELM3, gobuild.KWOK, gobuild.ACTIONLINT),
    *(gobuild.PROMETHEUS_OPERATOR, gobuild.OLDEST_KUBERNETES, gobuild.CERT_MANAGER, gobuild.HEALTH),
)
#: Of what client-go is made: with another version of these it is compiled again.
SHARED = (
    "golang.org/x/net",
    "golang.org/x/sys",
    "golang.org/x/text",
    "google.golang.org/protobuf",
    "go.yaml.in/yaml/v3",
)
GO = "go version go1.26.8 linux/amd64"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_each_module_is_pinned_by_sum(module: gobuild.GoModule) -> None:
    go_mod = (module.folder / "go.mod").read_text()
    pinned = f"{module.upstream} {gobuild.version(module, go_mod)} h1:"
    assert pinned in (module.folder / "go.sum").read_text()


@pytest.mark.parametrize("module", MODULES[:-2], ids=lambda module: module.name)
def test_each_program_is_a_tool_of_its_module(module: gobuild.GoModule) -> None:
    words = (module.folder / "go.mod").read_text().split()
    assert set(module.packages.values()) <= set(words)


def test_kubernetes_is_the_version_that_the_project_names() -> None:
    go_mod = (gobuild.KUBERNETES.folder / "go.mod").read_text()
    assert gobuild.version(gobuild.KUBERNETES, go_mod) == "v1.37.2"
    assert staging(go_mod) == {"v0.37.2"}


def test_the_oldest_kubernetes_is_the_oldest_that_the_chart_takes() -> None:
    go_mod = (gobuild.OLDEST_KUBERNETES.folder / "go.mod").read_text()
    version = gobuild.version(gobuild.OLDEST_KUBERNETES, go_mod)
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == f">={version.removeprefix('v')}-0"
    assert staging(go_mod) == {version.replace("v1.", "v0.")}


def required(module: gobuild.GoModule) -> dict[str, str]:
    """The version of each module that a go.mod requires."""
    text = (module.folder / "go.mod").read_text().partition("\nexclude")[0]
    return dict(re.findall(r"^(?:require |\t)(\S+\.\S+) (v\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("helm", [gobuild.HELM4, gobuild.HELM3], ids=lambda module: module.name)
def test_what_helm_and_kubernetes_are_made_of_is_compiled_once(helm: gobuild.GoModule) -> None:
    """Go keeps what it compiles by the module's version, so another one costs a cold build minutes."""
    ours, theirs = required(helm), required(gobuild.KUBERNETES)
    heavy = re.compile(r"k8s\.io/(api|apiextensions-apiserver|apimachinery|apiserver|cli-runtime|client-go|kubectl)$")
    both = {name for name in ours.keys() & theirs.keys() if heavy.match(name) or name.startswith(SHARED)}
    both -= {name for name in both if theirs[name] == "v0.0.0"}  # of Kubernetes' own tree; nobody else has that version
    assert {"k8s.io/client-go", "k8s.io/api", *SHARED} <= both
    assert {name: ours[name] for name in both} == {name: theirs[name] for name in both}


def staging(go_mod: str) -> set[str]:
    """The versions of Kubernetes' own libraries, which it takes from its source tree."""
    libraries = [line.split() for line in go_mod.splitlines() if " => " in line]
    assert len(libraries) >= 30
    return {line[-1] for line in libraries}


def test_a_bed_of_the_oldest_kubernetes_has_no_node() -> None:
    with pytest.raises(BedError, match="no kubelet: its beds are of level control-plane"):
        Bed("a", level="node", kubernetes=gobuild.OLDEST_KUBERNETES)


def test_a_module_that_pins_something_else_is_refused() -> None:
    with pytest.raises(BedError, match="of etcd does not require"):
        gobuild.version(gobuild.ETCD, "require go.etcd.io/etcd/server/v33 v3.7.3\n")


def test_the_linker_writes_the_version() -> None:
    flags = gobuild.linker_flags(gobuild.KUBERNETES, "v1.37.2").split()
    assert "k8s.io/component-base/version.gitVersion=v1.37.2" in flags
    assert "k8s.io/component-base/version.gitMajor=1" in flags
    assert "k8s.io/component-base/version.gitMinor=37" in flags


def test_one_program_gets_its_own_name_and_many_a_folder() -> None:
    one = gobuild.build_arguments(gobuild.ETCD, "go", Path("/out"))
    assert one[one.index("-o") + 1] == "/out/etcd"
    none = gobuild.build_arguments(gobuild.PROMETHEUS_OPERATOR, "go", Path("/out"))
    assert none == ["go", "mod", "download", gobuild.PROMETHEUS_OPERATOR.upstream]
    many = gobuild.build_arguments(gobuild.KUBERNETES, "go", Path("/out"))
    assert many[many.index("-o") + 1] == "/out/"
    assert many[-1] == "k8s.io/kubernetes/cmd/kubelet"


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_the_key_follows_the_pins(file: str, tmp_path: Path) -> None:
    shutil.copytree(gobuild.MODULES, tmp_path / "go")
    modules = [dataclasses.replace(module, home=tmp_path / "go") for module in MODULES]
    before = {module.name: gobuild.build_key(module, GO) for module in modules}
    with (tmp_path / "go/helm4" / file).open("a") as pins:
        pins.write("\n")
    after = {module.name: gobuild.build_key(module, GO) for module in modules}
    assert [name for name in before if before[name] != after[name]] == ["helm4"]


def test_the_key_follows_the_flags_and_the_compiler() -> None:
    key = gobuild.build_key(gobuild.KWOK, GO)
    stamped = dataclasses.replace(gobuild.KWOK, stamps=("a.b={plain}",))
    assert gobuild.build_key(stamped, GO) != key
    assert gobuild.build_key(gobuild.KWOK, "go version go1.26.9 linux/amd64") != key
    assert gobuild.build_key(gobuild.KWOK, GO) == key


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (GO, (1, 26)),
        ("go version go1.9.7 linux/amd64", (1, 9)),
        ("go version devel +abc", None),
        ("", None),
    ],
)
def test_the_version_of_go_is_read(text: str, version: tuple[int, int] | None) -> None:
    assert gobuild.parse_go_version(text) == version


@pytest.mark.parametrize(
    ("compiled", "total", "said"),
    [
        (0, 12, "downloading modules"),
        (3, 12, "3 of at most 12 packages compiled"),
        (12, 12, "all 12 packages compiled, linking"),
        (3, 0, "3 packages compiled"),
    ],
)
def test_a_build_says_how_far_it_is(compiled: int, total: int, said: str) -> None:
    assert gobuild.how_far(compiled, total) == said


def test_kubectl_and_helm_come_without_helm_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked: list[str] = []

    def programs(module: gobuild.GoModule, _: Progress) -> Path:
        asked.append(module.name)
        return tmp_path / module.name

    monkeypatch.setattr(gobuild, "programs", programs)
    folder = tools.folder(Progress())
    assert {link.name for link in folder.iterdir()} == {"kubectl", "helm"}
    assert asked == ["kubernetes", "helm4"]
    assert tools.helm3(Progress()) == tmp_path / "helm3" / "helm3"
