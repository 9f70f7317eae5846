"""The operator as a process that starts at once and can be killed at any moment.

A fork server holds all imports, so that a campaign of crashes does not spend its time on starting Python.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from nginx_operator.__main__ import main
from testbed.waiting import PATIENCE, until

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["nginx_operator.process", "kubernetes.config"])
#: The exit code of a child can be read once, and multiprocessing reads those of all children whenever it starts one.
_ASKING = threading.Lock()


@dataclass
class Operator:
    """A running `nginx-operator run`."""

    process: BaseProcess
    log: Path

    @classmethod
    def start(cls, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> "Operator":
        """Start it. What it logs is appended to `log`."""
        process = _CONTEXT.Process(target=_run, args=(list(arguments), dict(environ), str(log)), daemon=True)
        with _ASKING:
            process.start()
        return cls(process, log)

    def wait_log(self, words: str) -> None:
        """Wait for a line with these words."""
        try:
            until(lambda: words in self.text(), seconds=PATIENCE, what=f"{words!r} in the operator's log")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.text()}") from None

    def text(self) -> str:
        """The content of its log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        with _ASKING:
            return self.process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.alive and self.process.pid is not None:
            os.kill(self.process.pid, number)

    def exit_code(self) -> int | None:
        """Wait until it ends by itself; its exit code."""
        until(lambda: not self.alive, seconds=PATIENCE, what="the operator's end")
        return self.process.exitcode

    def kill(self) -> None:
        """Kill it at once, if it runs."""
        self.process.kill()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """End it by a signal; its exit code, negative after a signal that it does not handle."""
        self.send(number)
        return self.exit_code()


#: Starts an operator behind a proxy, for one namespace or for all:
#: (namespace or None, *arguments, by=another proxy, account=another kubeconfig).
Start = Callable[..., Operator]


def _run(arguments: list[str], environ: dict[str, str], log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(environ)
    main(["run", *arguments])
