"""Modes `certManager` and `existingSecret` against an API server: somebody else fills the Secret."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448

from nginx_operator.kube.client import Client
from nginx_webhooks.certificates import tls_context
from nginx_webhooks.certificates.ca_injector import SURPLUS_GRACE
from nginx_webhooks.certificates.external_source import PROPAGATION_DELAY
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until
from tests.support.webhooks.certificates import KeyPair, make, of_version_5
from tests.support.webhooks.replica import (
    MUTATING,
    NAMES,
    SECRET,
    VALIDATING,
    Replica,
    ca_bundle,
    install,
    install_configurations,
    secret,
    writes,
)

NAME = NAMES[0]
CA, OTHER_CA = make("ca", ca=True), make("other ca", ca=True)
LEAF = make("leaf", CA, names=[NAME])
RENEWED = make("leaf", CA, names=[NAME])
MOVED = make("leaf", OTHER_CA, names=[NAME])
#: A company's whole trust store, with the authority in it.
MANY = CA.pem + b"".join(make("other", ca=True).pem for _ in range(200))
#: CAs whose keys OpenSSL takes, and no API server.
KOBLITZ = make("ca", ca=True, key=ec.generate_private_key(ec.SECP256K1()))
GOLDILOCKS = make("ca", ca=True, key=ed448.Ed448PrivateKey.generate())
CONFIGURATIONS = (MUTATING, VALIDATING)


def data(leaf: KeyPair, ca: KeyPair = CA, key: bytes | None = None) -> dict[str, bytes]:
    return {"tls.crt": leaf.pem, "tls.key": key or leaf.key_pem, "ca.crt": ca.pem}


def fill(api: ApiServer, content: Mapping[str, bytes]) -> None:
    encoded = {key: b64encode(value).decode() for key, value in content.items()}
    api.put(SECRET, {**secret(), "type": "kubernetes.io/tls", "data": encoded})


def inject(api: ApiServer, bundle: bytes) -> None:
    """What cert-manager's injector does."""
    for path in CONFIGURATIONS:
        found = api.objects[path]
        first, *rest = found["webhooks"]
        client_config = {**first["clientConfig"], "caBundle": b64encode(bundle).decode()}
        api.put(path, {**found, "webhooks": [{**first, "clientConfig": client_config}, *rest]})


def serves(replica: Replica, leaf: KeyPair) -> bool:
    return replica.serving.certificate == leaf.certificate


async def comes_to_serve(replica: Replica, leaf: KeyPair) -> None:
    """Lets time pass until it does."""

    def look() -> bool:
        replica.pass_time(PROPAGATION_DELAY / 3)
        return serves(replica, leaf)

    await until(look)


