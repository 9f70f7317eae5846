"""Addresses to listen on, and their sockets."""

import argparse
import errno
import socket
from dataclasses import dataclass
from typing import Final

#: Connections that the kernel completes before the process accepts them.
_BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class Address:
    """HOST:PORT. An empty host means every address of the machine, IPv6 and IPv4; port 0 means a free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parses 127.0.0.1:8081, [::1]:8081 or :8081.

        Raises:
            ValueError: the text is no such address.
        """
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"{text!r}: put an IPv6 address in brackets, as in [::]:8081")
        if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT, as in 127.0.0.1:8081 or :8081")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def bind_address(text: str) -> Address:
    """`Address.parse` as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is not of that form.
    """
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def listen(address: Address) -> tuple[socket.socket, Address]:
    """A listening socket, and its address with the port that it got.

    Raises:
        OSError: the address is in use, or not one of this machine; `strerror` names it.
    """
    try:
        found = _open(address)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {address}: {error.strerror}") from error
    return found, Address(*found.getsockname()[:2])


def _open(address: Address) -> socket.socket:
    if address.host:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, name = found[0]
        return socket.create_server(name[:2], family=family, backlog=_BACKLOG)
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(
                ("::", address.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
            )
        except OSError as error:
            if not _no_ipv6(error):
                raise
    return socket.create_server(("0.0.0.0", address.port), backlog=_BACKLOG)  # noqa: S104 - what an empty host means


def _no_ipv6(error: OSError) -> bool:
    """True if IPv6 is disabled in the kernel (net.ipv6.conf.all.disable_ipv6)."""
    return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
