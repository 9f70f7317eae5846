"""The paths of a bed's files; no other module knows them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from testbed import cache
from testbed.errors import BedError

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def beds() -> Path:
    """Return the folder that holds one folder for each bed."""
    return cache.root() / "beds"


@dataclass(frozen=True)
class Layout:
    """The files of the bed `name`, all below one folder."""

    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise BedError(f"A bed's name is 1 to 40 of a-z, 0-9 and '-', not {self.name!r}.")

    @property
    def root(self) -> Path:
        """The bed's folder; there is one for each bed that is up, half up, or broken."""
        return beds() / self.name

    @property
    def id(self) -> str:
        """The name of the bed's cgroups: distinct for beds of one name in two caches."""
        return f"testbed-{self.name}-{hashlib.sha256(str(self.root).encode()).hexdigest()[:6]}"

    @property
    def state(self) -> Path:
        """What the bed was asked to be, as JSON."""
        return self.root / "bed.json"

    @property
    def netns(self) -> Path:
        """The handle of the bed's network namespace."""
        return self.root / "netns"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def tokens(self) -> Path:
        """The API server's static tokens, as CSV."""
        return self.root / "tokens.csv"

    @property
    def logs(self) -> Path:
        """One log file for each part, and the audit log."""
        return self.root / "log"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log: one JSON object a line."""
        return self.logs / "audit.log"

    @property
    def etcd(self) -> Path:
        """Etcd's data."""
        return self.root / "etcd"

    @property
    def generated(self) -> Path:
        """Certificates that parts make for themselves."""
        return self.root / "generated"

    @property
    def kubelet(self) -> Path:
        """What the node sees as /var/lib/kubelet."""
        return self.root / "kubelet"

    @property
    def containerd(self) -> Path:
        """Images and the containers' file systems."""
        return self.root / "containerd"

    @property
    def cni(self) -> Path:
        """CNI network configurations."""
        return self.root / "cni"

    @property
    def sysctl(self) -> Path:
        """Copies of the machine's settings that a kubelet would otherwise change."""
        return self.root / "sysctl"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig for use outside of the bed's network namespace."""
        return self.root / "kubeconfig"

    @property
    def home(self) -> Path:
        """Caches of kubectl and Helm, kept from the user's own."""
        return self.root / "home"

    def inside_kubeconfig(self, user: str) -> Path:
        """The kubeconfig of `user` for use inside of the bed's network namespace."""
        return self.root / f"{user}.kubeconfig"

    def file(self, name: str) -> Path:
        """A configuration file of a part."""
        return self.root / name

    def log(self, part: str) -> Path:
        """The log file of a part."""
        return self.logs / f"{part}.log"

    def imported(self, key: str) -> Path:
        """An empty file that says that the archive of that key is in containerd."""
        return self.containerd / f"imported-{key}"

    def record(self, part: str) -> Path:
        """The record of the process that runs a part."""
        return self.root / "parts" / f"{part}.json"

    def folders(self) -> list[Path]:
        """The folders that parts expect to find."""
        return [
            *(self.pki, self.logs, self.etcd, self.generated, self.kubelet, self.containerd, self.cni),
            *(self.sysctl, self.home, self.record("any").parent),
        ]
