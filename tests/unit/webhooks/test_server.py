"""The HTTPS server by real clients on loopback."""

import asyncio
import io
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from nginx_operator.api import names
from nginx_operator.api.policy import NamespaceClass, Policies, Policy
from nginx_operator.api.selectors import Requirement
from nginx_operator.logs import FIELDS
from nginx_operator.serving.connection import Connection, Stage
from nginx_operator.serving.limits import Limits, Timeouts
from nginx_operator.serving.listening import Address, listen
from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.pem import encode_certificates
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.server import LIMITS, AdmissionServer
from tests.support.waiting import PATIENCE, until
from tests.support.webhooks.reviews import IMAGE, encoded, nginx, patched, review

NAMES = ("hooks.system.svc", "localhost")


class Bed:
    """A running server and what a client needs to call it."""

    def __init__(self, timeouts: Timeouts | None, limits: Limits) -> None:
        now = datetime.now(UTC)
        self.ca = authority.create(now)
        leaf = authority.issue(self.ca, NAMES, now)
        live = ServingCertificate()
        live.load(leaf.certificate_pem, leaf.key_pem)
        self.metrics = Metrics()
        self.policy = Policy(default_image=IMAGE, max_count=10)
        self.classes: tuple[NamespaceClass, ...] = ()
        self.server = AdmissionServer(
            policies=lambda: Policies(self.policy, classes=self.classes),
            metrics=self.metrics,
            context=live.context,
            timeouts=timeouts,
            limits=limits,
        )
        self.trust = ssl.create_default_context(cadata=encode_certificates([self.ca.certificate]).decode())
        self.listener, address = listen(Address("127.0.0.1", 0))
        self.port = address.port
        self.url = f"https://localhost:{self.port}"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(ssl=self.trust, family=socket.AF_INET)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield session

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust, server_hostname="localhost")

    @property
    def connections(self) -> list[Connection]:
        return [*self.server.http.connections]

    def limited(self, why: str) -> float:
        return self.metrics.registry.get_sample_value("nginx_webhooks_limited_total", {"limit": why}) or 0.0

    def count(self, webhook: str, verdict: str) -> float:
        labels = {"webhook": webhook, "verdict": verdict}
        return self.metrics.registry.get_sample_value("nginx_webhooks_admissions_total", labels) or 0.0


@asynccontextmanager
async def running(timeouts: Timeouts | None = None, limits: Limits = LIMITS) -> AsyncIterator[Bed]:
    bed = Bed(timeouts, limits)
    bed.server.start(bed.listener)
    try:
        yield bed
    finally:
        await bed.server.stop()


@pytest.fixture
async def bed() -> AsyncIterator[Bed]:
    async with running() as found:
        yield found


async def post(session: aiohttp.ClientSession, url: str, body: Any) -> tuple[int, Any, Any]:
    async with session.post(url, data=body) as response:
        text = await response.text()
        return response.status, json.loads(text) if text.startswith("{") else text, response.headers


async def test_mutate_and_validate_over_one_connection(bed: Bed) -> None:
    async with bed.session() as session:
        status, answer, _ = await post(session, f"{bed.url}/mutate?timeout=5s", encoded(review(nginx())))
        assert status == 200
        assert patched(nginx(), answer["response"]) == nginx({"count": 1, "image": IMAGE})
        status, answer, headers = await post(session, f"{bed.url}/validate", encoded(review(nginx({"count": 11}))))
        assert status == 200
        assert answer["response"]["allowed"] is False
        assert headers["Content-Type"].startswith("application/json")
        assert "Connection" not in headers
    assert bed.count("mutate", "patched") == 1
    assert bed.count("validate", "denied") == 1


async def test_the_path_tells_the_class_of_the_namespace(bed: Bed) -> None:
    gold = Policy(default_count=2, default_image=IMAGE, max_count=11, class_name="gold")
    bed.classes = (NamespaceClass(Requirement("tier", "Exists"), gold),)
    async with bed.session() as session:
        _, answer, _ = await post(session, f"{bed.url}/mutate/gold?timeout=5s", encoded(review(nginx())))
        assert patched(nginx(), answer["response"]) == nginx({"count": 2, "image": IMAGE})
        for path, allowed in (("/validate/gold", True), ("/validate/to-come", False), ("/validate", False)):
            _, answer, _ = await post(session, f"{bed.url}{path}", encoded(review(nginx({"count": 11}))))
            assert answer["response"]["allowed"] is allowed


async def test_the_policy_of_the_moment_decides(bed: Bed) -> None:
    async with bed.session() as session:
        bed.policy = Policy(default_image=IMAGE, max_count=11)
        _, answer, _ = await post(session, f"{bed.url}/validate", encoded(review(nginx({"count": 11}))))
    assert answer["response"]["allowed"] is True


