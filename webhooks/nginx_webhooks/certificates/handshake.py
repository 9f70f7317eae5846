"""Whether a client would accept a certificate: shown by a TLS handshake between two ends in memory.

It asks what the API server will ask (key, dates, name, chain) with the rules of a TLS library, where checks of our own
would be too strict or too lax for what somebody else has made.
"""

import ssl

from nginx_webhooks.certificates.tls_context import CertificateError, ServerTls, client_context


def verification_error(ca_bundle: bytes, chain: bytes, key: bytes, name: str) -> str:
    """Why a client that trusts `ca_bundle` and asks for `name` refuses the certificate; empty when it accepts it.

    Args:
        ca_bundle: the trusted certificates, PEM.
        chain: the certificate, then intermediates if there are any, PEM.
        key: its key, PEM.
        name: DNS name.
    """
    try:
        return _handshake(ServerTls().context((chain, key)), client_context(ca_bundle), name)
    except (CertificateError, ssl.SSLError, ValueError) as error:
        return str(getattr(error, "verify_message", "") or error)  # without OpenSSL's numbers


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_end = client.wrap_bio(to_client, to_server, server_hostname=name)
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):  # two flights each way suffice, in TLS 1.2 too
        for end in (client_end, server_end):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            if end is client_end:
                return ""
    return "the handshake does not end"
