"""Prints commands as a user would type them, runs them, and prints what they answer."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

EVERY_SECONDS = 5.0
"""How often a running command tells that it is still at work."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_")


class DemoError(Exception):
    """One sentence for people: what is not as it should be."""


@dataclass(frozen=True)
class Answer:
    """What a command answered.

    Attributes:
        typed: the command as it was shown.
        code: its exit status.
        out, err: what it wrote.
    """

    typed: str
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams as one text."""
        return f"{self.out}{self.err}".strip()


def typed(words: Sequence[str], document: str | None = None) -> str:
    """Return the command as one types it into a shell; `document` is what it reads from its standard input."""
    line = " ".join(word if word and set(word) <= _PLAIN else _quoted(word) for word in words)
    return line if document is None else f"{line} <<'EOF'\n{document.rstrip()}\nEOF"


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


class Console:
    """Where the demo speaks, and the environment in which its commands run."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        self._stream = stream
        self._environment = dict(environment)

    def say(self, text: str = "") -> None:
        """Write a line."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def heading(self, text: str) -> None:
        """Begin a chapter."""
        self.say(f"\n=== {text}")

    def run(
        self,
        words: Sequence[str],
        *,
        document: str | None = None,
        shown: str | None = None,
        progress: Callable[[], str] | None = None,
    ) -> Answer:
        """Show a command, run it, and show what it answers.

        Args:
            words: the command.
            document: its standard input.
            shown: how a user would type it, where that differs.
            progress: tells now and then how far it is, while it runs.
        """
        line = shown or typed(words, document)
        self.say(f"\n$ {line}")
        with _Telling(self, progress):
            answer = self.ask(words, document=document)
        for text in (answer.out, answer.err):
            if text.strip():
                self.say(text.rstrip())
        return Answer(line, answer.code, answer.out, answer.err)

    def ask(self, words: Sequence[str], *, document: str | None = None) -> Answer:
        """Run a command without showing anything.

        Raises:
            DemoError: there is no such program.
        """
        try:
            done = subprocess.run(
                list(words),
                input=document,
                stdin=subprocess.DEVNULL if document is None else None,
                env=self._environment,
                capture_output=True,
                text=True,
            )
        except FileNotFoundError:
            raise DemoError(f"{words[0]} is not on PATH; install it, then run the demo again") from None
        return Answer(typed(words), done.returncode, done.stdout, done.stderr)


class _Telling:
    """While it is open, a line every few seconds says how far a command is and how long it has taken."""

    def __init__(self, console: Console, progress: Callable[[], str] | None) -> None:
        self._console = console
        self._progress = progress
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> None:
        if self._progress:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._progress:
            self._thread.join()

    def _tell(self) -> None:
        assert self._progress is not None
        began = time.monotonic()
        while not self._over.wait(EVERY_SECONDS):
            self._console.say(f"  ... {self._progress()}, {time.monotonic() - began:.0f} s so far")
