import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.files import CertificateFiles
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.tls_context import CertificateError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CA = authority.create(NOW)


def leaf(days: int = 7) -> authority.LeafCertificate:
    return authority.issue(CA, ["localhost"], NOW, lifetime=timedelta(days=days))


def test_validity_follows_the_clock() -> None:
    now = NOW
    loaded: list[x509.Certificate] = []
    live = ServingCertificate(loaded.append, clock=lambda: now)
    assert not live.valid
    found = leaf()
    live.load(found.certificate_pem, found.key_pem)
    assert live.valid
    assert loaded == [found.certificate]
    now = NOW + timedelta(days=8)
    assert not live.valid


def test_a_pair_that_does_not_fit_leaves_the_old_one() -> None:
    live = ServingCertificate()
    good, other = leaf(), leaf()
    live.load(good.certificate_pem, good.key_pem)
    before = live.context.get_ca_certs, live.certificate
    for chain, key in ((other.certificate_pem, good.key_pem), (b"", good.key_pem), (other.certificate_pem, b"x")):
        with pytest.raises(CertificateError):
            live.load(chain, key)
    assert (live.context.get_ca_certs, live.certificate) == before
    assert live.certificate == good.certificate


def test_an_encrypted_key_is_refused_without_asking_on_the_terminal() -> None:
    found = leaf()
    key = serialization.load_pem_private_key(found.key_pem, None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    with pytest.raises(CertificateError, match="encrypted"):
        ServingCertificate().load(found.certificate_pem, encrypted)


def test_no_descriptor_stays_open() -> None:
    live, found = ServingCertificate(), leaf()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - not a path of a test
    for _ in range(10):
        live.load(found.certificate_pem, found.key_pem)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


class Pair:
    """Two files that are renewed."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"

    def write(self, found: authority.LeafCertificate) -> None:
        self.certificate.write_bytes(found.certificate_pem)
        self.key.write_bytes(found.key_pem)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_files_are_loaded_and_loaded_again(pair: Pair) -> None:
    live, first, second = ServingCertificate(), leaf(), leaf(6)
    pair.write(first)
    files = CertificateFiles(pair.certificate, pair.key, live)
    assert live.certificate == first.certificate
    pair.write(second)
    files.refresh()
    assert live.certificate == second.certificate


def test_half_a_renewal_keeps_the_old_pair_until_the_other_half_comes(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    live, first, second = ServingCertificate(), leaf(), leaf(6)
    pair.write(first)
    files = CertificateFiles(pair.certificate, pair.key, live)
    pair.certificate.write_bytes(second.certificate_pem)
    files.refresh()
    files.refresh()
    assert live.certificate == first.certificate
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    pair.key.write_bytes(second.key_pem)
    files.refresh()
    assert live.certificate == second.certificate


def test_unusable_files_are_refused_at_start_by_name(pair: Pair) -> None:
    with pytest.raises(CertificateError, match=r"cannot read .*tls\.crt: No such file"):
        CertificateFiles(pair.certificate, pair.key, ServingCertificate())
    pair.write(leaf())
    pair.key.write_bytes(leaf().key_pem)
    with pytest.raises(CertificateError, match=r"tls\.crt and .*tls\.key"):
        CertificateFiles(pair.certificate, pair.key, ServingCertificate())
