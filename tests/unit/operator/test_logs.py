import json
import logging

import pytest

from nginx_operator.logs import FIELDS, JsonFormatter, LogOnChange, PlainFormatter


def record(message: str, **extra: object) -> logging.LogRecord:
    found = logging.LogRecord("nginx_webhooks.server", logging.INFO, __file__, 1, message, (), None)
    found.__dict__.update(extra)
    return found


def test_plain_lines_cannot_be_forged() -> None:
    line = PlainFormatter().format(record("by alice\n2026-01-01T00:00:00Z ERROR forged \x1b[31m"))
    assert "\n" not in line
    assert "\\n2026" in line
    assert "\x1b" not in line


def test_json_lines_carry_the_fields() -> None:
    line = JsonFormatter().format(record("refused", **{FIELDS: {"user": "alice\n", "name": "web"}}))
    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["level"], entry["message"], entry["user"], entry["name"]) == ("info", "refused", "alice\n", "web")
    assert entry["time"].endswith("Z")


def test_both_carry_a_traceback() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        found = record("unexpected")
        found.exc_info = (type(error), error, error.__traceback__)
    assert "ValueError: boom" in PlainFormatter().format(found)
    assert "ValueError: boom" in json.loads(JsonFormatter().format(found))["exception"]


def test_a_message_is_logged_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    state = LogOnChange(logging.getLogger("nginx_operator.election"))
    for message in ("refused: 5 % lost", "refused: 5 % lost", "away", "refused: 5 % lost"):
        state.log(logging.WARNING, message)
    logged = ("nginx_operator.election", logging.WARNING)
    assert caplog.record_tuples == [
        (*logged, "refused: 5 % lost"),
        (*logged, "away"),
        (*logged, "refused: 5 % lost"),
    ]


def test_after_a_reset_the_same_message_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    state = LogOnChange(logging.getLogger("nginx_operator.election"))
    state.log(logging.ERROR, "away")
    state.reset()
    state.log(logging.ERROR, "away")
    assert caplog.messages == ["away", "away"]
