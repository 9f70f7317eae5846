"""Where the serving certificate comes from, as the certificate controller sees it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nginx_webhooks.certificates.ca_injector import TrustBundle
from nginx_webhooks.certificates.watched_object import ObjectWatch


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What a reconcile of a source has come to.

    Attributes:
        bundle: what the caBundles must hold for the serving certificate; None when somebody else writes them.
        warning: what people should know although all goes on, for instance that a certificate is refused.
        progressing: whether time alone will bring the next step soon.
    """

    bundle: TrustBundle | None
    warning: str = ""
    progressing: bool = False


class CertificateSource(Protocol):
    """A Secret, and the serving certificate that comes of it."""

    watch: ObjectWatch

    @property
    def has_certificate(self) -> bool:
        """Whether there is a serving certificate."""

    async def reconcile(self, now: datetime) -> SourceStatus:
        """Does what is due at this moment, and sees to it that the right certificate is served.

        Raises:
            RequeueError: something is missing.
            ApiError: the API server refused, or is away.
        """

    async def is_current(self) -> bool:
        """Whether the Secret is still as the last reconcile saw it.

        Raises:
            ApiError: it cannot be read.
        """

    def verification_error(self, ca_bundle: bytes, now: datetime) -> str:
        """Why a client that trusts `ca_bundle` (PEM) refuses the serving certificate; empty when it accepts it."""
