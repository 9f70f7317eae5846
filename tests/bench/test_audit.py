"""Which requests of an audit log count."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.audit import Audit

USER = "somebody"


def line(received: datetime, name: str, stage: str = "ResponseComplete") -> str:
    """A line of an audit log: a patch of the status of an Nginx."""
    target = {"resource": "nginxes", "subresource": "status", "namespace": "shop", "name": name}
    at = received.isoformat(timespec="microseconds").replace("+00:00", "Z")
    entry = {"stage": stage, "verb": "patch", "user": {"username": USER}, "objectRef": target}
    return json.dumps({**entry, "requestReceivedTimestamp": at}, separators=(",", ":")) + "\n"


def test_a_request_counts_from_when_it_was_received_though_lines_come_later(tmp_path: Path) -> None:
    log, now = tmp_path / "audit.log", datetime.now(UTC)
    log.write_text(line(now, "web"))
    audit = Audit(log)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    with log.open("a") as end:
        end.write(line(now, "web"))  # received before, and answered since
        end.write(line(soon, "web", "ResponseStarted"))
        end.write(line(soon, "web") + line(soon, "other"))
        end.write(line(soon, "web").rstrip("\n"))  # half of a line
    assert audit.writes(USER) == {"patch nginxes/status": 2}
    assert audit.writes(USER, not_of="other") == {"patch nginxes/status": 1}
    assert not audit.writes("somebody else")
