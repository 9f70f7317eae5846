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


def test_everybodys_requests_have_a_name_and_how_they_failed(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.touch()
    audit = Audit(log)
    requests = [
        ("system:serviceaccount:kube-system:deployment-controller", "any", "update", 200),
        ("system:serviceaccount:kube-system:deployment-controller", "any", "update", 409),
        ("admin", "kwok/v0.8 (linux)", "patch", 200),
        ("admin", "kwok/v0.8 (linux)", "watch", 200),
    ]
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    for namespace in ("shop", "other"):
        for user, agent, verb, code in requests:
            entry = {
                "stage": "ResponseComplete",
                "verb": verb,
                "user": {"username": user},
                "userAgent": agent,
                "objectRef": {"resource": "replicasets", "namespace": namespace},
                "responseStatus": {"code": code},
                "requestReceivedTimestamp": soon,
            }
            with log.open("a") as end:
                end.write(json.dumps(entry, separators=(",", ":")) + "\n")
    assert audit.everybody("shop") == {
        ("deployment-controller", "update replicasets"): 1,
        ("deployment-controller", "update replicasets, answered 409"): 1,
        ("kwok", "patch replicasets"): 1,
    }
