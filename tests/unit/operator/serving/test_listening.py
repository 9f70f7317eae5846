import socket

import pytest

from nginx_operator.serving.listening import Address, listen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":8081", Address("", 8081)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:443", Address("::1", 443)),
        ("[::]:10250", Address("::", 10250)),
        ("localhost:65535", Address("localhost", 65535)),
    ],
)
def test_addresses_are_understood_and_shown_alike(text: str, expected: Address) -> None:
    assert Address.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize("text", ["", "8081", "localhost", "localhost:", ":x", ":65536", "::1:80", ":-1", ":٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|brackets"):
        Address.parse(text)


def test_an_empty_host_listens_on_ipv4() -> None:
    listener, address = listen(Address("", 0))
    with listener:
        socket.create_connection(("127.0.0.1", address.port)).close()


def test_a_taken_address_is_refused_by_name() -> None:
    listener, taken = listen(Address("127.0.0.1", 0))
    with listener, pytest.raises(OSError, match=f"cannot listen on {taken}: .* in use"):
        listen(taken)
