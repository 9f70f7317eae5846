"""Which clients may ask, by the certificate that they show. TLS has verified it before; here it is about its names."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

log = logging.getLogger(__name__)

#: Why a client may not ask, given its certificate as `ssl.SSLObject.getpeercert` shapes it; empty when it may.
Check = Callable[[Mapping[str, Any] | None], str]


def anybody(_certificate: Mapping[str, Any] | None) -> str:
    """Lets everybody in."""
    return ""


def named(allowed: Collection[str], refused: Callable[[], object] = lambda: None) -> Check:
    """Lets in who has one of these for a common name or a subject alternative name, letter for letter.

    Args:
        allowed: the names.
        refused: called for each client that is not let in. It is logged, too: the client only sees its connection end.
    """

    def check(certificate: Mapping[str, Any] | None) -> str:
        found = list(_names(certificate or {}))
        if not set(allowed).isdisjoint(found):
            return ""
        why = f"its certificate is for {', '.join(found) or 'nobody'}, and the allowed names are {', '.join(allowed)}"
        log.warning("refused a client: %s", why)
        refused()
        return why

    return check


def _names(certificate: Mapping[str, Any]) -> Iterator[str]:
    for part in certificate.get("subject", ()):
        yield from (value for kind, value in part if kind == "commonName")
    for _, value in certificate.get("subjectAltName", ()):
        if isinstance(value, str):
            yield value
