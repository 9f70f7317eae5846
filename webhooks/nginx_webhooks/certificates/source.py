"""Where the served certificate comes from, as the keeper sees it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nginx_webhooks.certificates.ca_injector import Wanted
from nginx_webhooks.certificates.watched_object import ObjectWatch


@dataclass(frozen=True, slots=True)
class Provision:
    """What a source has come to.

    Attributes:
        wanted: the caBundles that go with what is served; None when somebody else writes them.
        complaint: what people should know although all goes on, for instance a certificate that is refused.
        pending: whether time alone will bring the next step soon.
    """

    wanted: Wanted | None
    complaint: str = ""
    pending: bool = False


class Source(Protocol):
    """A Secret, and the certificate that comes of it."""

    watch: ObjectWatch

    async def provide(self, now: datetime) -> Provision:
        """Does what is due at this moment, and sees to it that the right certificate is served.

        Raises:
            WaitingError: something is missing.
            ApiError: the API server refused, or is away.
        """

    async def confirm(self) -> bool:
        """Whether the Secret is still as `provide` saw it."""

    def refusal(self, bundle: bytes, now: datetime) -> str:
        """Why a client that trusts `bundle` (PEM) would refuse what is served; empty when it would not."""
