"""Which clients may connect, by the names in their certificate, which TLS has verified before."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

log = logging.getLogger(__name__)

#: Why a client is refused, given its certificate as `ssl.SSLObject.getpeercert` shapes it; empty when it is allowed.
ClientVerifier = Callable[[Mapping[str, Any] | None], str]


def allow_any(_certificate: Mapping[str, Any] | None) -> str:
    """Allows every client."""
    return ""


def allow_names(names: Collection[str], on_refusal: Callable[[], object] = lambda: None) -> ClientVerifier:
    """Allows clients with one of these for a common name or a subject alternative name, letter for letter.

    Args:
        names: the allowed names.
        on_refusal: called for each refused client. It is logged, too: the client only sees its connection end.
    """

    def verify(certificate: Mapping[str, Any] | None) -> str:
        shown = list(_names(certificate or {}))
        if not set(names).isdisjoint(shown):
            return ""
        why = f"its certificate is for {', '.join(shown) or 'nobody'}, and the allowed names are {', '.join(names)}"
        log.warning("refused a client: %s", why)
        on_refusal()
        return why

    return verify


def _names(certificate: Mapping[str, Any]) -> Iterator[str]:
    for part in certificate.get("subject", ()):
        yield from (value for kind, value in part if kind == "commonName")
    for _, value in certificate.get("subjectAltName", ()):
        if isinstance(value, str):
            yield value
