"""The rotation of the CA, as pure functions of the time and of what the Secret holds.

It never leaves a gap, because each step waits for what makes the next one safe:

    issuing                   two thirds of its lifetime pass, or somebody asks for a rotation
    issuing + next            "published": both configurations trust both, and the API servers have seen it
    issuing + retired         "promoted": the next CA issues; leaf certificates of the retired one are still in use
    issuing                   "dropped": the last of these has expired
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.authority import CertificateAuthority
from nginx_webhooks.certificates.pem import encode_certificates
from nginx_webhooks.certificates.validation import renewal_time, within_validity

#: How long a retired CA stays trusted: the lifetime of its last leaf, which a lagging replica may sign a bit later.
OVERLAP: Final = authority.LEAF_LIFETIME + timedelta(hours=1)
#: Retired CAs that are trusted at once. Rotations more often than weekly make it two; a bundle stays small.
MAX_RETIRED: Final = 4


class RotationError(ValueError):
    """No rotation can begin now; the text says why."""


@dataclass(frozen=True, slots=True)
class RetiredCa:
    """A CA that signs no more. Its key is gone.

    Attributes:
        trusted_until: when the last leaf certificate that it signed has expired.
    """

    certificate: x509.Certificate
    trusted_until: datetime


@dataclass(frozen=True, slots=True)
class CaSet:
    """The CAs that the Secret holds.

    Attributes:
        issuing: signs the leaf certificates.
        next: trusted, but signs nothing yet; None unless a rotation is under way.
        retired: signed leaf certificates that may still be in use, the latest first.
    """

    issuing: CertificateAuthority
    next: CertificateAuthority | None = None
    retired: tuple[RetiredCa, ...] = ()

    @property
    def with_keys(self) -> tuple[CertificateAuthority, ...]:
        """The CAs that sign, now or soon."""
        return (self.issuing,) if self.next is None else (self.issuing, self.next)

    @property
    def trust_anchors(self) -> tuple[x509.Certificate, ...]:
        """The CA certificates that a client must trust, each once, the issuing one first."""
        certificates = [ca.certificate for ca in self.with_keys] + [ca.certificate for ca in self.retired]
        return tuple(dict.fromkeys(certificates))

    @property
    def ca_bundle(self) -> bytes:
        """The trust anchors as PEM."""
        return encode_certificates(self.trust_anchors)


def begin(cas: CaSet, now: datetime) -> CaSet:
    """The CAs with a next one beside them: the first step of a rotation.

    Raises:
        RotationError: one is under way, or there have been too many of late.
    """
    if cas.next is not None:
        raise RotationError("a rotation is under way already")
    if len(cas.retired) >= MAX_RETIRED:
        allowed_after = min(ca.trusted_until for ca in cas.retired)
        raise RotationError(
            f"{len(cas.retired)} earlier authorities are still trusted, because certificates that they signed may be "
            f"in use; the next rotation can begin after {allowed_after.isoformat(timespec='seconds')}"
        )
    return replace(cas, next=authority.create(now))


def advance(cas: CaSet | None, now: datetime, *, propagated: bool) -> tuple[CaSet, str]:
    """The CAs after the step that is due, and what it did: a value of the label `change`, empty if none is due.

    Args:
        cas: as they are; None while there are none, or none usable.
        now: the time.
        propagated: whether every API server had the time to see the whole CA bundle of `cas`.
    """
    if cas is None or not any(within_validity(ca.certificate, now) for ca in cas.with_keys):
        return CaSet(authority.create(now)), "created"
    still_trusted = tuple(ca for ca in cas.retired if now < ca.trusted_until)
    if still_trusted != cas.retired:
        return replace(cas, retired=still_trusted), "dropped"
    if cas.next is not None:
        return _promote(cas, cas.next, now, propagated=propagated)
    if now >= renewal_time(cas.issuing.certificate):
        return replace(cas, next=authority.create(now)), "published"
    return cas, ""


def _promote(cas: CaSet, successor: CertificateAuthority, now: datetime, *, propagated: bool) -> tuple[CaSet, str]:
    """Lets the successor issue, if it is time."""
    if now >= successor.certificate.not_valid_after_utc:
        return replace(cas, next=authority.create(now)), "published"
    ready = propagated and within_validity(successor.certificate, now)
    if ready or not within_validity(cas.issuing.certificate, now):
        # Where a backup brought back the one that issued before, it is among the retired already.
        earlier = (ca for ca in cas.retired if ca.certificate != cas.issuing.certificate)
        return CaSet(successor, None, (RetiredCa(cas.issuing.certificate, now + OVERLAP), *earlier)), "promoted"
    return cas, ""
