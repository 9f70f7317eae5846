"""Files that change under a running process, noticed by looking at them once a second.

Looking is a stat per file: it works on every volume, also where inotify is silent (a ConfigMap's link switch, NFS).
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

#: Seconds between two looks.
POLL_SECONDS: Final = 1.0

#: Changes whenever the file does; None while there is no file.
Fingerprint = tuple[int, int, int, int] | None


def fingerprint(path: Path) -> Fingerprint:
    """(device, inode, time of change in ns, size) of what the path leads to."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


async def poll(refreshers: Iterable[Callable[[], object]], *, seconds: float = POLL_SECONDS) -> None:
    """Calls each of them over and over, for ever."""
    calls = tuple(refreshers)
    while True:
        await asyncio.sleep(seconds)
        for refresh in calls:
            refresh()
