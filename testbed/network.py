"""The network namespace of a bed: the only place where a bed has addresses, routes and bridges.

It is pinned by a bind mount of its handle onto a file in the bed's folder. Names under /run/netns are
avoided, because `ip netns add` leaves a mount of its own behind there.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from testbed.errors import BedError

T = TypeVar("T")
Families = Literal["IPv4", "IPv6", "dual"]
"""The IP families of a bed's machine and of its Services. Of two, IPv4 comes first."""

NODE_INTERFACE = "node0"
NODE_IP = "192.0.2.1"
"""The address of the bed's one machine: from a range set aside for documentation, so it is nobody's."""
NODE_IP6 = "2001:db8::1"
NODE_IPS: Mapping[Families, tuple[str, ...]] = {"IPv4": (NODE_IP,), "IPv6": (NODE_IP6,), "dual": (NODE_IP, NODE_IP6)}
DNS_IP = "10.96.0.10"

_CLONE_NEWNET = 0x40000000
_MS_BIND = 0x1000
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


def setup_script(families: Families = "IPv4") -> str:
    """Return the shell commands that furnish a fresh namespace.

    A bridge serves as the machine's interface, since not every kernel has the dummy type. Nothing
    answers at the cluster's DNS address (there is no CoreDNS), so that route refuses at once what
    would otherwise end in a resolver's time-out. Without IPv4 only the loopback has an address of it.
    """
    lines = ["ip link set lo up", f"ip link add {NODE_INTERFACE} type bridge"]
    if NODE_IP in NODE_IPS[families]:
        lines.append(f"ip addr add {NODE_IP}/24 dev {NODE_INTERFACE}")
    if NODE_IP6 in NODE_IPS[families]:
        lines.append(f"ip addr add {NODE_IP6}/64 dev {NODE_INTERFACE} nodad")  # usable at once: nobody else is there
    lines.append(f"ip link set {NODE_INTERFACE} up")
    if NODE_IP in NODE_IPS[families]:
        lines.append(f"ip route add default via {NODE_IP} dev {NODE_INTERFACE}")
        lines.append(f"ip route add unreachable {DNS_IP}/32")
    if NODE_IP6 in NODE_IPS[families]:
        lines.append(f"ip -6 route add default dev {NODE_INTERFACE}")
    return "\n".join(lines)


def enter(handle: Path) -> list[str]:
    """Return the command prefix that enters the namespace.

    Not `ip netns exec`: it mounts /sys anew, and then the kubelet finds no cgroups.
    """
    return ["nsenter", f"--net={handle}", "--"]


def create(handle: Path, families: Families = "IPv4") -> None:
    """Create a namespace, pin it at `handle`, and give it its one machine's addresses.

    Raises:
        BedError: the kernel or the `ip` program refused.
    """
    handle.touch()
    _in_thread(lambda: _unshare_and_pin(handle))
    done = subprocess.run(
        [*enter(handle), "sh", "-ec", setup_script(families)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BedError(f"network namespace: {done.stderr.strip()}")


def delete(handle: Path) -> None:
    """Let go of the namespace at `handle`; it ends with the last process in it. May be called twice."""
    while _libc.umount2(os.fsencode(handle), _MNT_DETACH) == 0:
        pass  # until the file carries no mount: an interrupted run may have put one over another
    handle.unlink(missing_ok=True)


def exists(handle: Path) -> bool:
    """Return whether a namespace is pinned at `handle` (and not merely a file there)."""
    try:
        return handle.stat().st_dev == Path("/proc/self/ns/net").stat().st_dev
    except FileNotFoundError:
        return False


def inside(handle: Path, call: Callable[[], T]) -> T:
    """Return what `call` returns when it runs in the namespace.

    It runs in a thread of its own, the only one that enters. A socket it opens stays in the namespace
    and can be used from any thread.
    """

    def entered() -> T:
        with handle.open("rb") as namespace:
            _check(_libc.setns(namespace.fileno(), _CLONE_NEWNET), "setns")
        return call()

    return _in_thread(entered)


def _unshare_and_pin(handle: Path) -> None:
    _check(_libc.unshare(_CLONE_NEWNET), "unshare")
    own = f"/proc/self/task/{threading.get_native_id()}/ns/net"
    _check(_libc.mount(own.encode(), os.fsencode(handle), None, _MS_BIND, None), f"mount {handle}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _in_thread(call: Callable[[], T]) -> T:
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]
