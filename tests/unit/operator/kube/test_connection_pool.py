"""HTTP against servers that keep connections, end them, answer in pieces, late, or with something else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.connection_pool import ConnectionPool
from nginx_operator.kube.http1 import ServerDisconnectedError
from tests.support.waiting import until

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Serve = Callable[[Reader, Writer], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """A server on loopback that does what a test says with each connection.

    Attributes:
        heads: the heads of the requests, in order.
        connections: how many there were.
    """

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.connections = 0
        self.port = 0

    async def head(self, reader: Reader) -> str:
        """The head of the next request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        return head

    @asynccontextmanager
    async def serving(self, serve: Serve) -> AsyncIterator[ConnectionPool]:
        """Serves; gives a client of it."""

        async def one(reader: Reader, writer: Writer) -> None:
            self.connections += 1
            try:
                await serve(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(one, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        http = ConnectionPool(
            ClientConfig(f"http://127.0.0.1:{self.port}/prefix/"), {"User-Agent": "test"}, response_timeout=0.5
        )
        try:
            yield http
        finally:
            await http.close()
            server.close()

    def always(self, *pieces: bytes) -> Serve:
        """Answers every request with the same bytes, a piece at a time."""

        async def serve(reader: Reader, writer: Writer) -> None:
            while True:
                await self.head(reader)
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)

        return serve


@pytest.fixture
def server() -> Server:
    return Server()


async def test_a_request_is_what_was_asked(server: Server) -> None:
    async with server.serving(server.always(OK)) as http:
        answer = await http.request("PATCH", "/api/v1/pods?a=b%20c", {"Accept": "x/y"}, b"{}")
    assert (answer.status, answer.phrase, answer.body) == (200, "OK", b"ok")
    assert server.heads == [
        f"PATCH /prefix/api/v1/pods?a=b%20c HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUser-Agent: test\r\n"
        "Accept: x/y\r\nContent-Length: 2\r\n\r\n"
    ]


async def test_a_connection_is_used_again(server: Server) -> None:
    async with server.serving(server.always(OK)) as http:
        for _ in range(3):
            assert (await http.request("GET", "/", {})).body == b"ok"
    assert (len(server.heads), server.connections) == (3, 1)


async def test_requests_at_once_have_a_connection_each(server: Server) -> None:
    both = asyncio.Event()

    async def serve(reader: Reader, writer: Writer) -> None:
        await server.head(reader)
        if len(server.heads) == 2:
            both.set()
        await both.wait()
        writer.write(OK)

    async with server.serving(serve) as http:
        answers = await asyncio.gather(http.request("GET", "/1", {}), http.request("GET", "/2", {}))
    assert [answer.body for answer in answers] == [b"ok", b"ok"]
    assert server.connections == 2


async def test_a_server_that_says_close_is_not_asked_on_that_connection_again(server: Server) -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with server.serving(server.always(answer)) as http:
        for _ in range(2):
            await http.request("GET", "/", {})
    assert server.connections == 2


async def _once_then_end(server: Server, reader: Reader, writer: Writer) -> None:
    """Answers a first request on the first connection and drops the second; answers all on later ones."""
    first = server.connections == 1
    while True:
        await server.head(reader)
        if first and len(server.heads) == 2:
            return
        writer.write(OK)


async def test_a_get_on_a_connection_that_ended_meanwhile_is_asked_again(server: Server) -> None:
    async with server.serving(lambda r, w: _once_then_end(server, r, w)) as http:
        await http.request("GET", "/", {})
        assert (await http.request("GET", "/", {})).body == b"ok"
    assert (len(server.heads), server.connections) == (3, 2)


async def test_a_write_is_never_asked_again(server: Server) -> None:
    async with server.serving(lambda r, w: _once_then_end(server, r, w)) as http:
        await http.request("GET", "/", {})
        with pytest.raises(ServerDisconnectedError, match="ended the connection before its answer"):
            await http.request("PATCH", "/", {}, b"{}")
    assert [head.split()[0] for head in server.heads] == ["GET", "PATCH"]


async def test_a_get_that_a_new_connection_loses_is_an_error(server: Server) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await server.head(reader)

    async with server.serving(serve) as http:
        with pytest.raises(ServerDisconnectedError):
            await http.request("GET", "/", {})
    assert server.connections == 1


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200", b" OK\r\nContent-", b"Length: 2\r\n\r", b"\no", b"k"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n", b"1\r", b"\nk\r\n0\r\n\r\n"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK,),
    ],
)
async def test_an_answer_comes_in_any_pieces(server: Server, pieces: tuple[bytes, ...]) -> None:
    async with server.serving(server.always(*pieces)) as http:
        for _ in range(2):
            answer = await http.request("GET", "/", {})
            assert (answer.status, answer.phrase, answer.body) == (200, "OK", b"ok")
            assert "link" not in answer.headers
    assert server.connections == 1


async def test_a_body_without_a_length_ends_with_its_connection(server: Server) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nServer: proxy\r\n\r\n<html>")

    async with server.serving(serve) as http:
        answer = await http.request("GET", "/", {})
    assert (answer.status, answer.phrase, answer.body) == (502, "Bad Gateway", b"<html>")
    assert answer.headers == {"server": "proxy"}


async def test_half_a_body_is_no_answer(server: Server) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await server.head(reader)
        writer.write(OK[:-1])

    async with server.serving(serve) as http:
        with pytest.raises(ServerDisconnectedError):
            await http.request("GET", "/", {})


async def test_what_is_no_http_is_named(server: Server) -> None:
    async with server.serving(server.always(b"SSH-2.0-OpenSSH_9.2\r\n")) as http:
        with pytest.raises(ConnectionError, match=r"no HTTP/1\.1"):
            await http.request("GET", "/", {})


