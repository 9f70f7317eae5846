"""Which clients may ask, by the certificate that they show. TLS has verified it before; here it is about its names."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

#: Why a client may not ask, given its certificate as `ssl.SSLSocket.getpeercert` shapes it; empty when it may.
Check = Callable[[Mapping[str, Any] | None], str]


def anybody(_certificate: Mapping[str, Any] | None) -> str:
    """Lets everybody in."""
    return ""


def named(allowed: Collection[str]) -> Check:
    """Lets in who has one of these for a common name or a subject alternative name, letter for letter."""

    def check(certificate: Mapping[str, Any] | None) -> str:
        found = list(_names(certificate or {}))
        if not set(allowed).isdisjoint(found):
            return ""
        return f"the client certificate is for {', '.join(found) or 'nobody'}, which is not among the allowed names"

    return check


def _names(certificate: Mapping[str, Any]) -> Iterator[str]:
    for part in certificate.get("subject", ()):
        yield from (value for kind, value in part if kind == "commonName")
    for _, value in certificate.get("subjectAltName", ()):
        if isinstance(value, str):
            yield value
