"""A contender as a process, and what it uses of the machine."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Seconds that it has to end.
_GRACE: Final = 30


@dataclass
class Process:
    """A program that can be started again.

    Attributes:
        log: where all that it writes is appended.
        folder: where it runs.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    folder: Path
    _popen: subprocess.Popen[bytes] = field(init=False, repr=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Runs until the end of the block."""
        self.start()
        try:
            yield
        finally:
            self.stop()

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as out:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environ,
                cwd=self.folder,
            )

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL if that does not do."""
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._popen.poll() is None

    def cpu_seconds(self) -> float:
        """CPU time since its start."""
        return cpu_seconds(self._popen.pid)

    def peak_rss(self) -> int:
        """The most memory that it had resident since its start, in bytes (proc(5), status, VmHWM)."""
        return memory(self._popen.pid, "VmHWM:")

    def rss(self) -> int:
        """The memory that it has resident now, in bytes."""
        return memory(self._popen.pid)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process since its start, of all its threads, in user and in system mode (proc(5), stat)."""
    user, system = _stat(pid)[11:13]
    return (int(user) + int(system)) / _TICKS


def memory(pid: int, field: str = "VmRSS:") -> int:
    """The memory that a process has resident, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(field))


def age(pid: int) -> float:
    """Seconds since a process was started (proc(5), stat, starttime)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(_stat(pid)[19]) / _TICKS


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
