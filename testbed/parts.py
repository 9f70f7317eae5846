"""The parts of a bed as running processes: started, watched while they become ready, ended."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from testbed import controlplane, kwok, network, node, processes
from testbed.errors import BedError, part_failed
from testbed.layout import Layout
from testbed.waiting import until

T = TypeVar("T")

FORWARDER = "forwarder"
ORDER = (
    controlplane.ETCD,
    controlplane.APISERVER,
    FORWARDER,
    controlplane.CONTROLLER_MANAGER,
    controlplane.SCHEDULER,
    kwok.KWOK,
    node.MOUNTS,
    node.CONTAINERD,
    node.KUBELET,
    node.KUBE_PROXY,
)
"""The parts in the order in which they start; they end in the order `ENDING`."""
ENDING = (
    node.KUBE_PROXY,
    node.KUBELET,
    node.CONTAINERD,
    node.MOUNTS,
    kwok.KWOK,
    controlplane.SCHEDULER,
    controlplane.CONTROLLER_MANAGER,
    controlplane.APISERVER,
    controlplane.ETCD,
    FORWARDER,
)
"""Clients before their servers: an API server waits long for etcd and for its watchers."""
IN_MOUNTS = (node.CONTAINERD, node.KUBELET, node.KUBE_PROXY)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on the machine's loopback; port 0 picks a free one."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise BedError(f"{FORWARDER}: cannot listen on 127.0.0.1:{port}: {error}") from error
    return listener


class Parts:
    """The parts of one bed, each known by its record."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def process(self, part: str) -> processes.Process | None:
        """Return the record of the process that was last started as that part."""
        return processes.Process.load(self._layout.record(part))

    def alive(self, part: str) -> bool:
        """Return whether the part's process runs."""
        process = self.process(part)
        return process is not None and process.alive

    def started(self) -> list[str]:
        """Return the parts that were ever started, in the order in which they are."""
        return [part for part in ORDER if self._layout.record(part).exists()]

    def enter(self, part: str) -> list[str]:
        """Return the command prefix that enters the part's namespaces.

        Raises:
            BedError: the part runs on the real node, and there is none.
        """
        words = network.enter(self._layout.netns)
        if part not in IN_MOUNTS:
            return words
        holder = self.process(node.MOUNTS)
        if holder is None or not holder.alive:
            raise BedError(f"{part} needs the real node, which this bed does not have (level node).")
        return [*words[:-1], f"--mount=/proc/{holder.pid}/ns/mnt", "--"]

    def start(self, part: str, argv: Sequence[str], *, listener: int | None = None) -> None:
        """Start a part with that command line and remember its process."""
        command = [*self.enter(part), *argv]
        process = processes.start(command, self._layout.log(part), listener=listener)
        process.save(self._layout.record(part))

    def start_again(self, part: str, *, listener: int | None = None) -> None:
        """Start a part that was stopped, with the command line that it had.

        Raises:
            BedError: it was never started.
        """
        known = self._known(part)
        if known.alive:
            return
        process = processes.start(known.argv, self._layout.log(part), listener=listener)
        process.save(self._layout.record(part))

    def end(self, part: str, *, grace: float) -> None:
        """End a part: SIGTERM and `grace` seconds where there are any, then SIGKILL."""
        processes.end(self._known(part), grace=grace)

    def wait(self, part: str, ready: Callable[[], T | None], *, seconds: float, what: str) -> T:
        """Wait for a condition that the part is to bring about.

        Raises:
            BedError: the part ended, or the time is over; with the last lines of its log.
        """

        def watched() -> T | None:
            if answer := ready():
                return answer
            if not self.alive(part):
                raise part_failed(part, "ended", self._layout.log(part))
            return None

        try:
            return until(watched, seconds=seconds, what=what)
        except TimeoutError as error:
            raise part_failed(part, str(error), self._layout.log(part)) from error

    def mount_root(self) -> Path:
        """Return the path at which the file system as the real node sees it can be read."""
        holder = self.process(node.MOUNTS)
        if holder is None:
            raise BedError("This bed has no real node (level node).")
        return Path(f"/proc/{holder.pid}/root")

    def _known(self, part: str) -> processes.Process:
        known = self.process(part)
        if known is None:
            have = ", ".join(self.started()) or "none"
            raise BedError(f"This bed has no part {part!r}; it has: {have}.")
        return known
