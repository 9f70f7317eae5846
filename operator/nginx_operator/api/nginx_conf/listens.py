"""Addresses and ports that servers listen on, as nginx's ngx_parse_url reads them, and which of them collide."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nginx_operator.api.nginx_conf.parser import Directive

DEFAULT_PORT = 80
"""Of a `listen` that names an address only."""
UNPRIVILEGED_DEFAULT_PORT = 8000
"""Of a server in http without `listen`, where nginx is not root."""
FIRST_UNPRIVILEGED = 1024

_ADDRESS = re.compile(r"(?:(\[[^\]]*\]|[^:\[\]]*):)?(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class Listen:
    """One `listen`.

    Attributes:
        module: "http", "stream" or "mail".
        line: where it stands.
        address: "*" for every IPv4 address, "[::]" for every IPv6 one, or an address or a name.
        first, last: its ports; the same unless it is a range.
        udp: UDP, which `udp` of stream and `quic` of http mean.
        both_families: `[::]` with ipv6only=off takes the IPv4 port too.
    """

    module: str
    line: int
    address: str
    first: int
    last: int
    udp: bool
    both_families: bool


def listen_of(directive: Directive, module: str) -> Listen | str | None:
    """Return what a `listen` means; a sentence when its port cannot be; None for a socket of the file system."""
    value = directive.args[0]
    if value.lower().startswith("unix:"):
        return None
    address, first, last = _split(value)
    if not (1 <= first <= last <= 65535):
        return f'directive "listen" has the port {value[:80]}; a port is a number from 1 to 65535'
    parameters = set(directive.args[1:])
    udp = "udp" in parameters or "quic" in parameters
    both = address == "[::]" and "ipv6only=off" in parameters
    return Listen(module, directive.line, address, first, last, udp, both)


def _split(value: str) -> tuple[str, int, int]:
    found = _ADDRESS.fullmatch(value)
    if found is None:
        return _address(value), DEFAULT_PORT, DEFAULT_PORT
    first = int(found[2][:9])
    return _address(found[1] or ""), first, int(found[3][:9]) if found[3] else first


def _address(value: str) -> str:
    if value in ("", "*", "0.0.0.0", "0"):  # noqa: S104 what is compared binds nothing
        return "*"
    return "[::]" if value.startswith("[") and not value.strip("[:0]") else value.lower()


def collisions(listens: Iterable[Listen]) -> list[tuple[Listen, Listen]]:
    """Return the pairs that cannot both be bound: of different modules, with a port and an address in common.

    `nginx -t` lets them pass, since it ignores an address in use; the start fails. The earlier line comes first. The
    work is bounded: of a text that is made to take long, not every pair is found.
    """
    found: list[tuple[Listen, Listen]] = []
    single: dict[tuple[bool, int], dict[tuple[str, str], Listen]] = {}
    ranges: list[Listen] = []
    earlier: list[Listen] = []
    for listen in sorted(listens, key=lambda listen: listen.line):
        here = single.setdefault((listen.udp, listen.first), {})
        others = [*here.values(), *ranges] if listen.first == listen.last else earlier[:_MOST_COMPARED]
        found += [(other, listen) for other in others if other.module != listen.module and _collide(other, listen)]
        if len(found) >= _MOST_FOUND:
            break
        earlier.append(listen)
        if listen.first == listen.last and len(here) < _MOST_ADDRESSES:
            here.setdefault((listen.module, listen.address), listen)
        elif listen.first != listen.last and len(ranges) < _MOST_RANGES:
            ranges.append(listen)
    return found


_MOST_COMPARED, _MOST_FOUND, _MOST_ADDRESSES, _MOST_RANGES = 32, 20, 16, 20


def _collide(one: Listen, other: Listen) -> bool:
    if one.udp != other.udp or one.first > other.last or other.first > one.last:
        return False
    if one.address == other.address or one.both_families or other.both_families:
        return True
    families = [listen.address.startswith("[") for listen in (one, other)]
    wildcard = any(listen.address in ("*", "[::]") for listen in (one, other))
    return wildcard and families[0] == families[1]
