"""Root file systems made from Debian packages: what other images start from, where no image can be pulled."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.testbed import cache
from tests.testbed.archives import ARCHITECTURES
from tests.testbed.errors import part_failed
from tests.testbed.progress import Step

SUITE = "bookworm"
TRIMMED = (
    "etc/machine-id",
    "usr/share/doc/*",
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
"""What a container has no use for: most of the size, and what would differ from one run to the next."""


def architecture() -> str:
    """Return the machine's architecture in the words of Debian and of images."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def pick_mirror(targets: str) -> str | None:
    """Return the mirror that the machine's apt uses for the suite.

    `targets` has a line `URI CODENAME` for each index; None leaves the choice to debootstrap.
    """
    lines = (line.split() for line in targets.splitlines())
    return next((fields[0] for fields in lines if len(fields) == 2 and fields[1] == SUITE), None)


def _mirror() -> str | None:
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"]
    try:
        return pick_mirror(subprocess.run(query, capture_output=True, text=True, check=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return None


def make(target: Path, packages: Sequence[str], step: Step) -> None:
    """Fill the folder `target` with a minimal Debian that has these packages.

    debootstrap mounts /proc and /sys there: in a mount namespace of its own, so that not even a run that
    is killed leaves them behind.

    Raises:
        BedError: debootstrap failed.
    """
    downloads = cache.root() / "debian"
    log = cache.root() / "log" / "debootstrap.log"
    for folder in (downloads, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}"]
    command += [f"--cache-dir={downloads}", SUITE, str(target)]
    if mirror := _mirror():
        command.append(mirror)
    isolated = ["unshare", "--mount", "--", *command]
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(isolated, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            out.write(line)
            out.flush()
            step.tell(line.strip().removeprefix("I: ")[:60])
    if process.returncode != 0:
        raise part_failed("debootstrap", f"ended with {process.returncode}", log)
    trim(target)


def trim(target: Path) -> None:
    """Delete what a container has no use for."""
    for pattern in TRIMMED:
        for path in target.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    # A package's own log folder has to stay: some programs do not start without theirs.
    for owner in ("nginx", "apt"):
        if (target / "etc" / owner).is_dir():
            (target / "var/log" / owner).mkdir(exist_ok=True)


def pack(folder: Path, layer: Path) -> None:
    """Write the folder as a layer, with the owners, hard links and devices that it has."""
    command = ["tar", "--create", f"--file={layer}", f"--directory={folder}"]
    subprocess.run([*command, "--sort=name", "--numeric-owner", "."], check=True, capture_output=True)
