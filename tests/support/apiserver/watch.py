"""One open watch: the lines that are to be sent."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.support.apiserver.request_info import RequestInfo
from tests.support.apiserver.selectors import Selected
from tests.support.apiserver.status_errors import Object, expired
from tests.support.apiserver.store import Event


class Watch:
    """A watch under way.

    Args:
        info: the collection.
        selected: which objects of it.
        shown: what is sent of an object.

    Attributes:
        lines: what is to be sent, in order; None ends it.
    """

    def __init__(
        self, info: RequestInfo, selected: Selected, shown: Callable[[Object], Object] = lambda found: found
    ) -> None:
        self.info = info
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._selected = selected
        self._shown = shown

    def observe(self, event: Event) -> None:
        """Tells of a change, if it is of what is watched; what a selector no longer finds counts as deleted."""
        if not self.info.holds(event.path):
            return
        before = event.before and self._selected(event.before)
        after = event.type != "DELETED" and self._selected(event.object)
        if after:
            self.send("MODIFIED" if before else "ADDED", self._shown(event.object))
        elif before:
            metadata = {**event.before["metadata"], "resourceVersion": str(event.version)}
            self.send("DELETED", self._shown({**event.before, "metadata": metadata}))

    def send(self, kind: str, body: Object) -> None:
        """Sends an event, whatever is stored."""
        self.send_line(json.dumps({"type": kind, "object": body}).encode())

    def send_line(self, line: bytes) -> None:
        """Sends anything as a line."""
        self.lines.put_nowait(line + b"\n")

    def bookmark(self, version: Any) -> None:
        """Tells how far the watch has come, with no change to tell of."""
        self.send("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})

    def expire(self, version: int, oldest: int) -> None:
        """Ends it with an ERROR event, because the history that it needs is compacted."""
        self.send("ERROR", expired(version, oldest).body)
        self.end()

    def end(self) -> None:
        """Ends it as the API server ends each after a while."""
        self.lines.put_nowait(None)
