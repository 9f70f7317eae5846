"""Certificates of a bed: one CA, and what it signs. Made anew for each bed, valid for a year."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from testbed.controlplane import API_CLUSTER_IP, API_CLUSTER_IP6
from testbed.network import NODE_IP, NODE_IP6

VALID = datetime.timedelta(days=365)
SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVER_IPS = ("127.0.0.1", "::1", NODE_IP, NODE_IP6, API_CLUSTER_IP, API_CLUSTER_IP6)


@dataclass(frozen=True)
class Authority:
    """A CA that signs with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def write(folder: Path, node: str) -> None:
    """Write a bed's keys and certificates into `folder`, as PEM.

    ca, apiserver, apiserver-kubelet-client, kubelet (`.crt` and `.key` each), and service-accounts
    (`.key` and `.pub`). `node` is the name that the kubelet's certificate carries.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority()
    _write_pair(folder / "ca", authority.certificate, authority.key)
    _write_pair(folder / "apiserver", *_issue(authority, "kube-apiserver", server=True))
    # The API server's right to the kubelet's API (logs, exec) is that of any administrator.
    client = _issue(authority, "kube-apiserver-kubelet-client", "system:masters")
    _write_pair(folder / "apiserver-kubelet-client", *client)
    _write_pair(folder / "kubelet", *_issue(authority, f"system:node:{node}", "system:nodes"))
    signer = ec.generate_private_key(ec.SECP256R1())
    _write_secret(folder / "service-accounts.key", signer)
    public = signer.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "service-accounts.pub").write_bytes(public)


def _name(common: str, organization: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _template(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + VALID)
    )


def _authority() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("testbed-ca")
    certificate = (
        _template(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def _issue(
    authority: Authority, common: str, organization: str = "", *, server: bool = False
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    signer = authority.certificate.public_key()
    assert isinstance(signer, ec.EllipticCurvePublicKey)
    builder = (
        _template(_name(common, organization), authority.certificate.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if server:
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in SERVER_NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(ip)) for ip in SERVER_IPS]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256()), key


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_pair(stem: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    stem.with_name(f"{stem.name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_secret(stem.with_name(f"{stem.name}.key"), key)


def _write_secret(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
