"""promtool, Prometheus's own tool, from its Debian package: unpacked only, since an install starts services."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from testbed import cache
from testbed.errors import BedError
from testbed.progress import Progress

PACKAGE = "prometheus"
PROGRAM = "usr/bin/promtool"


def missing() -> str | None:
    """One sentence that says why there is no promtool and none can be had, or None."""
    if shutil.which("promtool") or all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        return None
    return f"promtool is not on this machine, nor apt-get to bring it by the Debian package {PACKAGE}."


def program(progress: Progress) -> Path:
    """The machine's own promtool, or that of the package.

    Raises:
        BedError: neither is to be had.
    """
    if sentence := missing():
        raise BedError(sentence)
    if found := shutil.which("promtool"):
        return Path(found)
    return cache.made(cache.root() / "promtool", lambda target: _unpack(target, progress)) / PROGRAM


def _unpack(target: Path, progress: Progress) -> None:
    download = ["apt-get", "download", "--quiet", PACKAGE]
    with cache.locked("apt"), progress.step(f"unpacking {PACKAGE} (once)"):
        try:
            _run(download, target)
        except BedError:  # a fresh machine knows no packages yet
            _run(["apt-get", "update", "--quiet"], target)
            _run(download, target)
        (archive,) = target.glob("*.deb")
        _run(["dpkg-deb", "--extract", str(archive), "."], target)
        archive.unlink()


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise BedError(f"{' '.join(command[:2])} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
