"""Certificate authorities and the leaves that they sign: pure functions of keys and of the time that is given.

An `Authority` signs. `Authorities` is what the Secret holds: the one that signs, the one that will, and the one that
did. A rotation never leaves a gap, because each step waits for what makes the next one safe:

    current                       two thirds of its life pass, or somebody asks
    current + upcoming            upcoming is published; both configurations carry it, and API servers have seen it
    upcoming signs, retired       leaves signed by retired are still in use
    current                       the last of these has expired
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from nginx_webhooks.certificates.pem import UNREADABLE, certificates

CA_LIFE: Final = timedelta(days=365)
LEAF_LIFE: Final = timedelta(days=7)
#: How long a retired CA stays trusted: the life of its last leaf, which a lagging replica may sign a bit later.
OVERLAP: Final = LEAF_LIFE + timedelta(hours=1)
#: Certificates start this long ago: the clocks of replicas and API servers may differ by as much.
BACKDATE: Final = timedelta(hours=1)
#: Retired authorities that are trusted at once. Rotations more often than weekly make it two; a bundle stays small.
RETIRED_LIMIT: Final = 4


class RotationError(ValueError):
    """No rotation can begin now; the text says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Leaf:
    """A server certificate with its key, as PEM."""

    certificate: x509.Certificate
    certificate_pem: bytes
    key_pem: bytes


@dataclass(frozen=True, slots=True)
class Retired:
    """A CA that signs no more. Its key is gone.

    Attributes:
        certificate: the CA's.
        until: when the last leaf that it signed has expired.
    """

    certificate: x509.Certificate
    until: datetime


@dataclass(frozen=True, slots=True)
class Authorities:
    """Everything that is kept between rotations.

    Attributes:
        current: signs the leaves.
        upcoming: published, but signs nothing yet.
        retired: signed leaves that may still be in use, the latest first.
    """

    current: Authority
    upcoming: Authority | None = None
    retired: tuple[Retired, ...] = ()

    @property
    def authorities(self) -> tuple[Authority, ...]:
        """Those that sign, now or soon."""
        return (self.current,) if self.upcoming is None else (self.current, self.upcoming)

    @property
    def trusted(self) -> tuple[x509.Certificate, ...]:
        """What a client must trust, each once, the signing one first."""
        signing = (found.certificate for found in self.authorities)
        return tuple(dict.fromkeys((*signing, *(found.certificate for found in self.retired))))

    @property
    def bundle(self) -> bytes:
        """`trusted` as PEM: the caBundle."""
        return pem(self.trusted)


def pem(found: Sequence[x509.Certificate]) -> bytes:
    """Certificates as one PEM text."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in found)


def key_pem(key: PrivateKeyTypes) -> bytes:
    """An unencrypted PKCS #8 key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def server_names(service: str, namespace: str) -> tuple[str, ...]:
    """The DNS names of a Service. The API server asks for the first one."""
    return f"{service}.{namespace}.svc", f"{service}.{namespace}", f"{service}.{namespace}.svc.cluster.local"


def create(now: datetime, *, life: timedelta = CA_LIFE) -> Authority:
    """A new CA. It may sign leaves only (path length 0)."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # A name of its own, so that verifiers which look an issuer up by name never try the wrong key.
    name = _name(f"nginx-operator-webhooks CA {serial:040x}"[:64])
    certificate = (
        _builder(name, name, key.public_key(), serial, now, now + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def issue(authority: Authority, names: Sequence[str], now: datetime, *, life: timedelta = LEAF_LIFE) -> Leaf:
    """A new leaf for these DNS names. It does not outlive its CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + life, authority.certificate.not_valid_after_utc)
    issuer = authority.certificate
    certificate = (
        _builder(issuer.subject, _name("nginx-webhooks"), key.public_key(), x509.random_serial_number(), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Leaf(certificate, pem([certificate]), key_pem(key))


def renew_at(certificate: x509.Certificate) -> datetime:
    """When a certificate is due for renewal: after two thirds of its life."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) * 2 / 3


def valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether `now` is within the certificate's dates."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def verifies(bundle: bytes, leaf: x509.Certificate, name: str, now: datetime) -> bool:
    """Whether a client that trusts `bundle` (PEM) accepts `leaf` for the DNS name, as the API server will ask."""
    try:
        roots = certificates(bundle)
        verifier = PolicyBuilder().store(Store(roots)).time(now).build_server_verifier(x509.DNSName(name))
        verifier.verify(leaf, [])
    except (*UNREADABLE, VerificationError):
        return False
    return True


def can_sign(candidate: Authority) -> bool:
    """Whether clients that trust this CA accept what it signs, dates aside: shown by a leaf of its own."""
    start, end = candidate.certificate.not_valid_before_utc, candidate.certificate.not_valid_after_utc
    halfway = start + (end - start) / 2
    try:
        leaf = issue(candidate, ("webhooks.example",), halfway)
    except UNREADABLE:  # or dates that leave no room for a leaf
        return False
    return verifies(pem([candidate.certificate]), leaf.certificate, "webhooks.example", halfway)


def begun(kept: Authorities, now: datetime) -> Authorities:
    """With a new authority to be published: the first step of a rotation.

    Raises:
        RotationError: one is under way, or there have been too many of late.
    """
    if kept.upcoming is not None:
        raise RotationError("a rotation is under way already")
    if len(kept.retired) >= RETIRED_LIMIT:
        free = min(found.until for found in kept.retired)
        raise RotationError(
            f"{len(kept.retired)} earlier authorities are still trusted, because certificates that they signed may be "
            f"in use; the next rotation can begin after {free.isoformat(timespec='seconds')}"
        )
    return replace(kept, upcoming=create(now))


def rotated(kept: Authorities | None, now: datetime, *, published: bool) -> tuple[Authorities, str]:
    """The authorities after the next step of a rotation, and that step in a word; an empty word if none is due.

    Args:
        kept: as they are; None when there are none yet, or none usable.
        now: the time.
        published: whether every API server had the time to see the whole bundle of `kept`.
    """
    if kept is None or not any(valid(authority.certificate, now) for authority in kept.authorities):
        return Authorities(create(now)), "created"
    in_use = tuple(found for found in kept.retired if now < found.until)
    if in_use != kept.retired:
        return replace(kept, retired=in_use), "dropped"
    if kept.upcoming is not None:
        return _promoted(kept, kept.upcoming, now, published=published)
    if now >= renew_at(kept.current.certificate):
        return replace(kept, upcoming=create(now)), "published"
    return kept, ""


def _promoted(kept: Authorities, upcoming: Authority, now: datetime, *, published: bool) -> tuple[Authorities, str]:
    """With the upcoming authority in office, if it is time."""
    if now >= upcoming.certificate.not_valid_after_utc:
        return replace(kept, upcoming=create(now)), "published"
    ready = published and valid(upcoming.certificate, now)
    if ready or not valid(kept.current.certificate, now):
        # Where a backup brought the one back that signed before, it is among the retired already.
        before = (found for found in kept.retired if found.certificate != kept.current.certificate)
        return Authorities(upcoming, None, (Retired(kept.current.certificate, now + OVERLAP), *before)), "promoted"
    return kept, ""


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey, serial: int, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before((now - BACKDATE).astimezone(UTC))
        .not_valid_after(end.astimezone(UTC))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
