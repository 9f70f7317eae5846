"""Progress of long steps: name, detail and duration. Steps of several threads may be open at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

LINE_EVERY_SECONDS = 10.0
LIVE_EVERY_SECONDS = 0.2
#: Characters of the live line; a terminal would break a longer one.
LIVE_WIDTH = 160


class Step:
    """One running step; `tell` says how far it is."""

    def __init__(self, what: str, screen: _Screen) -> None:
        self._what = what
        self._screen = screen
        self._began = time.monotonic()
        self._told = self._began

    @property
    def seconds(self) -> float:
        """How long the step has been running, in seconds."""
        return time.monotonic() - self._began

    def tell(self, detail: str) -> None:
        """Show `detail` behind the step's name, not more often than one can read."""
        if time.monotonic() - self._told < self._screen.pause:
            return
        self._told = time.monotonic()
        self._screen.show(self, f"{self._what}: {detail}, {self.seconds:.0f} s so far")

    @contextmanager
    def telling(self, detail: Callable[[], str]) -> Iterator[None]:
        """Until the end of the block, tell `detail` now and then, though what runs in it says nothing."""
        over = threading.Event()

        def tell() -> None:
            while not over.wait(self._screen.pause):
                self.tell(detail())

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def end(self, outcome: str) -> None:
        """Write the step's last line."""
        self._screen.end(self, f"{self._what}: {outcome} {self.seconds:.1f} s")


class _Screen:
    """The stream. A terminal's last line shows all steps that are open; elsewhere each report is a line."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._live = stream is not None and stream.isatty()
        self._open: dict[Step, str] = {}
        self._lock = threading.Lock()

    @property
    def pause(self) -> float:
        """Seconds between two reports of a step."""
        return LIVE_EVERY_SECONDS if self._live else LINE_EVERY_SECONDS

    def show(self, step: Step, text: str) -> None:
        """Report of a step that is open."""
        with self._lock:
            self._open[step] = text
            self._draw("" if self._live else text)

    def end(self, step: Step, text: str) -> None:
        """Report of a step that is over."""
        with self._lock:
            self._open.pop(step, None)
            self._draw(text)

    def line(self, text: str) -> None:
        """A line that is no step's."""
        with self._lock:
            self._draw(text)

    def _draw(self, line: str) -> None:
        """Write a finished line, if there is one, and the live line below it, where there is one."""
        if self._stream is None:
            return
        written = f"  {line}\n" if line else ""
        if self._live:
            open_ = f"  {' | '.join(self._open.values())}"[:LIVE_WIDTH] if self._open else ""
            written = f"\r\x1b[K{written}{open_}"
        self._stream.write(written)
        self._stream.flush()


class Progress:
    """Reports steps to a stream, one line a step (or a live line on a terminal); silent without one."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._screen = _Screen(stream)

    @contextmanager
    def step(self, what: str) -> Iterator[Step]:
        """Run a step; its line tells whether it was done or failed, and after how many seconds."""
        step = Step(what, self._screen)
        try:
            yield step
        except BaseException:
            step.end("failed after")
            raise
        step.end("done in")

    def note(self, text: str) -> None:
        """Write a line that is no step."""
        self._screen.line(text)


SILENT = Progress()
