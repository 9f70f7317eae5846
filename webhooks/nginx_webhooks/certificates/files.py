"""A certificate in two files, renewed by somebody else: cert-manager, an administrator, a developer's laptop."""

import logging
from pathlib import Path

from nginx_webhooks.certificates.serving_certificate import CertificateError, ServingCertificate
from nginx_webhooks.filewatch import Fingerprint, fingerprint

log = logging.getLogger(__name__)


class CertificateFiles:
    """Keeps a `ServingCertificate` equal to two PEM files.

    Raises:
        CertificateError: they are unusable at start. Later the last good pair is served on.
    """

    def __init__(self, certificate: Path, key: Path, live: ServingCertificate) -> None:
        self._paths = certificate, key
        self._live = live
        self._seen = self._fingerprints()
        self._load()

    def refresh(self) -> None:
        """Loads the files again if one of them has changed since."""
        seen = self._fingerprints()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._load()
        except CertificateError as error:
            # An ordinary moment when the two files are written one after the other: the next look sees both.
            log.warning("the new certificate is not served, the old one is: %s", error)

    def _load(self) -> None:
        certificate, key = self._paths
        try:
            chain, secret = certificate.read_bytes(), key.read_bytes()
        except OSError as error:
            raise CertificateError(f"cannot read {error.filename}: {error.strerror}") from error
        try:
            self._live.load(chain, secret)
        except CertificateError as error:
            raise CertificateError(f"{certificate} and {key}: {error}") from error
        if self._live.certificate is not None:
            log.info("serving %s, valid until %s", certificate, self._live.certificate.not_valid_after_utc.isoformat())

    def _fingerprints(self) -> tuple[Fingerprint, ...]:
        return tuple(map(fingerprint, self._paths))


class ClientAuthorityFile:
    """Keeps the authorities of client certificates equal to a PEM file.

    Raises:
        CertificateError: it cannot be read at start. Later those read last are trusted on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = fingerprint(path)
        self.content = self._read()

    def refresh(self, live: ServingCertificate) -> None:
        """Trusts what the file says if it has changed since."""
        seen = fingerprint(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            live.trust_clients(self._read())
        except CertificateError as error:
            log.warning("the authorities of clients stay as they were: %s: %s", self._path, error)
        else:
            log.info("clients are checked by the new %s", self._path)

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise CertificateError(f"cannot read {error.filename}: {error.strerror}") from error
