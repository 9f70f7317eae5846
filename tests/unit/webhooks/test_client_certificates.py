"""Which clients the server lets in: TLS versions and client certificates, shown by real TLS clients."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from nginx_operator.api.policy import Policies, Policy
from nginx_operator.serving.listening import Address, listen
from nginx_webhooks import client_certificates
from nginx_webhooks.certificates.files import ClientCaFile
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.tls_context import CertificateError, ServerTls, client_context
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.server import AdmissionServer
from tests.support.webhooks.certificates import KeyPair, make
from tests.support.webhooks.reviews import encoded, nginx, review

CA, CLIENTS, OTHER = make("ca", ca=True), make("clients", ca=True), make("other", ca=True)
LEAF = make("leaf", CA, names=["localhost"])
NAMES = ("apiserver", "api.example")


@asynccontextmanager
async def serving(live: ServingCertificate) -> AsyncIterator[tuple[str, Metrics]]:
    metrics = Metrics()
    server = AdmissionServer(policies=lambda: Policies(Policy()), metrics=metrics, context=live.context)
    listener, address = listen(Address("127.0.0.1", 0))
    server.start(listener)
    try:
        yield f"https://localhost:{address.port}/validate", metrics
    finally:
        await server.stop()


async def ask(url: str, tmp_path: Path, shown: KeyPair | None = None, chain: bytes = b"") -> tuple[int, str]:
    """Status and text of an answer to a client that shows a certificate."""
    trust = client_context(CA.pem)
    if shown:
        file = tmp_path / "client.pem"
        file.write_bytes(shown.pem + chain + shown.key_pem)
        trust.load_cert_chain(file)
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=encoded(review(nginx({"count": 1}))), ssl=trust) as response,
    ):
        return response.status, await response.text()


def demanding(client_ca: bytes = CLIENTS.pem) -> ServingCertificate:
    live = ServingCertificate(
        tls=ServerTls(client_ca=client_ca), client_verifier=client_certificates.allow_names(NAMES)
    )
    live.load(LEAF.pem, LEAF.key_pem)
    return live


@pytest.mark.parametrize(
    "shown", [make("apiserver", CLIENTS), make("x", CLIENTS, names=["y", "api.example"])], ids=["CN", "SAN"]
)
async def test_a_client_with_an_allowed_name_is_answered(shown: KeyPair, tmp_path: Path) -> None:
    async with serving(demanding()) as (url, _):
        status, _ = await ask(url, tmp_path, shown)
        assert status == 200


@pytest.mark.parametrize(
    "shown", [make("apiserver.evil", CLIENTS), make("x", CLIENTS), make("x", CLIENTS, names=["API.example"])]
)
async def test_a_client_with_another_name_gets_no_answer_and_the_log_says_why(
    shown: KeyPair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(demanding()) as (url, metrics):
        with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
            await ask(url, tmp_path, shown)
        assert not metrics.registry.get_sample_value("nginx_webhooks_admission_seconds_count", {"webhook": "validate"})
    (line,) = [found.getMessage() for found in caplog.records if found.levelname == "WARNING"]
    assert line.startswith("refused a client: its certificate is for ")
    assert line.endswith(", and the allowed names are apiserver, api.example")


@pytest.mark.parametrize(
    "shown",
    [
        None,
        make("apiserver", OTHER),
        make("apiserver", make("clients", ca=True)),
        make("apiserver"),
        make("apiserver", CLIENTS, start=timedelta(days=-2)),
        make("apiserver", CA),
    ],
    ids=["none", "other authority", "same name, other key", "self-signed", "expired", "our own authority"],
)
async def test_a_client_that_shows_nothing_good_gets_no_answer(shown: KeyPair | None, tmp_path: Path) -> None:
    async with serving(demanding()) as (url, metrics):
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await ask(url, tmp_path, shown)
        assert not metrics.registry.get_sample_value("nginx_webhooks_admission_seconds_count", {"webhook": "validate"})


async def test_off_by_default_nobody_is_asked(tmp_path: Path) -> None:
    live = ServingCertificate()
    live.load(LEAF.pem, LEAF.key_pem)
    async with serving(live) as (url, _):
        assert (await ask(url, tmp_path))[0] == 200


async def test_authorities_of_clients_are_exchanged_while_it_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ca.crt"
    path.write_bytes(CLIENTS.pem)
    file = ClientCaFile(path)
    live = demanding(file.content)
    async with serving(live) as (url, _):
        assert (await ask(url, tmp_path, make("apiserver", CLIENTS)))[0] == 200
        path.write_bytes(OTHER.pem)
        file.refresh(live)
        assert (await ask(url, tmp_path, make("apiserver", OTHER)))[0] == 200
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await ask(url, tmp_path, make("apiserver", CLIENTS))
        renewed = make("leaf", CA, names=["localhost"])
        live.load(renewed.pem, renewed.key_pem)  # a new certificate of ours keeps what clients must show
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await ask(url, tmp_path)
        path.write_text("nothing")
        file.refresh(live)
        file.refresh(live)
        assert caplog.text.count("the authorities of clients stay as they were") == 1
        assert (await ask(url, tmp_path, make("apiserver", OTHER)))[0] == 200


def test_an_unusable_file_of_authorities_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"cannot read .*ca\.crt: No such file"):
        ClientCaFile(tmp_path / "ca.crt")
    with pytest.raises(CertificateError, match="no usable certificate of a client authority"):
        ServingCertificate(tls=ServerTls(client_ca=b"x"))


@pytest.mark.parametrize(
    ("minimum", "offered", "spoken"),
    [
        (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2, None),
    ],
)
async def test_the_oldest_tls_that_is_spoken(
    minimum: ssl.TLSVersion, offered: ssl.TLSVersion, spoken: str | None
) -> None:
    live = ServingCertificate(tls=ServerTls(minimum))
    live.load(LEAF.pem, LEAF.key_pem)
    trust = client_context(CA.pem)
    trust.maximum_version = offered
    async with serving(live) as (url, _):
        port = int(url.rpartition(":")[2].partition("/")[0])
        opening = asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
        if spoken is None:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await opening
            return
        _, writer = await opening
        assert writer.get_extra_info("ssl_object").version() == spoken
        writer.close()
