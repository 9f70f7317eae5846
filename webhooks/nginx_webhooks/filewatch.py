"""Files that change under a running process, noticed by a stat once a second.

It works on every volume, also where inotify is silent (a ConfigMap's link switch, NFS).
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

#: Seconds between two looks.
POLL_INTERVAL: Final = 1.0

#: Changes whenever the file does; None while there is no file.
Fingerprint = tuple[int, int, int, int] | None


class FileWatch:
    """Tells when one of the files has changed since the last look, of which the first is at once."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._seen = self._fingerprints()

    def changed(self) -> bool:
        """True once after each change."""
        before, self._seen = self._seen, self._fingerprints()
        return self._seen != before

    def _fingerprints(self) -> list[Fingerprint]:
        return [_fingerprint(path) for path in self._paths]


def _fingerprint(path: Path) -> Fingerprint:
    """(device, inode, time of change in ns, size) of what the path leads to."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


async def poll(refreshers: Iterable[Callable[[], object]]) -> None:
    """Calls each of them over and over, for ever."""
    calls = tuple(refreshers)
    while True:
        await asyncio.sleep(POLL_INTERVAL)
        for refresh in calls:
            refresh()
