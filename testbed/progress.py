"""Progress of long steps: name, detail and duration."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

LINE_EVERY_SECONDS = 10.0
LIVE_EVERY_SECONDS = 0.2


class Step:
    """One running step; `tell` says how far it is."""

    def __init__(self, what: str, stream: TextIO | None) -> None:
        self._what = what
        self._stream = stream
        self._live = stream is not None and stream.isatty()
        self._began = time.monotonic()
        self._told = self._began

    @property
    def seconds(self) -> float:
        """How long the step has been running, in seconds."""
        return time.monotonic() - self._began

    def tell(self, detail: str) -> None:
        """Show `detail` behind the step's name, not more often than one can read."""
        pause = LIVE_EVERY_SECONDS if self._live else LINE_EVERY_SECONDS
        if self._stream is None or time.monotonic() - self._told < pause:
            return
        self._told = time.monotonic()
        self._show(f"{detail}, {self.seconds:.0f} s so far", "")

    def end(self, outcome: str) -> None:
        """Write the step's last line."""
        if self._stream is not None:
            self._show(f"{outcome} {self.seconds:.1f} s", "\n")

    def _show(self, text: str, end: str) -> None:
        assert self._stream is not None
        line = f"  {self._what}: {text}"
        if self._live:
            self._stream.write(f"\r\x1b[K{line[:160]}{end}")
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()


class Progress:
    """Reports steps to a stream, one line a step (or a live line on a terminal); silent without one."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    @contextmanager
    def step(self, what: str) -> Iterator[Step]:
        """Run a step; its line tells whether it was done or failed, and after how many seconds."""
        step = Step(what, self._stream)
        try:
            yield step
        except BaseException:
            step.end("failed after")
            raise
        step.end("done in")

    def note(self, text: str) -> None:
        """Write a line that is no step."""
        if self._stream is not None:
            self._stream.write(f"  {text}\n")
            self._stream.flush()


SILENT = Progress()
