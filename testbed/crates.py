"""Sources from crates.io: cargo, its ordinary client, fetches what a Cargo.lock pins, and compiles nothing.

cargo is the machine's. Where there is none, or an old one, Debian's package cargo-web brings it: unpacked only, since
an install would put another cargo on the machine's PATH.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import cache
from testbed.errors import BedError
from testbed.progress import Progress

CRATES = Path(__file__).parent / "cargo"
MINIMUM = (1, 85)
"""The first cargo that reads the manifests of edition 2024, which some of a crate's dependencies have."""
PACKAGE = "cargo-web"
NOT_TO_FETCH = ("rustc-web", "binutils", "gcc")
"""What cargo-web depends on to compile."""


@dataclass(frozen=True)
class Crate:
    """A crate as a Cargo.lock pins it.

    Attributes:
        version: such as `1.28.5+1.28.3`; what follows the plus sign is the version of what the crate carries.
        checksum: SHA-256 of the crate's archive.
    """

    name: str
    version: str
    checksum: str


def pinned(lock: str, name: str) -> Crate:
    """Return the crate of that name from the text of a Cargo.lock."""
    for package in tomllib.loads(lock)["package"]:
        if package["name"] == name:
            return Crate(name, package["version"], package["checksum"])
    raise BedError(f"Cargo.lock does not pin the crate {name}")


def unpack(crate: Crate, folder: Path, target: Path, progress: Progress) -> Path:
    """Fetch what the Cargo.lock in `folder` pins, below `target`, and return the folder of the crate's files.

    Raises:
        BedError: there is no cargo, it failed, or the crate is another than the pinned one.
    """
    program, environment = find_cargo(progress)
    command = [program, "vendor", "--quiet", "--locked", "--versioned-dirs", str(target)]
    _run(command, folder, environment)
    found = target / f"{crate.name}-{crate.version}"
    checksum = json.loads((found / ".cargo-checksum.json").read_text(encoding="utf-8")).get("package")
    if checksum != crate.checksum:
        raise BedError(f"cargo brought {crate.name} with the checksum {checksum}; Cargo.lock pins {crate.checksum}")
    return found


def parse_version(text: str) -> tuple[int, int] | None:
    """Return (major, minor) from the output of `cargo --version`, or None when it is something else."""
    found = re.match(r"cargo (\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def find_cargo(progress: Progress) -> tuple[str, Mapping[str, str]]:
    """Return a cargo that is new enough, and the environment that it runs in.

    Raises:
        BedError: none is to be had.
    """
    own = shutil.which("cargo")
    if own and _usable(own, os.environ):
        return own, os.environ
    if not all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        version = ".".join(map(str, MINIMUM))
        raise BedError(f"cargo {version} or newer is not on this machine, nor apt-get to bring it as {PACKAGE}.")
    folder = cache.made(cache.root() / "cargo", lambda target: _unpack_cargo(target, progress))
    program = str(folder / "usr/bin/cargo")
    libraries = ":".join(sorted({str(file.parent) for file in folder.glob("usr/lib/**/*.so.*")}))
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    if not _usable(program, environment):
        raise BedError(f"Debian's package {PACKAGE} brought no cargo {'.'.join(map(str, MINIMUM))} that runs here.")
    return program, environment


def _usable(program: str, environment: Mapping[str, str]) -> bool:
    try:
        done = subprocess.run([program, "--version"], env=environment, capture_output=True, text=True)
    except OSError:
        return False
    return (parse_version(done.stdout) or (0, 0)) >= MINIMUM


def needs(depends: str) -> list[str]:
    """Return the packages that a package's field Depends names: the first of each choice, without versions."""
    names = (re.split(r"[ (|:]", choice.strip(), maxsplit=1)[0] for choice in depends.split(","))
    return [name for name in names if name and name not in NOT_TO_FETCH]


def _unpack_cargo(target: Path, progress: Progress) -> None:
    """Unpack cargo-web, and the libraries that it needs and the machine lacks."""
    with cache.locked("apt"), progress.step(f"unpacking {PACKAGE} (once)"):
        _run(["apt-get", "update", "--quiet"], target)
        wanted, seen = [PACKAGE], set()
        while wanted:
            package = wanted.pop()
            seen.add(package)
            _run(["apt-get", "download", "--quiet", package], target)
            (archive,) = target.glob("*.deb")
            depends = _run(["dpkg-deb", "--field", str(archive), "Depends"], target)
            _run(["dpkg-deb", "--extract", str(archive), "."], target)
            archive.unlink()
            wanted += [name for name in needs(depends) if name not in seen and not _installed(name)]


def _installed(package: str) -> bool:
    done = subprocess.run(["dpkg-query", "--show", "--showformat=${Status}", package], capture_output=True, text=True)
    return done.stdout.endswith(" installed")


def _run(command: list[str], folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise BedError(f"{' '.join(command[:2])} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")
    return done.stdout
