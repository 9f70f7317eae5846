"""The programs that answer reviews, started on loopback: ours with a certificate from files, and kopf's own server."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.admission.clients import Tally, Target, ask_once
from bench.admission.reviews import nginx, post, review
from bench.contenders import PEERS
from bench.process import Process
from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.pem import encode_certificates

ROOT: Final = Path(__file__).parents[2]
KOPF: Final = PEERS / "kopf_admission.py"
#: Seconds that a program has to answer for the first time.
START: Final = 120.0


@dataclass(frozen=True)
class Certificate:
    """PEM files of a certificate, its key and its authority."""

    certificate: Path
    key: Path
    ca: Path

    @classmethod
    def make(cls, folder: Path, *names: str) -> "Certificate":
        """A fresh one for these DNS names."""
        now = datetime.now(UTC)
        ca = authority.create(now)
        leaf = authority.issue(ca, names, now)
        found = cls(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
        found.certificate.write_bytes(leaf.certificate_pem)
        found.key.write_bytes(leaf.key_pem)
        found.ca.write_bytes(encode_certificates([ca.certificate]))
        return found


def command(name: str, certificate: Certificate, host: str, port: int) -> list[str]:
    """The command line of a program; `name` is ours or kopf."""
    files = (str(certificate.certificate), str(certificate.key))
    if name == "kopf":
        return [sys.executable, str(KOPF), host, str(port), *files]
    flags = ("--cert-file", files[0], "--key-file", files[1], "--log-level", "warning")
    return [sys.executable, "-m", "nginx_webhooks", "serve", "--bind", f"{host}:{port}", *flags]


@contextmanager
def on_loopback(name: str, folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[Process, Target]]:
    """Runs a program on the first core until the end of the block, while this process keeps to the others."""
    certificate = Certificate.make(folder, "localhost")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cores = os.sched_getaffinity(0)
    words = [*(("taskset", "-c", "0") if len(cores) > 1 else ()), *command(name, certificate, "127.0.0.1", port)]
    process = Process(words, environ, folder / f"{name}.log", ROOT)
    os.sched_setaffinity(0, cores - {0} or cores)
    try:
        with process.running():
            yield process, Target("127.0.0.1", port, certificate.ca)
    finally:
        os.sched_setaffinity(0, cores)


async def first_answer(process: Process, target: Target) -> None:
    """Waits until a review is answered.

    Raises:
        RuntimeError: the program has ended, or takes too long.
    """
    request, end = post("/validate", review(nginx("first"))), time.monotonic() + START
    while process.alive and time.monotonic() < end:
        tally = Tally()
        await ask_once(target, request, tally)
        if 200 in tally.statuses:
            return
        await asyncio.sleep(0.01)
    raise RuntimeError(f"no answer; its log is {process.log}:\n{process.log.read_text()[-2000:]}")
