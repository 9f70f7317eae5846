"""What the judge says of a configuration, case by case, and that nothing makes it raise or open a file."""

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nginx_operator.api.nginx_conf.directives import table
from nginx_operator.api.nginx_conf.findings import MOST_FINDINGS, Verdict
from nginx_operator.api.nginx_conf.judge import judge
from nginx_operator.api.nginx_conf.rules import Rules
from tests.support.nginx_configurations import HTTP, MAIN

RULES = Rules(reserved_ports={8081: "the operator's own"})


def of_http(text: str, rules: Rules = RULES) -> Verdict:
    return judge(text, path="config.http.inline", place="http", rules=rules)


def of_main(text: str) -> Verdict:
    return judge(text, path="config.main.inline", place="main", rules=RULES)


@pytest.mark.parametrize("name", HTTP)
def test_what_stands_in_http_is_accepted(name: str) -> None:
    assert of_http(HTTP[name]).errors == []


@pytest.mark.parametrize("name", MAIN)
def test_a_whole_file_is_accepted(name: str) -> None:
    assert of_main(MAIN[name]).errors == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server {\n  listen 8080\n  server_name a;\n}", '2: directive "listen" is not terminated by ";"'),
        ("server {\n  root /a\n  index b;\n}", '2: directive "root" is not terminated by ";"'),
        ("server {\n  listen 8080\n}", '2: directive "listen" is not terminated by ";"'),
        ("server {\n  listen 8080;", '1: the block of "server" is not closed by "}"'),
        ("}\nstream {", '1: unexpected "}"; no block is open here'),
        ("server { };", '1: unexpected ";"; no directive stands before it'),
        ("server { return 200 'a; }", "1: the quote ' that opens here is not closed"),
        ("server { return 200 'a'b; }", '1: unexpected "b" behind a closing quote; put a space or ";" between them'),
        ("\ufeffserver {}", "1: the text begins with a byte order mark, which nginx does not read; save it without"),
        ("server { root /a /b; }", '1: directive "root" takes 1 argument, but has 2'),
        ("server;", '1: directive "server" has no opening "{"'),
        (
            "listen 80;",
            '1: directive "listen" is not allowed in "http", but in "server", "server" of "mail", "server" of "stream"',
        ),
        (
            "server { location ~ ^/a{8,}$ { } }",
            '1: "{" ends an argument before "8,}$"; put quotes around the argument',
        ),
        (
            "server { location ~ ^/a{8,}$ { } } }",
            '1: unknown directive "8,}$"; put quotes around a regular expression that has "{"',
        ),
        ("load_module x.so;", '1: directive "load_module" is not allowed, because it loads or runs code'),
        ("perl_modules x;", '1: directive "perl_modules" is not allowed, because it loads or runs code'),
        ("brotli { js_import x; }", '1: directive "js_import" is not allowed, because it loads or runs code'),
        ("include /var/run/x;", '1: include "/var/run/x" is outside /etc/nginx and /usr/share/nginx'),
        ("include ../../var/x;", '1: include "../../var/x" is outside /etc/nginx and /usr/share/nginx'),
        ("include .?/.?/x;", '1: include ".?/.?/x" has a wildcard behind a leading dot; name the files'),
        ("types { include /x; }", '1: include "/x" is outside /etc/nginx and /usr/share/nginx'),
        ("server { listen 8081; }", "1: listens on port 8081, which is the operator's own; use another port"),
        ("server { listen 99999; }", '1: directive "listen" has the port 99999; a port is a number from 1 to 65535'),
        ("map $a $b { a b c; }", '1: an entry of "map" is two words and ";", but this one has 3'),
        ("map $a $b { a { } }", '1: unexpected "{" in the block of "map"'),
        (
            "server { ssl_certificate_key engine:x:y; }",
            '1: directive "ssl_certificate_key" names an engine of OpenSSL, which is not allowed; name a file',
        ),
    ],
)
def test_what_is_refused_in_http(text: str, message: str) -> None:
    assert str(of_http(text).errors[0]) == f"config.http.inline:{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("daemon on;\nevents {}", '1: "daemon" is set where the container starts nginx, in the foreground; remove it'),
        ("daemon off;\nevents {}", '1: "daemon" is set where the container starts nginx, in the foreground; remove it'),
        ("master_process off; events {}", '1: "master_process off" is for developers of nginx alone; remove it'),
        ("http {}", '1: no "events" block; nginx does not start without one, and "events {}" is enough'),
        (
            "events {} http { server { listen 8080; } }\nstream { server { listen 127.0.0.1:8080; proxy_pass a:1; } }",
            '2: listens on port 8080, as a server of "http" in line 1 does; nginx would not start',
        ),
    ],
)
def test_what_is_refused_in_a_whole_file(text: str, message: str) -> None:
    assert [str(error) for error in of_main(text).errors] == [f"config.main.inline:{message}"]


def test_one_port_for_tcp_and_udp_is_no_collision() -> None:
    assert (
        of_main("events {} http { server { listen 8080; } } stream { server { listen 8080 udp; return a; } }").errors
        == []
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("proxy_passs a;", 'unknown directive "proxy_passs"; did you mean "proxy_pass"?'),
        ("brotli on;", 'unknown directive "brotli"; nginx 1.28.3 does not have it without a module'),
        (
            "server { listen 80; }",
            "listens on port 80, which older container runtimes keep for root; use a port of 1024 or above",
        ),
        ("server { listen 8080 http2; }", 'parameter "http2" of "listen" is deprecated; use directive "http2"'),
        ("http2_push_preload on;", 'directive "http2_push_preload" is deprecated'),
        (
            "server { listen 8080; server_name a\n root b; }",
            'directive "server_name" takes "root" in a later line as an argument; is a ";" missing?',
        ),
    ],
)
def test_what_is_warned_of(text: str, message: str) -> None:
    verdict = of_http(text)
    assert verdict.errors == []
    assert [warning.message for warning in verdict.warnings] == [message]


def test_the_administrator_can_allow_a_directive() -> None:
    assert of_http("js_import x;", Rules(allowed=("js_import",))).errors == []


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("root " + "x" * 4095 + ";", True),
        ("root " + "x" * 4096 + ";", False),
        ("root '" + "x" * 4094 + "';", True),
        ("root '" + "x" * 4095 + "';", False),
        ("root '" + "x" * 4094 + "' ;", False),
        ("#" + "x" * 4094 + "\n", True),
        ("#" + "x" * 4095 + "\n", False),
        ("root " + "é" * 2048 + ";", False),
    ],
)
def test_the_bound_is_nginxs_buffer(text: str, fits: bool) -> None:
    assert (of_http(text).errors == []) is fits


def test_findings_are_bounded() -> None:
    assert len(of_http("root;\n" * 5000).errors) == MOST_FINDINGS


OPENED: list[Any] = []
WATCH: list[bool] = []


def _audit(event: str, arguments: Any) -> None:
    if WATCH and event in ("open", "os.listdir", "os.scandir", "glob.glob", "socket.connect", "subprocess.Popen"):
        OPENED.append((event, arguments))


sys.addaudithook(_audit)

WORDS = st.sampled_from(
    [*table().rules, *";{}\"'\\#$ \n\r\t)", "${", "include /var/run/secrets/x;", "server {", "listen 80;", "map a b {"]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(st.one_of(WORDS, st.text(max_size=4))).map(" ".join)), st.booleans())
def test_no_text_raises_or_opens_a_file(text: str, whole: bool) -> None:
    WATCH.append(True)
    try:
        of_main(text) if whole else of_http(text)
    finally:
        WATCH.clear()
    assert OPENED == []
