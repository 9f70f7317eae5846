"""The command as a process of its own, without a cluster."""

import asyncio
import json
import logging
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from nginx_operator import __version__
from nginx_webhooks.__main__ import main
from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.pem import encode_certificates
from tests.support.waiting import PATIENCE
from tests.support.webhooks.reviews import encoded, nginx, patched, review


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    now = datetime.now(UTC)
    ca = authority.create(now)
    leaf = authority.issue(ca, ["localhost"], now)
    (tmp_path / "ca.crt").write_bytes(encode_certificates([ca.certificate]))
    (tmp_path / "tls.crt").write_bytes(leaf.certificate_pem)
    (tmp_path / "tls.key").write_bytes(leaf.key_pem)
    (tmp_path / "policy.yaml").write_text("defaultCount: 3\n")
    return ["--cert-file", str(tmp_path / "tls.crt"), "--key-file", str(tmp_path / "tls.key")]


@asynccontextmanager
async def serving(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """The process, and its URLs by scheme as it logs them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nginx_webhooks", "serve", *options, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    urls: dict[str, str] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while "https" not in urls:
                line = (await process.stderr.readline()).decode()
                assert line, "the process has ended"
                if found := re.search(r"(https?)://127\.0\.0\.1:(\d+)", line):
                    urls[found[1]] = f"{found[1]}://localhost:{found[2]}"
        yield process, urls
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_it_serves_and_ends_on_sigterm(files: list[str], tmp_path: Path) -> None:
    options = ["--bind", "127.0.0.1:0", "--health-bind", "127.0.0.1:0", "--log-format", "json"]
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    async with serving(*options, *files, "--policy-file", str(tmp_path / "policy.yaml")) as (process, urls):
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{urls['http']}/readyz") as response:
                assert response.status == 200
            async with session.post(f"{urls['https']}/mutate", data=encoded(review(nginx())), ssl=trust) as response:
                answer = json.loads(await response.read())
        assert patched(nginx(), answer["response"])["spec"]["count"] == 3
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            _, errors = await process.communicate()
        assert process.returncode == 0
        assert [json.loads(line)["message"] for line in errors.decode().splitlines()][-1] == "ended"


@pytest.fixture
def root_logging() -> Iterator[None]:
    """The command sets the process's logging; this takes it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


MANAGED = ["--secret=a", "--service=b", "--mutating-configuration=c", "--validating-configuration=d"]


@pytest.mark.usefixtures("root_logging")
@pytest.mark.parametrize(
    ("broken", "options", "words"),
    [
        ("policy.yaml", [], "minCount 7 is greater than maxCount 3"),
        ("tls.key", [], "tls.key"),
        ("kubeconfig", MANAGED, "no usable kubeconfig"),
        ("", ["--bind", "192.0.2.1:1"], "cannot listen on 192.0.2.1:1"),
    ],
)
def test_where_waiting_cannot_help_it_ends_with_code_1(
    files: list[str],
    tmp_path: Path,
    broken: str,
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    if broken:
        (tmp_path / broken).write_text("minCount: 7\nmaxCount: 3\n")
    policy = ["--policy-file", str(tmp_path / "policy.yaml")] if broken != "kubeconfig" else []
    certificate = [] if options is MANAGED else files
    assert main(["serve", "--bind", "127.0.0.1:0", *policy, *certificate, *options]) == 1
    errors = capsys.readouterr().err
    assert words in errors
    assert "Traceback" not in errors


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_importing_the_webhooks_loads_neither_kopf_nor_kubernetes() -> None:
    code = "import sys, nginx_webhooks.__main__; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'nginx_webhooks'" in loaded
    assert "'kopf'" not in loaded
    assert "'kubernetes'" not in loaded
