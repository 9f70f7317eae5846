"""Connections while a cluster's CA, or our client certificate, is replaced; with real TLS on loopback."""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig, load_config
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import PODS
from tests.support.waiting import until
from tests.support.webhooks.certificates import KeyPair, make

NAME = "kubernetes"
OLD, NEW = make("old", ca=True), make("new", ca=True)


@dataclass
class Server:
    """An API server that answers each request, and each watch with one event; its certificate can be replaced.

    Attributes:
        clients: common names of the clients of each connection; "" for one without a certificate.
    """

    folder: Path
    port: int = 0
    clients: list[str] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def start(self, issuer: KeyPair, client_ca: KeyPair | None = None) -> None:
        """Starts with a certificate by this CA, on the same port as before; connections from before end."""
        await self.stop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made = make("server", issuer, names=[NAME])
        context.load_cert_chain(*write(self.folder, "server", made))
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=client_ca.pem.decode())
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        for writer in self.writers:
            writer.close()
        self.writers.clear()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        shown = writer.get_extra_info("peercert") or {}
        self.clients.append(dict(pair for part in shown.get("subject", ()) for pair in part).get("commonName", ""))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = b'{"type":"ADDED"}\n' if b"watch=true" in head else b"{}"
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def write(folder: Path, name: str, made: KeyPair) -> tuple[Path, Path]:
    """A certificate and its key as files, each written as a whole."""
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    for path, content in zip(paths, (made.pem, made.key_pem), strict=True):
        replace(path, content)
    return paths


def replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    found = Server(tmp_path)
    await found.start(OLD)
    yield found
    await found.stop()


async def get(client: Client) -> bool:
    """Whether a request succeeds."""
    try:
        await client.get(PODS, "shop", "web")
    except ApiError as error:
        return not error.unreachable
    return True


async def watch(client: Client) -> bool:
    """Whether a watch tells something."""
    try:
        async for _line in client.watch(PODS, "shop", {}):
            return True
    except ApiError as error:
        return not error.unreachable
    return False


def config(server: Server, ca: Path, **more: str) -> ClientConfig:
    return ClientConfig(f"https://127.0.0.1:{server.port}", str(ca), tls_server_name=NAME, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def replaced(server: Server, found: ClientConfig) -> AsyncIterator[Client]:
    """A client that has worked, while the server has got a certificate of another CA since."""
    async with Client(found) as client:
        assert await get(client)
        assert await watch(client)
        await server.start(NEW)
        assert not await get(client)
        assert not await watch(client)
        yield client


@pytest.mark.parametrize("ask", [get, watch], ids=["request", "watch"])
async def test_a_new_ca_in_its_file_is_trusted(
    ask: Callable[[Client], object], server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As the kubelet replaces it: it changes the link that the file's path goes through."""
    caplog.set_level("INFO")
    for name, ca in (("..1", OLD), ("..2", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ca.crt").write_bytes(ca.pem)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "ca.crt").symlink_to("..data/ca.crt")
    async with replaced(server, config(server, tmp_path / "ca.crt")) as client:
        (tmp_path / "..new").symlink_to("..2")
        (tmp_path / "..new").replace(tmp_path / "..data")
        assert await ask(client)  # type: ignore[misc]
    assert caplog.text.count("has changed, and was read again") == 1


async def test_what_looks_unchanged_is_read_again_after_a_failure(server: Server, tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_bytes(OLD.pem.ljust(len(NEW.pem)))  # a signature has one byte more or less
    before = ca.stat()
    async with Client(config(server, ca)) as client:
        assert await get(client)
        await server.start(NEW)
        with ca.open("r+b") as file:  # the same inode, size and time
            file.write(NEW.pem.ljust(before.st_size))
        os.utime(ca, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert not await get(client)
        assert await get(client)


async def test_half_a_file_changes_nothing(server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_bytes(OLD.pem)
    async with Client(config(server, ca)) as client:
        assert await watch(client)
        replace(ca, OLD.pem[:100])
        assert await watch(client)
        assert "the earlier one stays" in caplog.text
        ca.unlink()
        assert await watch(client)
        await server.start(NEW)
        replace(ca, NEW.pem)
        assert await watch(client)


async def test_a_new_client_certificate_is_shown(server: Server, tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_bytes(OLD.pem)
    await server.start(OLD, client_ca=OLD)
    certificate, key = write(tmp_path, "client", make("first", OLD))
    async with Client(config(server, ca, cert_file=str(certificate), key_file=str(key))) as client:
        assert await watch(client)
        write(tmp_path, "client", make("second", OLD))
        assert await watch(client)
    await until(lambda: server.clients == ["first", "second"])


@pytest.mark.parametrize("inline", [True, False], ids=["data", "files"])
async def test_a_changed_kubeconfig_is_followed(
    inline: bool, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "kubeconfig"
    monkeypatch.setattr("nginx_operator.kube.client_config._TOKEN_SECONDS", 0.0)

    def fill(name: str, ca: KeyPair) -> None:
        client = make(name, OLD)
        cluster: dict[str, str] = {"server": f"https://127.0.0.1:{server.port}", "tls-server-name": NAME}
        user = {"token": f"token of {name}"}
        if inline:
            cluster["certificate-authority-data"] = base64.b64encode(ca.pem).decode()
            user["client-certificate-data"] = base64.b64encode(client.pem).decode()
            user["client-key-data"] = base64.b64encode(client.key_pem).decode()
        else:
            certificate, key = write(tmp_path, name, client)
            authority, _ = write(tmp_path, f"{name}-ca", ca)
            cluster["certificate-authority"] = str(authority)
            user |= {"client-certificate": str(certificate), "client-key": str(key)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
        }
        replace(path, yaml.safe_dump(document).encode())

    await server.start(OLD, client_ca=OLD)
    fill("first", OLD)
    found = load_config({"KUBECONFIG": str(path)})
    async with Client(found) as client:
        assert await watch(client)
        assert found.token() == "token of first"
        await server.start(NEW, client_ca=OLD)
        assert not await watch(client)
        replace(path, b"{")
        assert not await watch(client)
        assert "the earlier one stays" in caplog.text
        fill("second", NEW)
        assert await watch(client)
        assert found.token() == "token of second"
    await until(lambda: server.clients[-1] == "second")
