"""Log lines on stderr: plain for people, or one JSON object a line for collectors."""

import argparse
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal

LogFormat = Literal["plain", "json"]

FORMATS: Final[tuple[LogFormat, ...]] = ("plain", "json")
LEVELS: Final = ("debug", "info", "warning", "error")

#: Name of the attribute of a log record that carries fields for collectors, given by `extra={"fields": {...}}`.
FIELDS: Final = "fields"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that say how to log."""
    parser.add_argument("--log-format", choices=FORMATS, default="plain", help="(default: %(default)s)")
    parser.add_argument("--log-level", choices=LEVELS, default="info", help="(default: %(default)s)")


def configure(log_format: LogFormat, level: str) -> None:
    """Sends every logger of the process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else PlainFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class LogOnChange:
    """Logs a message unless it is the one logged last: for what is tried again until it works.

    Args:
        logger: where to log.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._last: str | None = None

    def log(self, level: int, message: str) -> None:
        """Logs the message if it differs from the last one."""
        if message != self._last:
            self._logger.log(level, "%s", message)
        self._last = message

    def reset(self) -> None:
        """Forgets the last message: it is logged again when it comes back."""
        self._last = None


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class PlainFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.000Z INFO message`. What a caller sent cannot start a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback below it if there is one."""
        message = "".join(char if char.isprintable() else repr(char)[1:-1] for char in record.getMessage())
        line = f"{_time(record)} {record.levelname} {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "logger", "message", ...fields}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)
