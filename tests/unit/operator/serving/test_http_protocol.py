"""HTTP/1.1 by raw sockets: what an ordinary client relies on, and what a strange one gets."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import pytest

from nginx_operator.serving.application import Application, RequestHead, Response
from nginx_operator.serving.connection import Slot, Stage
from nginx_operator.serving.http_protocol import MAX_HEAD, MAX_PIPELINED, WRITE_HIGH_WATER, HttpProtocol
from nginx_operator.serving.http_server import HttpServer
from nginx_operator.serving.limits import Limits, Timeouts
from nginx_operator.serving.listening import Address, listen
from tests.support.waiting import PATIENCE, until

PATIENT = Timeouts(handshake=60, header=60, request=60, queue=60, idle=60, linger=60, check_interval=0.01)

#: The head of a request whose body may be large.
CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Echo:
    """A server that responds with what it was sent."""

    server: HttpServer
    port: int

    @property
    def in_flight(self) -> int:
        return self.server.connections.in_flight

    @property
    def protocols(self) -> list[HttpProtocol]:
        """Its connections, in the order in which they entered their stage; the idle ones last."""
        return [connection for connection in self.server.connections if isinstance(connection, HttpProtocol)]

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def all_of(self, sent: bytes) -> bytes:
        """All that comes back until the server ends the connection."""
        reader, writer = await self.open()
        writer.write(sent)
        found = await reader.read()
        writer.close()
        return found

    async def large(self) -> asyncio.StreamWriter:
        """A request whose body may be large, and does not come."""
        before = self.in_flight
        _, writer = await self.open()
        writer.write(CHUNKED)
        await until(lambda: self.in_flight == before + 1)
        return writer


def respond(head: RequestHead, body: bytes) -> Response:
    if head.path == "/broken":
        raise ValueError("secret")
    return Response(200, f"{head.method} {head.path} {head.query} ".encode() + body)


def refuse(head: RequestHead) -> Response | None:
    return Response(404, b"nothing here") if head.path == "/none" else None


@asynccontextmanager
async def serving(
    respond: Callable[[RequestHead, bytes], Response] = respond,
    timeouts: Timeouts = PATIENT,
    on_limit: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Echo]:
    listener, address = listen(Address("127.0.0.1", 0))
    limits = Limits(body=1000, small_body=1000, large_bodies=1)
    server = HttpServer(Application(refuse, respond), timeouts=timeouts, limits=limits, on_limit=on_limit)
    server.listen(listener)
    yield Echo(server, address.port)
    await server.stop(1.0)
    assert len(server) == 0


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with serving() as found:
        yield found


def post(body: bytes, *fields: str, path: str = "/a?b=c") -> bytes:
    head = "\r\n".join((f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *fields, "", ""))
    return head.encode() + body


CLOSE = "Connection: close"


async def test_a_request_in_one_piece_and_byte_by_byte(echo: Echo) -> None:
    whole = await echo.all_of(post(b"body", CLOSE))
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    assert whole.endswith(b"\r\n\r\nPOST /a b=c body")
    reader, writer = await echo.open()
    for byte in post(b"body", CLOSE):
        writer.write(bytes((byte,)))
        await writer.drain()
    assert (await reader.read()).partition(b"Date")[0] == whole.partition(b"Date")[0]
    writer.close()


async def test_a_connection_is_kept(echo: Echo) -> None:
    reader, writer = await echo.open()
    for number in range(3):
        writer.write(post(b"%d" % number))
        assert b"Connection" not in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(13) == b"POST /a b=c %d" % number
    writer.close()


async def test_requests_in_one_read_are_answered_in_their_order(echo: Echo) -> None:
    found = await echo.all_of(post(b"1") + post(b"2") + post(b"3", CLOSE) + post(b"4"))
    assert [part[-1:] for part in found.split(b"HTTP/1.1 200")[1:]] == [b"1", b"2", b"3"]


async def test_no_more_requests_are_answered_in_one_read_than_the_limit(echo: Echo) -> None:
    found = await echo.all_of(post(b"") * (MAX_PIPELINED + 5))
    assert found.count(b"HTTP/1.1 200 OK") == MAX_PIPELINED


async def test_no_more_is_answered_to_one_read_than_may_wait_for_its_reader() -> None:
    """A transport tells that it is full when the read is over: by then it would hold the answers to all of it."""
    body = b"x" * (WRITE_HIGH_WATER // 4)
    async with serving(lambda _head, _body: Response(200, body)) as echo:
        found = await echo.all_of(post(b"") * MAX_PIPELINED)
    assert found.count(b"HTTP/1.1 200 OK") == 6
    assert found.count(b"Connection: close") == 1


async def test_a_large_body_waits_for_its_turn_whatever_becomes_of_earlier_answers(echo: Echo) -> None:
    first, second = await echo.large(), await echo.large()
    _, waits = echo.protocols
    assert waits.state.slot is Slot.QUEUED
    waits.pause_writing()
    waits.resume_writing()
    assert waits._transport is not None
    assert not waits._transport.is_reading()
    first.transport.abort()
    await until(waits._transport.is_reading)
    assert waits.state.slot is Slot.HELD
    second.close()


async def test_a_turn_that_comes_does_not_read_on_behind_unread_answers(echo: Echo) -> None:
    first, second = await echo.large(), await echo.large()
    _, waits = echo.protocols
    waits.pause_writing()
    first.transport.abort()
    await until(lambda: waits.state.slot is Slot.HELD)
    assert waits._transport is not None
    assert not waits._transport.is_reading()
    waits.resume_writing()
    assert waits._transport.is_reading()
    second.close()


async def test_the_kernel_holds_little_of_a_body_that_waits(echo: Echo) -> None:
    first = await echo.large()
    with socket.create_connection(("127.0.0.1", echo.port)) as second:
        second.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        second.sendall(CHUNKED)
        await until(lambda: echo.in_flight == 2)
        second.settimeout(0.1)
        taken = 0
        with suppress(TimeoutError):
            while taken < 1_000_000:
                taken += second.send(b"x" * 1000)
        assert taken < 100_000
    first.close()


async def test_a_chunked_body(echo: Echo) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    found = await echo.all_of(head + b"2\r\nbo\r\n2\r\ndy\r\n0\r\nExpect: 7\r\n\r\n")
    assert found.endswith(b"POST /a  body")


@pytest.mark.parametrize(("version", "kept"), [("1.0", False), ("1.1", True)])
async def test_http_1_0_keeps_no_connection(echo: Echo, version: str, kept: bool) -> None:
    reader, writer = await echo.open()
    writer.write(f"GET /a HTTP/{version}\r\nHost: x\r\n\r\n".encode())
    assert (b"Connection: close" not in await reader.readuntil(b"\r\n\r\n")) == kept
    writer.close()


async def test_head_is_answered_without_a_body(echo: Echo) -> None:
    found = await echo.all_of(b"HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 9\r\n" in found
    assert found.endswith(b"\r\n\r\n")


async def test_a_client_that_asks_whether_to_go_on_may(echo: Echo) -> None:
    reader, writer = await echo.open()
    writer.write(post(b"body", CLOSE, "Expect: 100-continue")[:-4])
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"body")
    assert (await reader.read()).endswith(b"body")
    writer.close()


async def test_a_wish_to_upgrade_is_passed_over(echo: Echo) -> None:
    wish = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    found = await echo.all_of(wish + b"\x81\x05hello")
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in found


async def test_what_is_refused_is_read_and_the_connection_ended(echo: Echo) -> None:
    found = await echo.all_of(post(b"x" * 900, path="/none") + post(b"another"))
    assert found.startswith(b"HTTP/1.1 404")
    assert b"Connection: close" in found
    assert found.endswith(b"nothing here")


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"0\r\nX: " + b"a" * MAX_HEAD, id="trailer"),
        pytest.param(b"1;" + b"a" * MAX_HEAD, id="chunk extension"),
        pytest.param(b"0000000000000000000000001\r\nx\r\n" * (MAX_HEAD // 25), id="small chunks"),
    ],
)
async def test_what_frames_a_body_has_an_end(echo: Echo, block: bytes) -> None:
    reader, writer = await echo.open()
    writer.write(CHUNKED)
    await until(lambda: echo.in_flight == 1)
    writer.write(block)
    async with asyncio.timeout(PATIENCE):
        found = await reader.readuntil(b"\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 431 ")
    assert b"Connection: close" in found
    writer.close()


async def test_a_body_of_small_chunks_is_one_object(echo: Echo) -> None:
    reader, writer = await echo.open()
    writer.write(CHUNKED)
    await until(lambda: echo.in_flight == 1)
    (connection,) = echo.protocols
    writer.write(b"2\r\nab\r\n" * 500)
    await until(lambda: connection._body_size == 1000)
    assert [len(gc.get_referents(connection._body)), len(connection._body)] == [0, 1000]
    writer.write(b"0\r\nX: " + b"a" * 1000 + b"\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /a HTTP/9.9\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, 413),
        (post(b"x" * 1001), 413),
        (b"GET /a HTTP/1.1\r\nA: " + b"x" * MAX_HEAD, 431),
        (post(b"body", "A: " + "x" * MAX_HEAD), 431),
    ],
)
async def test_what_is_no_request_is_refused_once_and_the_connection_ended(
    echo: Echo, sent: bytes, status: int
) -> None:
    reader, writer = await echo.open()
    writer.write(sent)
    found = await reader.readuntil(b"\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in found
    echo.server.connections.timeouts = replace(PATIENT, linger=0)
    writer.write(post(b"another"))
    writer.write_eof()
    assert b"another" not in await reader.read()
    writer.close()


async def test_an_error_of_the_application_is_logged_and_not_told(echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await echo.open()
    writer.write(post(b"", path="/broken"))
    assert b"HTTP/1.1 500 " in await reader.readuntil(b"\r\n\r\n")
    writer.write_eof()
    assert b"secret" not in await reader.read()
    writer.close()
    assert "secret" in caplog.text


LONG_ANSWER = 10_000_000


def talkative(_head: RequestHead, _body: bytes) -> Response:
    """More than the kernel holds back for a client."""
    return Response(200, b"x" * LONG_ANSWER)


def unread(echo: Echo) -> list[HttpProtocol]:
    return [protocol for protocol in echo.protocols if protocol.state.stage is Stage.WRITING]


async def test_a_client_that_is_slow_to_read_an_answer_gets_all_of_it() -> None:
    async with serving(talkative) as echo:
        reader, writer = await echo.open()
        for _ in range(2):
            writer.write(post(b""))
            await until(lambda: len(unread(echo)) == 1)
            (protocol,) = unread(echo)
            assert protocol._transport is not None
            assert not protocol._transport.is_reading()
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(LONG_ANSWER)
            assert protocol.state.stage is Stage.IDLE
            assert protocol._transport.is_reading()
        writer.close()


async def test_a_client_that_reads_no_answers_gets_no_more_of_them_and_is_cut() -> None:
    cut: list[str] = []
    async with serving(talkative, replace(PATIENT, answer=0.01), cut.append) as echo:
        _, writer = await echo.open()
        writer.write(post(b""))
        await until(lambda: len(echo.server) == 0 and bool(cut))
        assert cut == ["answer"]
        writer.close()


async def test_requests_behind_an_unread_answer_end_the_connection() -> None:
    async with serving(talkative) as echo:
        found = await echo.all_of(post(b"") * MAX_PIPELINED)
        assert found.count(b"HTTP/1.1 200 OK") == 2