async def test_a_refusal_is_logged_with_who_and_what(bed: Bed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "nginx_webhooks")
    async with bed.session() as session:
        await post(session, f"{bed.url}/validate", encoded(review(nginx({"count": 11}))))
        await post(session, f"{bed.url}/validate", encoded(review(nginx({"count": 1}))))
    (found,) = caplog.records
    assert found.getMessage().startswith("refused Nginx team-a/web by alice: spec.count: 11 is more")
    assert getattr(found, FIELDS)["user"] == "alice"


async def test_the_operators_own_probe_is_no_news(bed: Bed, caplog: pytest.LogCaptureFixture) -> None:
    """It is refused once in a minute, which is as it must be. Only a dry run can be the probe."""
    caplog.set_level(logging.INFO, "nginx_webhooks")
    unnamed = nginx({"count": 11}, name=None, generateName=names.ADMISSION_PROBE)
    probe = review(unnamed, name="", dryRun=True)
    async with bed.session() as session:
        await post(session, f"{bed.url}/validate", encoded(probe))
        assert caplog.records == []
        probe["request"]["dryRun"] = False
        await post(session, f"{bed.url}/validate", encoded(probe))
    assert [record.getMessage().partition(" by ")[0] for record in caplog.records] == [
        "refused Nginx team-a/admission-probe-"
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "word"),
    [
        ("POST", "/", b"{}", 404, "/mutate and /validate"),
        ("POST", "/mutate/", b"{}", 404, "/mutate"),
        ("GET", "/mutate", None, 405, "POST"),
        ("POST", "/mutate", b"{}", 400, "not an AdmissionReview"),
        ("POST", "/validate", b"\xff", 400, "not an AdmissionReview"),
        ("POST", "/validate", b'{"request":{"object":{"spec":' + b"[" * 50_000, 400, "nested"),
    ],
)
async def test_wrong_requests_are_told_what_is_wrong(
    bed: Bed, method: str, path: str, body: bytes | None, status: int, word: str
) -> None:
    async with bed.session() as session, session.request(method, bed.url + path, data=body) as response:
        assert response.status == status
        assert word in await response.text()


async def test_the_biggest_body_is_read(bed: Bed) -> None:
    filler = "x" * (LIMITS.body - len(encoded(review(nginx(annotations={"a": ""})))))
    body = encoded(review(nginx(annotations={"a": filler})))
    assert len(body) == LIMITS.body
    async with bed.session() as session:
        status, _, _ = await post(session, f"{bed.url}/mutate", io.BytesIO(body))
        assert status == 200


async def test_a_longer_body_is_refused_by_its_announced_length(bed: Bed) -> None:
    reader, writer = await bed.raw()
    writer.write(f"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: {LIMITS.body + 1}\r\n\r\n".encode())
    assert b" 413 " in await reader.readline()  # no byte of the body was sent
    assert b"Connection: close" in await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def test_a_longer_body_without_a_length_is_refused_while_it_comes(bed: Bed) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LIMITS.body // 65536 + 2):
            yield b" " * 65536

    async with bed.session() as session:
        status, _, _ = await post(session, f"{bed.url}/validate", endless())
    assert status == 413
    assert bed.limited("413") == 1


#: A review that comes in several reads.
LARGE = encoded(review(nginx({"count": 11}, annotations={"a": "x" * 900_000})))


