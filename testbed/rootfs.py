"""Root file systems from Debian packages: base images where none can be pulled."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from testbed import cache, updates
from testbed.archives import ARCHITECTURES
from testbed.errors import part_failed
from testbed.progress import Step

SUITE = "bookworm"
EPOCH = 1_686_355_200
"""The day of the suite's release: no file is younger, so that a file system depends on its packages alone."""
TRIMMED = (
    "etc/apt/sources.list",
    "etc/hostname",
    "etc/machine-id",
    "etc/resolv.conf",
    "usr/share/i18n",
    "usr/share/info/*",
    "usr/share/lintian",
    "usr/share/locale/*",
    "usr/share/man/*",
    "var/cache/apt/*",
    "var/cache/debconf/*-old",
    "var/cache/ldconfig/*",
    "var/lib/apt/lists/*",
    "var/lib/dpkg/*-old",
    "var/log/*",
)
"""What a container has no use for: most of the size, and what would differ from one run, or machine, to the next."""
KEPT_DOCUMENTS = ("copyright",)
"""Of each package's documents; its licence may ask that they come with it."""
SHAPE = cache.key(SUITE, "security", str(EPOCH), *TRIMMED, *KEPT_DOCUMENTS)
"""Changes when the same packages would become another file system."""


def architecture() -> str:
    """Return the machine's architecture in the words of Debian and of images."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def pick_mirror(targets: str, suite: str = SUITE) -> str | None:
    """Return the mirror that the machine's apt uses for the suite.

    `targets` has a line `URI CODENAME` for each index; None leaves the choice to whoever asks the mirror.
    """
    lines = (line.split() for line in targets.splitlines())
    return next((fields[0] for fields in lines if len(fields) == 2 and fields[1] == suite), None)


def _targets() -> str:
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def make(target: Path, packages: Sequence[str], step: Step) -> None:
    """Fill the folder `target` with a minimal Debian that has these packages, and all security updates.

    debootstrap mounts /proc and /sys there: in a mount namespace of its own, so that not even a run that
    is killed leaves them behind.

    Raises:
        BedError: debootstrap failed, or the security updates.
    """
    downloads = cache.root() / "debian"
    log = cache.root() / "log" / "debootstrap.log"
    for folder in (downloads, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    # Without the flag, a machine that lacks Debian's keys (one of Ubuntu, say) takes what a mirror hands out on trust.
    command = ["debootstrap", "--force-check-gpg", "--variant=minbase", f"--include={','.join(packages)}"]
    command += [f"--cache-dir={downloads}", SUITE, str(target)]
    targets = _targets()
    if mirror := pick_mirror(targets):
        command.append(mirror)
    isolated = ["unshare", "--mount", "--", *command]
    # For what packages write as they are installed: the days in /etc/shadow, the order in Python's bytecode.
    environment = {"SOURCE_DATE_EPOCH": str(EPOCH), "PYTHONHASHSEED": "0"}
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(
            isolated, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            out.write(line)
            out.flush()
            step.tell(line.strip().removeprefix("I: ")[:60])
    if process.returncode != 0:
        raise part_failed("debootstrap", f"ended with {process.returncode}", log)
    step.tell("security updates")
    updates.apply(target, SUITE, pick_mirror(targets, f"{SUITE}-security"), environment)
    trim(target)


def trim(target: Path) -> None:
    """Delete what a container has no use for."""
    for pattern in TRIMMED:
        for path in target.glob(pattern):
            _delete(path)
    for package in (target / "usr/share/doc").glob("*"):
        if package.is_dir() and not package.is_symlink():
            for path in package.iterdir():
                if path.name not in KEPT_DOCUMENTS:
                    _delete(path)
    # A package's own log folder has to stay: some programs do not start without theirs.
    for owner in ("nginx", "apt"):
        if (target / "etc" / owner).is_dir():
            (target / "var/log" / owner).mkdir(exist_ok=True)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def pack(folder: Path, layer: Path) -> None:
    """Write the folder as a layer, with the owners, hard links and devices that it has, and no time after `EPOCH`."""
    command = ["tar", "--create", f"--file={layer}", f"--directory={folder}"]
    order = ["--sort=name", "--numeric-owner", f"--mtime=@{EPOCH}", "--clamp-mtime"]
    subprocess.run([*command, *order, "."], check=True, capture_output=True)
