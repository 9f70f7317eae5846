"""PEM files that somebody else renews (cert-manager, an administrator, a developer's laptop), read again on change."""

import logging
from pathlib import Path

from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.tls_context import CertificateError
from nginx_webhooks.filewatch import FileWatch

log = logging.getLogger(__name__)


class CertificateFiles:
    """Serves the certificate and the key of two files.

    Raises:
        CertificateError: they are unusable at start. Later the last good pair is served on.
    """

    def __init__(self, certificate: Path, key: Path, serving: ServingCertificate) -> None:
        self._certificate, self._key = certificate, key
        self._serving = serving
        self._watch = FileWatch(certificate, key)
        self._load()

    def refresh(self) -> None:
        """Loads the files again if one of them has changed since."""
        if not self._watch.changed():
            return
        try:
            self._load()
        except CertificateError as error:
            # An ordinary moment when the two files are written one after the other: the next look sees both.
            log.warning("the new certificate is not served, the old one is: %s", error)

    def _load(self) -> None:
        chain, key = _read(self._certificate), _read(self._key)
        try:
            self._serving.load(chain, key)
        except CertificateError as error:
            raise CertificateError(f"{self._certificate} and {self._key}: {error}") from error
        if leaf := self._serving.certificate:
            log.info("serving %s, valid until %s", self._certificate, leaf.not_valid_after_utc.isoformat())


class ClientCaFile:
    """The CAs of client certificates, from a file.

    Attributes:
        content: PEM, as read at start.

    Raises:
        CertificateError: it cannot be read at start. Later those read last are trusted on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watch = FileWatch(path)
        self.content = _read(path)

    def refresh(self, serving: ServingCertificate) -> None:
        """Trusts what the file says if it has changed since."""
        if not self._watch.changed():
            return
        try:
            serving.set_client_ca(_read(self._path))
        except CertificateError as error:
            log.warning("the authorities of clients stay as they were: %s: %s", self._path, error)
        else:
            log.info("clients are checked by the new %s", self._path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"cannot read {error.filename}: {error.strerror}") from error
