"""`nginx-webhooks rotate`, beside the webhooks that do what it asks for."""

import asyncio
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import yaml

from nginx_operator.kube.client import Client
from nginx_webhooks.certificates import ca_rotation
from nginx_webhooks.certificates.ca_secret import from_data, to_data
from nginx_webhooks.certificates.self_signed_source import PROPAGATION_DELAY
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until
from tests.support.webhooks.certificates import of_version_5
from tests.support.webhooks.replica import SECRET, Replica, install, secret


@pytest.fixture
def kubeconfig(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command reads to find the API server."""
    path = tmp_path_factory.mktemp("kubeconfig") / "config"
    config = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "system"}}],
        "clusters": [{"name": "test", "cluster": {"server": api.url}}],
        "users": [{"name": "test", "user": {"token": "t"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)


@asynccontextmanager
async def rotate(kubeconfig: str, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nginx_webhooks", "rotate", *options),
        env={"KUBECONFIG": kubeconfig, "CA_SECRET": "ca"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def outcome(kubeconfig: str, *options: str) -> tuple[int | None, str]:
    """Exit code, and what went to standard error."""
    async with rotate(kubeconfig, *options) as process:
        _, errors = await process.communicate()
        return process.returncode, errors.decode()


async def test_it_begins_a_rotation_and_waits_until_it_is_done(api: ApiServer, client: Client, kubeconfig: str) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        first = from_data(api.data(SECRET))
        assert first is not None
        async with rotate(kubeconfig) as process:
            await until(lambda: "next.crt" in api.data(SECRET))
            await until(lambda: replica.injected(api))
            assert process.returncode is None
            replica.pass_time(PROPAGATION_DELAY)
            out, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
        now = from_data(api.data(SECRET))
        assert now is not None
        old, new = (f"{found.issuing.certificate.serial_number:x}" for found in (first, now))
        published, signing, trusted = out.decode().splitlines()
        assert published.startswith(f"published: authority {new}")
        assert signing.startswith(f"signing: authority {new}, until ")
        assert trusted == f"still trusted: authority {old}, until {now.retired[0].trusted_until.isoformat()}"
        assert replica.changes("promoted") == 1


async def test_one_that_is_under_way_is_waited_for(api: ApiServer, client: Client, kubeconfig: str) -> None:
    install(api)
    async with Replica(client).running() as replica:
        await replica.ready()
        async with rotate(kubeconfig) as one, rotate(kubeconfig) as two:
            await until(lambda: "next.crt" in api.data(SECRET))
            await until(lambda: replica.injected(api))
            published = [await process.stdout.readline() for process in (one, two) if process.stdout]
            assert published[0] == published[1]
            replica.pass_time(PROPAGATION_DELAY)
            assert [await process.wait() for process in (one, two)] == [0, 0]
        assert replica.changes("promoted") == 1


def often_rotated() -> dict[str, bytes]:
    now = datetime.now(UTC)
    kept, _ = ca_rotation.advance(None, now, propagated=False)
    for _ in range(ca_rotation.MAX_RETIRED):
        kept, _ = ca_rotation.advance(ca_rotation.begin(kept, now), now, propagated=True)
    return to_data(kept)


async def test_where_it_cannot_rotate_it_says_why(api: ApiServer, client: Client, kubeconfig: str) -> None:
    assert await outcome(kubeconfig) == (
        1,
        "Secret system/ca does not exist: the webhooks, in mode auto, make the first authority by themselves\n",
    )
    install(api)
    code, errors = await outcome(kubeconfig)
    assert code == 1
    assert "Secret system/ca is empty" in errors
    async with Replica(client).running() as replica:
        await replica.ready()
    assert await outcome(kubeconfig, "--timeout", "1") == (
        1,
        "not finished in 1 s; the log of the webhooks says what they wait for\n",
    )
    api.put(SECRET, {**secret(), "data": {key: b64encode(value).decode() for key, value in often_rotated().items()}})
    code, errors = await outcome(kubeconfig)
    assert code == 1
    assert "4 earlier authorities are still trusted" in errors
    odd = often_rotated()
    odd["tls.crt"] = of_version_5(odd["tls.crt"])
    api.put(SECRET, {**secret(), "data": {key: b64encode(value).decode() for key, value in odd.items()}})
    assert await outcome(kubeconfig) == (1, "Secret system/ca is malformed: 4 is not a valid X509 version\n")
    api.faults.forbid("list", "secrets")
    code, errors = await outcome(kubeconfig)
    assert code == 1
    assert 'cannot list resource "secrets"' in errors
    assert "Traceback" not in errors
