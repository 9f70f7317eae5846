"""The programs that are compared. Each does the same job with the same rights."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testbed import Progress
from testbed.dockerfile import instructions
from testbed.gobuild import GoModule, programs

PEERS: Final = Path(__file__).parent / "peers"
DOCKERFILE: Final = Path(__file__).parents[1] / "Dockerfile"
CONTROLLER_RUNTIME: Final = GoModule("controller_runtime", "sigs.k8s.io/controller-runtime", {"peer": "."}, home=PEERS)


@dataclass(frozen=True)
class Contender:
    """A program.

    Attributes:
        title: in tables.
        most: the largest number of Nginx that it is asked to look after; None means any.
        command: makes it ready and returns its command line.
    """

    title: str
    command: Callable[[Progress], Sequence[str]]
    most: int | None = None


def _ours(_progress: Progress) -> Sequence[str]:
    program = (sys.executable, str(PEERS / "pod.py"), "run", "--no-leader-election", "--log-level", "warning")
    return ("/usr/bin/env", *_tunables(), *program)


def _tunables() -> list[str]:
    """What the image sets of glibc, as NAME=VALUE."""
    words = (shlex.split(rest) for word, rest in instructions(DOCKERFILE.read_text()) if word == "ENV")
    return [word for line in words for word in line if word.startswith("GLIBC_TUNABLES=")]


def _go(progress: Progress) -> Sequence[str]:
    return (str(programs(CONTROLLER_RUNTIME, progress) / "peer"),)


def _script(name: str) -> Callable[[Progress], Sequence[str]]:
    return lambda _progress: (sys.executable, str(PEERS / name))


CONTENDERS: Final = {
    "ours": Contender("nginx-operator", _ours),
    "go": Contender("controller-runtime", _go),
    "floor": Contender("floor (bare script)", _script("floor.py")),
    "tutorial": Contender("kopf, as in its tutorial", _script("kopf_tutorial.py"), most=200),
}
