"""The cgroups of a bed: one of its own at the top of every hierarchy, under which the kubelet makes all others."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from testbed import processes
from testbed.waiting import until


def hierarchies(mounts: str) -> list[Path]:
    """Return where the cgroup hierarchies (version 1, 2 or both) are mounted, from /proc/mounts' text."""
    lines = (line.split() for line in mounts.splitlines())
    return [Path(fields[1]) for fields in lines if fields[2] in ("cgroup", "cgroup2")]


def _mounted() -> list[Path]:
    return hierarchies(Path("/proc/mounts").read_text(encoding="utf-8"))


def create(name: str) -> None:
    """Make the cgroup `name` in every hierarchy, as the kubelet wants to find it."""
    for hierarchy in _mounted():
        _pass_controllers_on(hierarchy)
        folder = hierarchy / name
        folder.mkdir(exist_ok=True)
        # A new cpuset of version 1 is empty, and no process may enter it or one below it.
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (folder / setting).exists() and "cpuset" in hierarchy.name:
                (folder / setting).write_text((hierarchy / setting).read_text())


def _pass_controllers_on(hierarchy: Path) -> None:
    """Let cgroups below the top have its controllers; in version 2 they have only what is passed on."""
    controllers = hierarchy / "cgroup.controllers"
    if controllers.exists():
        for controller in controllers.read_text().split():
            with contextlib.suppress(OSError):
                (hierarchy / "cgroup.subtree_control").write_text(f"+{controller}")


def members(name: str) -> list[int]:
    """Return the processes in the cgroup `name` and below it, of all hierarchies."""
    found: set[int] = set()
    for folder in _tree(name):
        with contextlib.suppress(OSError):
            found.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
    return sorted(found - {0})


def of_container(name: str, container: str) -> list[int]:
    """Return the processes of one container, by its id, somewhere below the cgroup `name`."""
    found: set[int] = set()
    for folder in _tree(name):
        if folder.name == container:
            with contextlib.suppress(OSError):
                found.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
    return sorted(found - {0})


def remove(name: str, *, seconds: float = 10.0) -> None:
    """Kill what is in the cgroup `name` or below, and remove it everywhere. May be called twice.

    Raises:
        TimeoutError: something in it would not end within `seconds`.
    """

    def empty() -> bool:
        processes.kill_all(members(name))
        for folder in _tree(name):
            with contextlib.suppress(OSError):  # busy until the last of its processes is reaped
                folder.rmdir()
        return not any(_tree(name))

    until(empty, seconds=seconds, what=f"the removal of cgroup {name}")


def _tree(name: str) -> Iterator[Path]:
    """Yield the folders of the cgroup `name`, deepest first."""
    for hierarchy in _mounted():
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            yield Path(folder)
