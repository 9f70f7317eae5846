"""The cache outside the checkout: slow builds happen once, and are kept by a hash of their inputs.

    <cache>/bin/<module>-<key>/      Go programs, and nginx
    <cache>/images/<name>-<key>/     image archives and the root file systems they are made from
    <cache>/beds/<name>/             the state of one bed (not a cache: gone when the bed is)
    <cache>/locks/                   one lock file for each of the above

An entry appears under its final name only when it is complete, so an interrupted build leaves nothing
that a later run could mistake for a result.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "nginx-operator-testbed"


def root() -> Path:
    """Return the cache folder, `$XDG_CACHE_HOME` or `~/.cache` being its parent."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / FOLDER


def key(*parts: str | bytes) -> str:
    """Return a short hash of `parts`; moving a byte from one part to the next changes it."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:16]


def key_of_files(base: Path, files: Iterable[Path]) -> str:
    """Return a hash of the names (relative to `base`), modes and contents of `files`, in any order."""
    parts: list[str | bytes] = []
    for file in sorted(files):
        parts += [str(file.relative_to(base)), str(file.stat().st_mode & 0o111), file.read_bytes()]
    return key(*parts)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock `name`, waiting for another process (or thread) that has it."""
    folder = root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return `folder`, having `make` fill it first if it is not there.

    `make` gets an empty folder beside the final one, which is renamed when it returns. A folder that
    an interrupted run left is removed; the lock shows that nobody is at work in it.
    """
    if folder.is_dir():
        return folder
    with locked(folder.name):
        if folder.is_dir():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{folder.name}-"
        for leftover in folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(leftover)
        unfinished = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
        unfinished.chmod(0o755)
        try:
            make(unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder
