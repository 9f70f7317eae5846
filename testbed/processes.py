"""Processes of a bed: daemons, identified by pid and start time.

A pid alone is no identity, since pids are used again. A record therefore carries the kernel's start
time of the process and the boot it belongs to, and nothing is signalled whose record does not match.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.waiting import until

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process that a bed started.

    Attributes:
        argv: the command line that starts it, its entering of namespaces included.
        pid: its process id, which is its session's id as well.
        started: its start, in clock ticks since the boot.
        boot: the id of that boot.
    """

    argv: tuple[str, ...]
    pid: int
    started: int
    boot: str

    def save(self, file: Path) -> None:
        """Write the record to `file`, at once or not at all."""
        unfinished = file.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(self)), encoding="utf-8")
        unfinished.rename(file)

    @staticmethod
    def load(file: Path) -> Process | None:
        """Read a record; None when there is none."""
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return Process(**{**data, "argv": tuple(data["argv"])})

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; one that only waits to be reaped does not.

        Threads may outlive the first one, which waits to be reaped meanwhile; until then sockets stay open.
        """
        with contextlib.suppress(ChildProcessError):  # it may be our child: then reaping is ours
            os.waitpid(self.pid, os.WNOHANG)
        state = _state(self.pid)
        if state is None or state[1] != self.started or self.boot != _boot():
            return False
        return state[0] not in "ZX" or _threads(self.pid) > 1


def parse_stat(text: str) -> tuple[str, int]:
    """Return (state letter, start time in clock ticks) from the text of /proc/PID/stat.

    The second field, the program's name in parentheses, may itself hold spaces and parentheses.
    """
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _state(pid: int) -> tuple[str, int] | None:
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def _threads(pid: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return sum(1 for _ in (PROC / str(pid) / "task").iterdir())
    return 0


def _boot() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def _inheritable() -> list[int]:
    """Return the file descriptors of this process that one it starts would have, standard ones aside."""
    found = []
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        with contextlib.suppress(OSError):  # the descriptor of this listing is closed by now
            if descriptor > 2 and os.get_inheritable(descriptor):
                found.append(descriptor)
    return found


def start(argv: Sequence[str], log: Path, *, listener: int | None = None) -> Process:
    """Start `argv` in a session of its own, with its output appended to `log`.

    It outlives this process, and sees little of this one's environment: a proxy that is set there must
    not come between the parts of a cluster. File descriptor `listener`, where given, becomes its descriptor 3.
    It inherits no other: a lock of the caller (flock) must not be held for as long as the bed is up.
    """
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    actions += [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inheritable() if descriptor != listener]
    if listener is not None:
        actions.append((os.POSIX_SPAWN_DUP2, listener, 3))
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    # posix_spawn rather than Popen: a Popen object complains when it is dropped before its process ends.
    pid = os.posix_spawnp(argv[0], list(argv), environment, file_actions=actions, setsid=True)
    state = _state(pid)
    return Process(tuple(argv), pid, state[1] if state else 0, _boot())


def end(process: Process, *, grace: float, limit: float = 10.0) -> None:
    """End a process and wait until it is gone: SIGTERM first where `grace` (seconds) allows, then SIGKILL.

    Raises:
        TimeoutError: it outlived SIGKILL by `limit` seconds.
    """
    if not process.alive:
        return
    if grace > 0:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            until(lambda: not process.alive, seconds=grace, what="the end")
            return
    if process.alive:
        _signal(process.pid, signal.SIGKILL)
    until(lambda: not process.alive, seconds=limit, what=f"the end of process {process.pid} after SIGKILL")


def kill_all(pids: Iterable[int]) -> None:
    """Send SIGKILL to processes that a namespace or cgroup of a bed names, but never to this one's line."""
    for pid in set(pids) - _own_line():
        _signal(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # where it is our child, reaping is ours
            os.waitpid(pid, 0)


def in_namespace(handle: Path) -> list[int]:
    """Return the processes, other than this one's line, whose network namespace is the one of `handle`."""
    inode = handle.stat().st_ino
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "ns/net").stat().st_ino == inode:
                    found.append(int(entry.name))
    return sorted(set(found) - _own_line())


def _own_line() -> set[int]:
    """Return this process and its ancestors, which may themselves run inside a bed's namespace."""
    line, pid = set(), os.getpid()
    while pid > 1:
        line.add(pid)
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        pid = int(text.rpartition(")")[2].split()[1])
    return line


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
