"""A bed's requirements of the machine: root, and Debian packages, installed where possible."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from testbed import cache
from testbed.errors import BedError, part_failed
from testbed.progress import Progress

Level = Literal["control-plane", "node"]
Purpose = Literal["control-plane", "node", "image"]

NETWORK = {"ip": "iproute2", "nsenter": "util-linux"}
NODE = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "socat": "socat",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "unshare": "util-linux",
    "mount": "mount",
}
IMAGE = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "unshare": "util-linux",
}
NEEDS: Mapping[Purpose, Mapping[str, str]] = {
    "control-plane": NETWORK,
    "node": NETWORK | NODE,
    "image": IMAGE,
}
"""Program (or file) -> the Debian package that brings it."""


def lacking(purpose: Purpose, found: Callable[[str], bool]) -> dict[str, str]:
    """Return the programs that are not `found`, with their packages."""
    return {program: package for program, package in NEEDS[purpose].items() if not found(program)}


def sentence(purpose: Purpose, *, root: bool, lacks: Mapping[str, str], apt: bool) -> str | None:
    """Return one sentence that says what is missing and cannot be helped; None when nothing is."""
    what = {
        "control-plane": "The test bed's control plane",
        "node": "The test bed's node level",
        "image": "Building the test bed's images",
    }[purpose]
    if not root:
        return f"{what} needs root, because it makes namespaces: run it as root (sudo)."
    if lacks and not apt:
        packages = ", ".join(sorted(set(lacks.values())))
        return (
            f"{what} lacks {', '.join(sorted(lacks))}, and this machine has no apt-get to install the "
            f"Debian packages {packages}."
        )
    return None


def _found(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None


def missing_for(purpose: Purpose) -> str | None:
    """Return one sentence that says why this machine cannot do it, or None when it can.

    Packages that apt-get can install are not missing: `provide` installs them.
    """
    lacks = lacking(purpose, _found)
    return sentence(purpose, root=os.geteuid() == 0, lacks=lacks, apt=shutil.which("apt-get") is not None)


def provide(purpose: Purpose, progress: Progress) -> None:
    """Install the Debian packages that are missing for it.

    Raises:
        BedError: the machine cannot do it, or apt-get failed.
    """
    if sentence_ := missing_for(purpose):
        raise BedError(sentence_)
    packages = sorted(set(lacking(purpose, _found).values()))
    if not packages:
        return
    with cache.locked("apt"), progress.step(f"installing {', '.join(packages)} (once)"):
        log = cache.root() / "log" / "apt.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with log.open("w", encoding="utf-8") as out:
            for command in (["apt-get", "update", "--quiet"], install):
                done = subprocess.run(command, stdout=out, stderr=out, env=environment)
                if done.returncode != 0:
                    raise part_failed(" ".join(command[:2]), f"ended with {done.returncode}", log)
    if still := lacking(purpose, _found):
        raise BedError(f"apt-get installed {', '.join(packages)}, but {', '.join(sorted(still))} is not there.")
