"""Takes a bed down completely, in whatever state it is.

The parts are killed rather than asked, since all they would save is about to be deleted. Then goes what
no record names: containers, their shims, commands that run inside, and a process whose starter was
killed before it could write its record. They are found by the bed's own cgroup and network namespace,
never by name. The node's mounts end with the last process in its mount namespace.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from testbed import cgroups, network, processes
from testbed.errors import BedError
from testbed.layout import Layout
from testbed.parts import ENDING, Parts
from testbed.waiting import until

LIMIT_SECONDS = 15.0


def end_all(layout: Layout) -> None:
    """End every process of the bed and let go of its namespaces and cgroups; its files stay.

    Raises:
        BedError: something would not end.
    """
    parts = Parts(layout)
    try:
        for part in ENDING:
            if process := parts.process(part):
                processes.end(process, grace=0)
        until(lambda: _swept(layout), seconds=LIMIT_SECONDS, what=f"the end of bed {layout.name}'s processes")
        cgroups.remove(layout.id, seconds=LIMIT_SECONDS)
    except TimeoutError as error:
        raise BedError(f"bed {layout.name}: {error}") from error
    network.delete(layout.netns)


def remove(layout: Layout) -> None:
    """End everything of the bed and delete its files. May be called on a bed that is not there."""
    end_all(layout)
    with contextlib.suppress(FileNotFoundError):
        if below := mounted_below(layout.root.resolve(), Path("/proc/self/mountinfo").read_text(encoding="utf-8")):
            raise BedError(f"bed {layout.name}: something is mounted on {', '.join(below)}: unmount it first.")
        shutil.rmtree(layout.root)


def mounted_below(folder: Path, mountinfo: str) -> list[str]:
    """Return the mount points below `folder`, from the text of /proc/PID/mountinfo."""
    points = (line.split()[4] for line in mountinfo.splitlines())
    return [point for point in points if point.startswith(f"{folder}{os.sep}")]


def _swept(layout: Layout) -> bool:
    """Kill what is left; return whether nothing was."""
    left = cgroups.members(layout.id)
    if network.exists(layout.netns):
        left += processes.in_namespace(layout.netns)
    processes.kill_all(left)
    return not left
