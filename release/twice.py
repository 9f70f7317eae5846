"""A second build of the same commit, which shares as little as it can with the first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from testbed import cache

SHARED = ("bin", "go", "locks")
"""Programs that build, but nothing that they built."""


@contextmanager
def empty_cache() -> Iterator[None]:
    """Have the test bed start from an empty cache: images, their layers and Debian's packages are made and got anew."""
    known, before = cache.root(), os.environ.get("XDG_CACHE_HOME")
    with TemporaryDirectory(prefix="release-", dir=known) as scratch:
        fresh = Path(scratch) / cache.FOLDER
        fresh.mkdir()
        for name in SHARED:
            (known / name).mkdir(exist_ok=True)
            (fresh / name).symlink_to((known / name).resolve())
        os.environ["XDG_CACHE_HOME"] = scratch
        try:
            yield
        finally:
            if before is None:
                del os.environ["XDG_CACHE_HOME"]
            else:
                os.environ["XDG_CACHE_HOME"] = before


def different(first: Path, second: Path) -> list[str]:
    """Return the names of the files that are not the same, byte for byte, in both folders."""
    names = {file.name for folder in (first, second) for file in folder.iterdir()}
    return sorted(name for name in names if not _same(first / name, second / name))


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.read_bytes() == other.read_bytes()
