"""Rules on spec.config."""

from typing import Any

import pytest

from nginx_operator.api.policy import DEFAULT_IMAGE, Policy
from nginx_operator.api.validation import ValidationResult, validate
from nginx_operator.api.validation import config as rules

SERVER = "server {\n    listen 8080;\n    return 204;\n}\n"


def judged(config: dict[str, Any] | None, old: dict[str, Any] | None = None, **more: Any) -> ValidationResult:
    spec = {"count": 1, "image": DEFAULT_IMAGE, "config": config, **more}
    old_spec = None if old is None else {**spec, "count": 2, "config": old}
    return validate("web", spec, Policy(), old_spec=old_spec)


def http(text: str) -> dict[str, Any]:
    return {"http": {"inline": text}}


def main(text: str) -> dict[str, Any]:
    return {"main": {"inline": text}}


@pytest.mark.parametrize("config", [None, {"image": {}}, http(SERVER), main(f"events {{}}\nhttp {{ {SERVER} }}")])
def test_what_is_right_is_taken_without_a_word(config: dict[str, Any] | None) -> None:
    assert judged(config) == ([], [])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "spec.config: needs exactly one of http, main and image"),
        ({"image": {}, **http(SERVER)}, "spec.config: needs exactly one of http, main and image"),
        (
            http("server {\n    listen 8080\n    root /a;\n}\n"),
            'spec.config.http.inline:2: directive "listen" is not termin',
        ),
        (http("}\nhttp {"), "spec.config.http.inline:1: "),
        (
            http("server {\n    listen 8081;\n}\n"),
            "spec.config.http.inline:2: listens on port 8081, which is the operator's",
        ),
        (http("server { listen 8080; include /var/run/secrets/a; }"), "spec.config.http.inline:1: include "),
        (
            main("daemon off;\nevents {}\nhttp {}"),
            'spec.config.main.inline:1: "daemon" is set where the container starts',
        ),
        (main("http {}"), 'spec.config.main.inline:1: no "events" block'),
    ],
)
def test_what_nginx_would_refuse_is_refused_with_its_line(config: dict[str, Any], words: str) -> None:
    assert any(str(error).startswith(words) for error in judged(config).errors), judged(config)


def test_an_empty_object_has_no_fields() -> None:
    spec = {"count": 1, "image": DEFAULT_IMAGE, "config": {"image": {"name": "a"}}}
    (error,) = validate("web", spec, Policy(), strict=True).errors
    assert str(error) == "spec.config.image.name: unknown field; there are none here"


def test_the_port_of_the_operators_server_is_taken() -> None:
    (error,) = judged(http("server { listen 9000; }"), containerPort=8081).errors
    assert str(error).startswith("spec.containerPort: 8081 is the port of the operator's own server")
    assert judged(main("events {}\nhttp { server { listen 8081; } }"), containerPort=8081).errors == []


@pytest.mark.parametrize(
    ("text", "port", "deaf"),
    [
        ("server { listen 9090; }", 8080, True),
        ("server { listen 9090; }", 9090, False),
        ("server { listen 8000-8080; }", 8080, False),
        ("include /etc/nginx/conf.d/*.conf;", 8080, False),
        ("map $a $b { default 1; }", 8080, True),
    ],
)
def test_a_port_that_no_server_listens_on_is_warned_of(text: str, port: int, deaf: bool) -> None:
    found = judged(http(text), containerPort=port)
    assert found.errors == []
    assert any("no server listens on spec.containerPort" in warning for warning in found.warnings) == deaf


def test_a_text_that_stays_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands are stored, and each would be judged at an operator's start and with each scaling."""
    asked: list[str] = []
    monkeypatch.setattr(rules, "judge", lambda text, **_: asked.append(text) or rules.Verdict([], [], []))
    broken = http("server {")
    assert judged(broken, old=broken).errors == []
    assert asked == []
    judged(http("server { }"), old=broken)
    assert asked == ["server { }"]
