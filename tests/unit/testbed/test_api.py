"""The client of a bed's API server and health ports."""

import socket
import threading

from testbed.api import Connection

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_a_connection_that_the_server_has_closed_is_not_used_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closing = threading.Event()

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                for _ in range(2):
                    accepted.recv(65536)
                    accepted.sendall(ANSWER)
                closing.wait()

        server = threading.Thread(target=serve)
        server.start()
        with Connection(None, listener.getsockname()) as connection:
            assert connection.request("GET", "/") == (200, b"{}")
            assert connection.usable
            assert connection.request("GET", "/") == (200, b"{}")
            closing.set()
            server.join()
            assert not connection.usable