async def accepted(api: ApiServer, replica: Replica) -> bool:
    """Whether real clients with the live caBundles would accept the running server at this moment."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=replica.serving.context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for path in CONFIGURATIONS:
            try:
                trust = tls_context.client_context(ca_bundle(api, path))
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=NAME)
            except (OSError, ValueError):
                return False
            writer.close()
    return True


@asynccontextmanager
async def always_accepted(api: ApiServer, *replicas: Replica) -> AsyncIterator[None]:
    """Shakes hands over and over while the block runs. No handshake may fail."""
    failures, ended = [], asyncio.Event()

    async def knock() -> None:
        while not ended.is_set():
            failures.extend([replica for replica in replicas if not await accepted(api, replica)])

    task = asyncio.create_task(knock())
    yield
    ended.set()
    await task
    assert not failures


async def test_an_existing_secret_is_served_and_its_authority_published(api: ApiServer, client: Client) -> None:
    install(api)
    fill(api, data(LEAF))
    async with Replica(client, "existingSecret").running() as replica:
        await replica.ready()
        assert serves(replica, LEAF)
        assert await accepted(api, replica)
        assert ca_bundle(api, MUTATING) == ca_bundle(api, VALIDATING) == CA.pem
        assert replica.metric("ca_expiry_timestamp_seconds") == CA.certificate.not_valid_after_utc.timestamp()
        assert writes(api, "secrets") == 0


async def test_a_renewed_certificate_is_served_with_no_write(api: ApiServer, client: Client) -> None:
    install(api)
    fill(api, data(LEAF))
    async with Replica(client, "existingSecret").running() as replica:
        await replica.ready()
        written = len(api.sent("patch"))
        fill(api, data(RENEWED))
        await comes_to_serve(replica, RENEWED)
        assert len(api.sent("patch")) == written


async def test_a_new_authority_takes_over_without_a_gap(api: ApiServer, client: Client) -> None:
    install(api)
    fill(api, data(LEAF))
    async with (
        Replica(client, "existingSecret").running() as one,
        Replica(client, "existingSecret").running() as two,
    ):
        for replica in (one, two):
            await replica.ready()
        async with always_accepted(api, one, two):
            fill(api, data(MOVED, OTHER_CA))
            await until(lambda: all(ca_bundle(api, path) == OTHER_CA.pem + CA.pem for path in CONFIGURATIONS))
            assert serves(one, LEAF)
            await comes_to_serve(one, MOVED)
            written = writes(api, "mutatingwebhookconfigurations")
            async with Replica(client, "existingSecret").running() as late:
                await late.ready()
                assert serves(late, MOVED)
                assert writes(api, "mutatingwebhookconfigurations") == written  # it leaves what `two` needs
                await comes_to_serve(two, MOVED)
            one.pass_time(SURPLUS_GRACE)
            await until(lambda: all(ca_bundle(api, path) == OTHER_CA.pem for path in CONFIGURATIONS))


@pytest.mark.parametrize("injects", [True, False])
async def test_a_wiped_bundle_is_healed_where_it_is_ours(
    api: ApiServer, client: Client, injects: bool, caplog: pytest.LogCaptureFixture
) -> None:
    install(api)
    fill(api, data(LEAF))
    async with Replica(client, "existingSecret" if injects else "certManager").running() as replica:
        if not injects:
            inject(api, CA.pem)
        await replica.ready()
        install_configurations(api)
        if injects:
            await until(lambda: all(ca_bundle(api, path) == CA.pem for path in CONFIGURATIONS))
            inject(api, OTHER_CA.pem)
            await until(lambda: all(ca_bundle(api, path) == CA.pem for path in CONFIGURATIONS))
        else:
            words = "does not verify the certificate: there is no trusted certificate"
            await until(lambda: words in caplog.text)
            assert writes(api, "mutatingwebhookconfigurations") == 0
        assert not replica.readiness.fault


BROKEN = {
    "key mismatch": (data(LEAF, key=RENEWED.key_pem), "do not belong together"),
    "expired": (data(make("x", CA, names=[NAME], start=timedelta(days=-2))), "tls.crt has expired"),
    "not yet valid": (data(make("x", CA, names=[NAME], start=timedelta(hours=1))), "tls.crt is not valid before"),
    "wrong name": (data(make("x", CA, names=["hooks.other.svc"])), "not valid for 'hooks.system.svc'"),
    "wrong authority": (data(LEAF, OTHER_CA), "ca.crt does not verify tls.crt"),
    "no authority": ({"tls.crt": LEAF.pem, "tls.key": LEAF.key_pem}, "it has no ca.crt"),
    "empty": ({}, "it has no tls.crt and no tls.key and no ca.crt"),
    "certificate of version 5": ({**data(LEAF), "tls.crt": of_version_5(LEAF.pem)}, "tls.crt is not a PEM certificate"),
    "authority of version 5": ({**data(LEAF), "ca.crt": of_version_5(CA.pem)}, "ca.crt is not a PEM certificate: "),
    "key that no API server takes": (
        data(make("x", CA, names=[NAME], key=ed448.Ed448PrivateKey.generate())),
        "tls.crt has a key that no API server takes",
    ),
    "authority on another curve": (data(make("x", KOBLITZ, names=[NAME]), KOBLITZ), "ca.crt has a key that no API"),
    "authority that no API server takes beside another": (
        {**data(make("x", GOLDILOCKS, names=[NAME])), "ca.crt": CA.pem + GOLDILOCKS.pem},
        "ca.crt does not verify tls.crt",
    ),
    "too many authorities": (
        {**data(LEAF), "ca.crt": MANY},
        "ca.crt has 201 certificates of",
    ),
    "no PEM": ({**data(LEAF), "ca.crt": b"x"}, "ca.crt is not a PEM certificate"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_secret_is_refused_and_the_old_one_serves_on(
    api: ApiServer, client: Client, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    content, words = BROKEN[fault]
    install(api)
    fill(api, data(LEAF))
    async with Replica(client, "existingSecret").running() as replica:
        await replica.ready()
        fill(api, content)
        await until(lambda: replica.metric("certificate_refused"))
        await until(lambda: words in caplog.text)
        (line,) = [found.getMessage() for found in caplog.records if found.levelno == logging.WARNING]
        assert line.startswith("certificates: Secret system/ca is refused: ")
        assert line.endswith("; the previous certificate is still served; retrying")
        assert serves(replica, LEAF)
        assert not replica.readiness.fault
        install_configurations(api)  # what is served is healed on
        await until(lambda: all(ca_bundle(api, path) == CA.pem for path in CONFIGURATIONS))
        assert await accepted(api, replica)
        fill(api, data(RENEWED))
        await comes_to_serve(replica, RENEWED)
        assert not replica.metric("certificate_refused")


@pytest.mark.parametrize("fault", BROKEN)
async def test_before_the_first_good_one_readiness_tells(api: ApiServer, client: Client, fault: str) -> None:
    content, words = BROKEN[fault]
    install(api)
    fill(api, content)
    async with Replica(client, "existingSecret").running() as replica:
        await until(lambda: words in replica.readiness.fault)
        assert replica.metric("certificate_refused") == 1
        fill(api, data(LEAF))
        await replica.ready()


async def test_a_secret_that_is_deleted_changes_nothing_but_the_log(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    install(api)
    async with Replica(client, "existingSecret").running() as replica:
        api.delete(SECRET)
        await until(lambda: "create it with tls.crt, tls.key and ca.crt" in replica.readiness.fault)
        fill(api, data(LEAF))
        await replica.ready()
        api.delete(SECRET)
        await until(lambda: "there is no Secret system/ca" in caplog.text)
        install_configurations(api)
        await until(lambda: all(ca_bundle(api, path) == CA.pem for path in CONFIGURATIONS))
        assert serves(replica, LEAF)


async def test_cert_manager_writes_secret_and_bundles_and_we_neither(api: ApiServer, client: Client) -> None:
    install(api)
    async with Replica(client, "certManager").running() as replica:
        api.delete(SECRET)
        await until(lambda: "cert-manager makes it" in replica.readiness.fault)
        fill(api, data(LEAF))
        await until(lambda: "there is no trusted certificate" in replica.readiness.fault)
        inject(api, CA.pem)
        await replica.ready()
        fill(api, data(RENEWED))
        await comes_to_serve(replica, RENEWED)
    assert not api.sent("patch")


async def test_with_cert_manager_a_new_authority_is_served_as_soon_as_it_is_injected(
    api: ApiServer, client: Client
) -> None:
    install(api)
    fill(api, data(LEAF))
    async with Replica(client, "certManager").running() as replica:
        inject(api, CA.pem)
        await replica.ready()
        fill(api, data(MOVED, OTHER_CA))
        await until(lambda: replica.secret.object == api.objects[SECRET])
        assert serves(replica, LEAF)
        inject(api, OTHER_CA.pem)
        await until(lambda: serves(replica, MOVED))
        assert await accepted(api, replica)


async def test_an_expired_certificate_gives_way_to_one_that_is_not_trusted_yet(api: ApiServer, client: Client) -> None:
    install(api)
    fill(api, data(LEAF))
    async with Replica(client, "certManager").running() as replica:
        inject(api, CA.pem)
        await replica.ready()
        replica.ahead = timedelta(days=1)
        fill(api, data(make("leaf", OTHER_CA, names=[NAME], life=timedelta(days=30)), OTHER_CA))
        await until(lambda: not serves(replica, LEAF))
