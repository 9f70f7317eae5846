"""Applies Debian's security updates to a root file system, since debootstrap reads the main archive only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from testbed.errors import BedError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SECURITY = "http://deb.debian.org/debian-security"
"""Where they are for a machine whose own apt does not know; what comes from there is signed."""
NO_SERVICES = "#!/bin/sh\nexit 101\n"
"""policy-rc.d: a package that is updated in a folder must not start its service on the machine."""


def apply(target: Path, suite: str, mirror: str | None, environment: Mapping[str, str]) -> None:
    """Update the packages of the Debian in the folder `target` to what the suite's security archive has.

    The machine's own apt gets them, with its proxies and certificates, and dpkg installs them inside.

    Raises:
        BedError: apt or dpkg failed.
    """
    with TemporaryDirectory() as scratch:
        found = _download(target, Path(scratch), f"{mirror or SECURITY} {suite}-security main", environment)
        if not found:
            return
        inside = target / "var/cache/apt/archives"
        names = [str(Path("/", inside.relative_to(target), Path(shutil.copy(file, inside)).name)) for file in found]
        policy = target / "usr/sbin/policy-rc.d"
        policy.write_text(NO_SERVICES, encoding="utf-8")
        policy.chmod(0o755)
        install = ["dpkg", "--install", *names]
        _run(["unshare", "--mount", "--", "chroot", str(target), *install], environment)
        policy.unlink()


def _download(target: Path, scratch: Path, archive: str, environment: Mapping[str, str]) -> list[Path]:
    """Return the packages that are newer in the archive than in `target`."""
    for folder in ("lists/partial", "archives/partial", "none"):
        (scratch / folder).mkdir(parents=True)
    sources = scratch / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {archive}\n", encoding="utf-8")
    settings = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": scratch / "none",
        "Dir::State": scratch,
        "Dir::State::status": target / "var/lib/dpkg/status",
        "Dir::Cache": scratch,
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
    }
    apt = ["apt-get", "--quiet", "--yes", *(f"--option={name}={value}" for name, value in settings.items())]
    _run([*apt, "update"], environment)
    _run([*apt, "--download-only", "upgrade"], environment)
    return sorted((scratch / "archives").glob("*.deb"))


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    noninteractive = {**os.environ, **environment, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(command, env=noninteractive, capture_output=True, text=True)
    if done.returncode != 0:
        raise BedError(f"{command[0]} of security updates ended with {done.returncode}: {done.stderr[-1000:]}")
