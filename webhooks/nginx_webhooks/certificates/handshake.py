"""Whether a client would accept a certificate: shown by a TLS handshake between two ends in memory.

It asks what the API server will ask (key, dates, name, chain) with the rules of a TLS library, where checks of our own
would be too strict or too lax for what somebody else has made.
"""

import ssl

from nginx_webhooks.certificates.authority import pem
from nginx_webhooks.certificates.pem import certificates
from nginx_webhooks.certificates.serving_certificate import CertificateError, server_context


def refusal(bundle: bytes, chain: bytes, key: bytes, name: str) -> str:
    """Why a client that trusts `bundle` and asks for `name` refuses the certificate; empty when it accepts it.

    Args:
        bundle: the trusted certificates, PEM.
        chain: the certificate, then intermediates if there are any, PEM.
        key: its key, PEM.
        name: DNS name.
    """
    try:
        return _handshake(server_context(chain, key), client_context(bundle), name)
    except (CertificateError, ssl.SSLError, ValueError) as error:
        return _words(error)


def client_context(bundle: bytes) -> ssl.SSLContext:
    """A client that trusts these certificates and no others.

    Raises:
        ValueError: there is none in it.
    """
    try:
        trusted = pem(certificates(bundle))  # without what people write between certificates
    except ValueError as error:
        raise ValueError("there is no trusted certificate") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False  # as in Go since 1.17
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # Go takes any trusted certificate for the end of a chain
    context.load_verify_locations(cadata=trusted.decode("ascii"))
    return context


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=name)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):  # two flights each way suffice, in TLS 1.2 too
        for end in (near, far):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            if end is near:
                return ""
    return "the handshake does not end"


def _words(error: Exception) -> str:
    """What people can act on, without OpenSSL's numbers."""
    return str(getattr(error, "verify_message", "") or error)