async def test_silence_has_an_end_and_a_late_answer_is_not_the_next_ones(server: Server) -> None:
    answered = asyncio.Event()

    async def serve(reader: Reader, writer: Writer) -> None:
        await server.head(reader)
        if server.connections == 1:
            await reader.read()  # until it is given up
            answered.set()
        else:
            writer.write(OK)

    async with server.serving(serve) as http:
        with pytest.raises(TimeoutError, match=r"no answer within 0\.5 s"):
            await http.request("GET", "/", {})
        await answered.wait()
        assert (await http.request("GET", "/", {})).body == b"ok"


@pytest.mark.parametrize("deadline", [None, 0.2], ids=["the pool's own timeout", "a deadline of the caller's"])
async def test_a_timeout_ends_the_connections_that_were_idle_meanwhile(server: Server, deadline: float | None) -> None:
    """After a failover without RST all are dead: the next request must not try them one after the other."""
    together, dead = asyncio.Barrier(3), False

    async def serve(reader: Reader, writer: Writer) -> None:
        first = server.connections <= 3
        while True:
            await server.head(reader)
            if first and dead:
                await reader.read()  # silent until it is given up
                return
            if first:
                await together.wait()  # so that there are three
            writer.write(OK)

    async with server.serving(serve) as http:
        await asyncio.gather(*(http.request("GET", "/", {}) for _ in range(3)))
        dead = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(deadline):
                await http.request("PATCH", "/", {}, b"{}")
        assert (await http.request("PATCH", "/", {}, b"{}")).body == b"ok"
    assert server.connections == 4


async def test_a_timeout_leaves_a_connection_alone_that_answered_meanwhile(server: Server) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        while "slow" not in await server.head(reader):
            writer.write(OK)
        await reader.read()

    async with server.serving(serve) as http:
        slow = asyncio.create_task(http.request("GET", "/slow", {}))
        await until(lambda: server.heads != [])
        await http.request("GET", "/", {})
        with pytest.raises(TimeoutError):
            await slow
        await http.request("GET", "/", {})
    assert server.connections == 2


async def test_what_comes_unasked_ends_the_connection(server: Server) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        while True:
            await server.head(reader)
            writer.write(OK)
            if server.connections == 1:
                await asyncio.sleep(0)
                writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
                await reader.read()
                return

    async with server.serving(serve) as http:
        assert (await http.request("GET", "/", {})).status == 200
        assert (await http.request("GET", "/", {})).status == 200
    assert server.connections == 2


async def test_nobody_there_is_an_error_with_a_reason(server: Server) -> None:
    http = ConnectionPool(ClientConfig("http://127.0.0.1:1"), {})
    with pytest.raises(ConnectionRefusedError, match=r"refused|Connect call failed"):
        await http.request("GET", "/", {})
    await http.close()


async def test_what_is_under_way_when_it_is_closed_ends_and_nothing_new_begins(server: Server) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)
        asked.set()
        await reader.read()

    asked = asyncio.Event()
    async with server.serving(serve) as http:
        await http.request("GET", "/", {})
        under_way = asyncio.create_task(http.request("GET", "/", {}))
        await asked.wait()
        await http.close()
        with pytest.raises(ConnectionError):
            await under_way
        with pytest.raises(ConnectionError, match="the client is closed"):
            await http.request("GET", "/", {})
    assert server.connections == 1


async def test_a_stream_comes_by_and_by_and_may_fall_silent(server: Server) -> None:
    told = asyncio.Event()

    async def serve(reader: Reader, writer: Writer) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"3\r\none\r\n")
        await told.wait()
        writer.write(b"3\r\ntwo\r\n")
        await reader.read()

    async with server.serving(serve) as http, http.stream("/watch", {}) as stream:
        chunks = stream.iter_bytes(0.2)
        assert (stream.status, await anext(chunks)) == (200, b"one")
        told.set()
        assert [chunk async for chunk in chunks] == [b"two"]


async def test_a_stream_that_breaks_tells_what_came_and_then_the_error(server: Server) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")

    got = []
    async with server.serving(serve) as http, http.stream("/watch", {}) as stream:
        chunks = stream.iter_bytes(5)
        got.append(await anext(chunks))
        with pytest.raises(ServerDisconnectedError):
            await anext(chunks)
    assert got == [b"one"]


async def test_a_reader_that_is_slow_makes_the_server_wait(server: Server) -> None:
    size, sent = 1 << 20, 0

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * size))
        for _ in range(64):
            writer.write(b"x" * size)
            await writer.drain()
            sent += 1

    async with server.serving(serve) as http, http.stream("/", {}) as stream:
        chunks = stream.iter_bytes(5)
        got = len(await anext(chunks))
        before = -1
        while before != sent:  # until the server stands still
            before = sent
            for _ in range(100):
                await asyncio.sleep(0)
        assert sent < 32
        async for chunk in chunks:
            got += len(chunk)
    assert got == 64 * size


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/\N{SNOWMAN}", "/\0"])
async def test_a_target_cannot_begin_something_else(server: Server, target: str) -> None:
    async with server.serving(server.always(OK)) as http:
        with pytest.raises(ValueError, match="no valid request target"):
            await http.request("GET", target, {})
    assert server.connections == 0


async def test_a_token_that_would_end_its_line_is_refused_and_not_shown(server: Server) -> None:
    async with server.serving(server.always(OK)) as http:
        with pytest.raises(ValueError, match=r"^no valid value of the header Authorization$"):
            await http.request("GET", "/", {"Authorization": "Bearer secret\r\nX: y"})
    assert server.connections == 0
