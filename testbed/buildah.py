"""Builds a Dockerfile with buildah: without a daemon, without a registry, and without a trace on the machine."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed import cache
from testbed.errors import part_failed
from testbed.progress import Step

CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PIP_OPTIONS = (
    "default-timeout",
    "extra-index-url",
    "index-url",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
)
"""What of the caller's pip configuration a build needs in order to reach the same package index."""


def pip_conf(listing: str, *, certificates: bool) -> str:
    """Return a pip.conf from the output of `pip config list`.

    It is mounted during the build alone: nothing of it gets into an image. `certificates` says that
    the caller's CA bundle is mounted too.
    """
    lines = ["[global]"]
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in PIP_OPTIONS:
            lines.append(f"{option} = " + "\n    ".join(str(ast.literal_eval(value)).split()))
    if certificates:
        lines.append(f"cert = {CA_BUNDLE}")
    return "\n".join(lines) + "\n"


def _pip_listing() -> str:
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def build_arguments(
    context: Path, name: str, variables: Mapping[str, str], mounts: Mapping[Path, str], timestamp: int
) -> list[str]:
    """Return the arguments of `buildah` that build the context's Dockerfile as the image `name`.

    `mounts` maps files of the machine to the places where the build sees them, read-only. `timestamp` is the time, in
    seconds, of the image and of all files of its layers.
    """
    arguments = ["bud", "--isolation=chroot", "--pull=never", "--layers", f"--timestamp={timestamp}", f"--tag={name}"]
    arguments += [f"--build-arg={key}={value}" for key, value in variables.items()]
    arguments += [f"--volume={source}:{target}:ro" for source, target in mounts.items()]
    return [*arguments, str(context)]


class Buildah:
    """buildah with a store of its own in the cache, one for each base image: its layers speed up rebuilds."""

    def __init__(self, base: Path, name: str) -> None:
        self._base = base
        self._name = name
        self._store = cache.root() / "buildah" / base.parent.name
        self._log = cache.root() / "log" / "buildah.log"

    def build(
        self, context: Path, name: str, variables: Mapping[str, str], archive: Path, step: Step, timestamp: int
    ) -> None:
        """Build the context's Dockerfile as the image `name` and write it to a docker-archive.

        Raises:
            BedError: buildah failed.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_text("", encoding="utf-8")
        with cache.locked("buildah"), tempfile.TemporaryDirectory() as scratch:
            run = Path(scratch, "run")
            if not self._has_base(run):
                step.tell("importing the base image")
                self._run(run, ["pull", "--quiet", f"docker-archive:{self._base}"], step)
            mounts = self._pip_mounts(Path(scratch, "pip.conf"))
            self._run(run, build_arguments(context, name, variables, mounts, timestamp), step)
            self._run(run, ["push", "--quiet", name, f"docker-archive:{archive}:{name}"], step)

    def _has_base(self, run: Path) -> bool:
        return (
            subprocess.run(self._command(run, ["inspect", "--type=image", self._name]), capture_output=True).returncode
            == 0
        )

    @staticmethod
    def _pip_mounts(conf: Path) -> dict[Path, str]:
        bundle = Path(os.environ.get("PIP_CERT") or CA_BUNDLE)
        conf.write_text(pip_conf(_pip_listing(), certificates=bundle.exists()), encoding="utf-8")
        mounts = {conf: "/etc/pip.conf"}
        if bundle.exists():
            mounts[bundle] = CA_BUNDLE
        return mounts

    def _command(self, run: Path, arguments: Sequence[str]) -> list[str]:
        # In a mount namespace, so that what buildah mounts goes away even when it is killed; `run` is new
        # each time, so that it never counts on mounts that have gone away.
        store = [f"--root={self._store}", f"--runroot={run}", "--storage-driver=overlay"]
        return ["unshare", "--mount", "--", "buildah", *store, *arguments]

    def _run(self, run: Path, arguments: Sequence[str], step: Step) -> None:
        with (
            self._log.open("a", encoding="utf-8") as out,
            subprocess.Popen(
                self._command(run, arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                out.write(line)
                out.flush()
                step.tell(line.strip()[:60])
        if process.returncode != 0:
            raise part_failed(f"buildah {arguments[0]}", f"ended with {process.returncode}", self._log)
