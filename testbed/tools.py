"""The programs that a level needs, the folder of kubectl and helm, and Helm 3 for who asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testbed import cache, gobuild
from testbed.debian import Level
from testbed.progress import Progress


@dataclass(frozen=True)
class Programs:
    """Where the programs are.

    Attributes:
        folders: module name -> folder.
        kubernetes: the module with the programs of the control plane.
    """

    folders: dict[str, Path]
    kubernetes: gobuild.GoModule

    def path(self, module: gobuild.GoModule, program: str) -> str:
        """Return the path of a program."""
        return str(self.folders[module.name] / program)

    @property
    def fingerprint(self) -> str:
        """Changes when any of the programs does."""
        return cache.key(*sorted(folder.name for folder in self.folders.values()))


def needed(level: Level, kwok_nodes: int, kubernetes: gobuild.GoModule) -> list[gobuild.GoModule]:
    """Return the modules that a bed of that shape runs."""
    modules = [gobuild.ETCD, kubernetes]
    if kwok_nodes:
        modules.append(gobuild.KWOK)
    if level == "node":
        modules.append(gobuild.PAUSE)
    return modules


def programs(level: Level, kwok_nodes: int, kubernetes: gobuild.GoModule, progress: Progress) -> Programs:
    """Return the programs of a bed of that shape, built if need be."""
    modules = needed(level, kwok_nodes, kubernetes)
    return Programs({module.name: gobuild.programs(module, progress) for module in modules}, kubernetes)


def folder(progress: Progress) -> Path:
    """Return the folder that holds kubectl and helm (4), built if need be."""
    kubernetes, helm4 = (gobuild.programs(module, progress) for module in (gobuild.KUBERNETES, gobuild.HELM4))
    links = {"kubectl": kubernetes / "kubectl", "helm": helm4 / "helm"}

    def make(target: Path) -> None:
        for name, program in links.items():
            (target / name).symlink_to(program)

    return cache.made(cache.root() / "bin" / f"tools-{cache.key(*map(str, links.values()))}", make)


def helm3(progress: Progress) -> Path:
    """Return Helm 3, built if need be: tests alone ask for it, so no bed and no demo waits for its build."""
    return gobuild.programs(gobuild.HELM3, progress) / "helm3"
