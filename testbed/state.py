"""The shape of a bed, and whether it is complete: a file in its folder, read by every later command."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from testbed.debian import Level
from testbed.layout import beds
from testbed.network import Families


@dataclass(frozen=True)
class State:
    """The state of a bed.

    Attributes:
        level: `control-plane` or `node`.
        kwok_nodes: number of fake nodes.
        port: the loopback port of the machine that leads to its API server.
        programs: fingerprint of the programs that it runs.
        families: the IP families of its network.
        complete: whether it came up; False while it does, and after a failure.
    """

    level: Level
    kwok_nodes: int
    port: int
    programs: str
    families: Families = "IPv4"
    complete: bool = False

    def completed(self) -> State:
        """Return the state of the same bed, now up."""
        return replace(self, complete=True)

    def same_shape(self, other: State) -> bool:
        """Return whether the other is the same kind of bed."""
        return (self.level, self.kwok_nodes, self.families) == (other.level, other.kwok_nodes, other.families)

    def save(self, file: Path) -> None:
        """Write it to `file`, at once or not at all."""
        unfinished = file.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(self)), encoding="utf-8")
        unfinished.rename(file)

    @staticmethod
    def load(file: Path) -> State | None:
        """Read it; None when there is none, or one of another version of this package."""
        try:
            return State(**json.loads(file.read_text(encoding="utf-8")))
        except (FileNotFoundError, TypeError, ValueError):
            return None


def names() -> list[str]:
    """Return the names of all beds that are up, half up, or broken."""
    folder = beds()
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
