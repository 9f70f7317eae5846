"""Command line and environment, as one frozen value."""

import argparse
import ipaddress
import math
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nginx_operator import logs
from nginx_operator.logs import LogFormat
from nginx_operator.serving.listening import Address, bind_address


@dataclass(frozen=True, slots=True)
class Settings:
    """The flags and the environment of `nginx-operator run`.

    Attributes:
        namespaces: the namespaces to watch; empty means all.
        leader_election: whether to reconcile only while holding the Lease.
        lease_name, lease_namespace: the Lease; namespace None means our own.
        lease_duration: seconds without a renewal after which another process may take the Lease; client-go's default.
        identity: the name of this process in the Lease, unique to it.
        metrics_bind: address of /healthz, /readyz and /metrics; None means none.
        policy_file: the administrator's policy; None means the built-in one.
        release: the Helm release whose policy it is, as namespace/name; empty if it is the cluster's only one.
        admission_probe: whether to be ready only when admission works.
        probe_namespace: where the probe's dry-run creates go; None means our own.
        log_format: "plain" or "json".
        log_level: "debug", "info", "warning" or "error".
        workers: how many reconciles run at the same time.
        pod_ip_families: the IP families that pods have, by our own addresses.
        resync_period: seconds in which every Nginx is reconciled once, for events that a watch may have missed.
    """

    namespaces: tuple[str, ...] = ()
    leader_election: bool = True
    lease_name: str = "nginx-operator"
    lease_namespace: str | None = None
    lease_duration: int = 15
    identity: str = "nginx-operator"
    metrics_bind: Address | None = None
    policy_file: Path | None = None
    release: str = ""
    admission_probe: bool = False
    probe_namespace: str | None = None
    log_format: LogFormat = "plain"
    log_level: str = "info"
    workers: int = 24
    resync_period: float = 600.0
    pod_ip_families: tuple[str, ...] = ("IPv4", "IPv6")


_DEFAULTS: Final = Settings()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `nginx-operator run`."""
    parser.add_argument(
        "--namespace",
        action="append",
        default=[],
        metavar="NS",
        dest="namespaces",
        help="reconcile the Nginx of this namespace only; may be given several times (default: all namespaces)",
    )
    parser.add_argument(
        "--no-leader-election",
        action="store_false",
        dest="leader_election",
        help="work at once, without holding a Lease; only where one process runs",
    )
    parser.add_argument(
        "--lease-name", default=_DEFAULTS.lease_name, metavar="NAME", help="the Lease (default: %(default)s)"
    )
    parser.add_argument("--lease-namespace", metavar="NS", help="namespace of the Lease (default: our own)")
    parser.add_argument(
        "--lease-duration",
        type=_lease_duration,
        default=_DEFAULTS.lease_duration,
        metavar="SECONDS",
        help="a process that has not renewed the Lease for so long is taken for dead; it ends itself at two thirds "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--metrics-bind",
        type=bind_address,
        metavar="HOST:PORT",
        help="serve /healthz, /readyz and /metrics there, in plain HTTP, for instance :8080 (default: do not)",
    )
    parser.add_argument(
        "--policy-file",
        type=Path,
        metavar="FILE",
        help="YAML with defaultCount, minCount, maxCount, defaultImage, fixedIDs, namespaces, classes; read again on a "
        "change",
    )
    parser.add_argument(
        "--release",
        default="",
        metavar="NS/NAME",
        help="the Helm release that a message names as the policy's, where there are several (default: the cluster)",
    )
    parser.add_argument(
        "--admission-probe",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="be ready only once a dry-run create was defaulted and an invalid one refused by the webhooks",
    )
    parser.add_argument(
        "--admission-probe-namespace", metavar="NS", dest="probe_namespace", help="where to try (default: our own)"
    )
    parser.add_argument(
        "--workers", type=int, default=_DEFAULTS.workers, metavar="N", help="reconciles at once (default: %(default)s)"
    )
    parser.add_argument(
        "--resync-period",
        type=_resync_period,
        default=_DEFAULTS.resync_period,
        metavar="SECONDS",
        help="reconcile every Nginx once in so long, although nothing was heard of it (default: %(default).0f)",
    )
    logs.add_arguments(parser)


def from_arguments(arguments: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of parsed flags; POD_NAME, POD_NAMESPACE and POD_IPS come from the downward API."""
    values = {name: value for name, value in vars(arguments).items() if name in Settings.__dataclass_fields__}
    values["namespaces"] = tuple(dict.fromkeys(arguments.namespaces))
    own = environ.get("POD_NAMESPACE") or None
    values["lease_namespace"] = arguments.lease_namespace or own
    values["probe_namespace"] = arguments.probe_namespace or own
    values["identity"] = environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"
    values["pod_ip_families"] = _families(environ.get("POD_IPS", "")) or _DEFAULTS.pod_ip_families
    return Settings(**values)


def _families(addresses: str) -> tuple[str, ...]:
    """The IP families of addresses that are joined by commas, as status.podIPs has them: those that pods have.

    nginx must not listen on another one: a node whose kernel has no IPv6 refuses the socket, and nginx ends.
    """
    found = (f"IPv{ipaddress.ip_address(each.strip()).version}" for each in addresses.split(",") if each.strip())
    return tuple(sorted(set(found)))


def _lease_duration(text: str) -> int:
    seconds = int(text)
    if not 3 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be from 3 to 3600 seconds")
    return seconds


def _resync_period(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds < math.inf:
        raise argparse.ArgumentTypeError("must be 1 second or more")
    return seconds