async def holding_back(bed: Bed, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that sends all of a review but its last byte."""
    reader, writer = await bed.raw()
    writer.write(f"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
    return reader, writer


async def test_large_bodies_that_are_held_back_keep_no_usual_review_waiting() -> None:
    async with running(PATIENT) as bed, bed.session() as session:
        holders = [await holding_back(bed, LARGE) for _ in range(LIMITS.large_bodies)]
        await until(lambda: bed.server.http.connections.in_flight == LIMITS.large_bodies)
        waiting = asyncio.create_task(post(session, f"{bed.url}/validate", LARGE))
        await until(lambda: bed.server.http.connections.in_flight == LIMITS.large_bodies + 1)
        status, _, _ = await post(session, f"{bed.url}/validate", encoded(review(nginx())))
        assert status == 200
        assert not waiting.done()
        holders[0][1].write(LARGE[-1:])
        status, answer, _ = await waiting
        assert (status, answer["response"]["allowed"]) == (200, False)
        for _, writer in holders:
            writer.close()


async def test_more_large_bodies_than_may_wait_are_told_so_at_once() -> None:
    async with running(PATIENT, replace(LIMITS, large_bodies=1, queued_bodies=1)) as bed, bed.session() as session:
        held = [await holding_back(bed, LARGE) for _ in range(2)]
        await until(lambda: bed.server.http.connections.in_flight == 2)
        status, told, headers = await post(session, f"{bed.url}/validate", LARGE)
        assert (status, headers["Retry-After"], headers["Connection"]) == (429, "1", "close")
        assert (told["kind"], told["code"], headers["Content-Type"]) == ("Status", 429, "application/json")
        assert told["message"] == "too many requests over 64 KiB at once; try again"
        assert bed.limited("429") == 1
        for _, writer in held:
            writer.close()


async def test_a_large_body_does_not_wait_for_ever() -> None:
    async with running(replace(PATIENT, queue=0.05), replace(LIMITS, large_bodies=1)) as bed, bed.session() as session:
        _, writer = await holding_back(bed, LARGE)
        await until(lambda: bed.server.http.connections.in_flight == 1)
        status, _, _ = await post(session, f"{bed.url}/validate", LARGE)
        assert status == 429
        writer.close()


async def test_who_waits_longest_makes_room() -> None:
    async with running(PATIENT, replace(LIMITS, connections=4)) as bed, bed.session() as session:
        held = [await asyncio.open_connection("127.0.0.1", bed.port)]  # says nothing at all
        await until(lambda: len(bed.server.http) == 1)
        held.append(await bed.raw())  # asks nothing
        held.append(await holding_back(bed, encoded(review(nginx()))))
        await until(lambda: bed.server.http.connections.in_flight == 1)
        assert (await post(session, f"{bed.url}/mutate", encoded(review(nginx()))))[0] == 200  # and is kept
        for reader, _ in held[:3]:
            held.append(await bed.raw())
            assert await eof(reader) == b""
        assert (await post(session, f"{bed.url}/mutate", encoded(review(nginx()))))[0] == 200
        assert len(bed.server.http) == 4
        assert bed.limited("crowded") == 3
        for _, writer in held:
            writer.close()


async def test_a_handshake_makes_room_before_a_connection_that_was_answered() -> None:
    async with running(PATIENT, replace(LIMITS, connections=2)) as bed, bed.session() as session:
        assert (await post(session, f"{bed.url}/mutate", encoded(review(nginx()))))[0] == 200
        (answered,) = bed.connections
        reader, silent = await asyncio.open_connection("127.0.0.1", bed.port)
        await until(lambda: len(bed.server.http) == 2)
        _, writer = await bed.raw()
        assert await eof(reader) == b""
        assert answered in bed.connections
        silent.close()
        writer.close()


@pytest.mark.parametrize(
    "request_",
    [b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"],
)
async def test_a_crowd_that_asks_for_nothing_cuts_nobody_who_was_answered(request_: bytes) -> None:
    async with running(PATIENT, replace(LIMITS, connections=4)) as bed, bed.session() as session:
        assert (await post(session, f"{bed.url}/mutate", encoded(review(nginx()))))[0] == 200
        (answered,) = bed.connections
        crowd = [await bed.raw() for _ in range(3)]
        for _ in range(6):
            reader, writer = crowd[-1]
            writer.write(request_)
            assert b"\r\nConnection: close\r\n" in await reader.readuntil(b"\r\n\r\n")
            crowd.append(await bed.raw())
        assert answered in bed.connections
        assert answered.state.stage is Stage.IDLE
        for _, writer in crowd:
            writer.close()


async def test_the_body_that_waits_longest_makes_room_for_bytes() -> None:
    body = encoded(review(nginx({"count": 1}, annotations={"a": "x" * 30_000})))
    async with running(PATIENT, replace(LIMITS, buffered=100_000)) as bed:
        held = [await holding_back(bed, body) for _ in range(4)]
        assert await eof(held[0][0]) == b""
        for reader, writer in held[1:]:
            writer.write(body[-1:])
            assert b" 200 " in await reader.readline()
        for _, writer in held:
            writer.close()
        assert bed.limited("crowded") == 1
        assert bed.server.http.connections._bodies.buffered == 0


async def test_an_answer_comes_before_the_client_stops_waiting() -> None:
    async with running(PATIENT) as bed:
        reader, writer = await bed.raw()
        writer.write(b"POST /mutate?timeout=1s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        await until(lambda: bed.server.http.connections.in_flight == 1)
        (connection,) = bed.connections
        assert connection.state.timeout == 0.5
        assert await eof(reader) == b""
        assert bed.limited("request") == 1
        writer.close()


async def test_a_client_that_reads_no_answers_is_cut() -> None:
    spec = {"count": 11, "resources": {"limits": {f"{number}{'x' * 100}": "1" for number in range(30)}}}
    body = encoded(review(nginx(spec)))
    request = f"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    async with running(replace(PATIENT, answer=0.05)) as bed:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", bed.port))
        _, writer = await asyncio.open_connection(sock=sock, limit=1024, ssl=bed.trust, server_hostname="localhost")

        def behind() -> bool:
            return bed.count("validate", "denied") == sent or bed.limited("answer") == 1

        sent = 0
        while sent < 200 and not bed.limited("answer"):
            writer.write(request)
            sent += 1
            await until(behind)
        assert bed.limited("answer") == 1
        assert len(bed.server.http) == 0
        writer.transport.abort()


async def test_old_tls_is_refused(bed: Bed) -> None:
    old = ssl.create_default_context(cadata=encode_certificates([bed.ca.certificate]).decode())
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", bed.port, ssl=old, server_hostname="localhost")


PATIENT = Timeouts(handshake=60.0, header=60.0, request=60.0, queue=60.0)
SHORT = Timeouts(handshake=0.05, header=0.05, request=0.05, queue=0.05, idle=60.0, linger=0.05, check_interval=0.01)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /mutate HTTP/1.1\r\nHost:", id="half a header"),
        pytest.param(b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", id="half a body"),
    ],
)
async def test_a_slow_client_is_cut(sent: bytes) -> None:
    async with running(replace(SHORT, handshake=60.0)) as bed:
        reader, writer = await bed.raw()
        writer.write(sent)
        assert b" 200 " not in await eof(reader)
        writer.close()


async def test_a_client_that_is_slow_with_its_second_request_is_cut() -> None:
    async with running() as bed:
        reader, writer = await bed.raw()
        body = encoded(review(nginx()))
        writer.write(f"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await reader.readuntil(b"\r\n\r\n")
        (connection,) = bed.connections
        assert connection.state.stage is Stage.IDLE
        bed.server.http.connections.timeouts = SHORT
        writer.write(b"POST /")
        await eof(reader)
        assert bed.limited("header") == 1
        writer.close()


async def test_a_client_without_a_handshake_is_cut() -> None:
    async with running(SHORT) as bed:
        reader, writer = await asyncio.open_connection("127.0.0.1", bed.port)
        assert await eof(reader) == b""
        writer.close()


async def eof(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the server ends the connection, politely or not."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read()
        except (ConnectionError, ssl.SSLError):
            return b""


async def test_an_idle_connection_has_no_deadline_but_that_of_idleness() -> None:
    async with running(replace(SHORT, idle=60.0)) as bed, bed.session() as session:
        await post(session, f"{bed.url}/mutate", encoded(review(nginx())))
        (connection,) = bed.connections
        assert (connection.state.stage, connection.state.timeout) == (Stage.IDLE, 60.0)
        bed.server.http.connections.timeouts = replace(SHORT, idle=0.0)
        await post(session, f"{bed.url}/mutate", encoded(review(nginx())))
        await until(lambda: bed.connections == [])
        assert [why for why in ("header", "request", "crowded") if bed.limited(why)] == []


async def test_draining_serves_on_and_asks_to_leave() -> None:
    async with running() as bed, bed.session() as session:
        _, _, headers = await post(session, f"{bed.url}/mutate", encoded(review(nginx())))
        assert "Connection" not in headers
        drain = asyncio.create_task(bed.server.drain(quiet=60.0, limit=60.0))
        await asyncio.sleep(0)
        for _ in range(3):  # the open connection, then new ones
            status, _, headers = await post(session, f"{bed.url}/mutate", encoded(review(nginx())))
            assert (status, headers["Connection"]) == (200, "close")
        assert not drain.done()
        drain.cancel()
        await asyncio.wait([drain])


async def test_draining_ends_when_it_is_quiet_and_answers_what_is_under_way() -> None:
    async with running() as bed:
        reader, writer = await bed.raw()
        body = encoded(review(nginx()))
        writer.write(f"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:5])
        await until(lambda: bed.server.http.connections.in_flight == 1)
        drain = asyncio.create_task(bed.server.drain(quiet=0.01, limit=60.0))
        await asyncio.sleep(0.05)
        assert not drain.done()  # a request is under way, so it is not quiet
        writer.write(body[5:])
        assert b" 200 " in await reader.readline()
        await drain
        writer.close()
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await bed.raw()


async def test_draining_ends_at_its_limit_under_load() -> None:
    async with running() as bed, bed.session() as session:
        drain = asyncio.create_task(bed.server.drain(quiet=60.0, limit=0.1))
        with suppress(aiohttp.ClientError):
            while not drain.done():
                await post(session, f"{bed.url}/mutate", encoded(review(nginx())))
        await drain
