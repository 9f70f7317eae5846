"""The words of a pod's events, and the questions that help."""

import pytest

from nginx_operator.api.types import HTTPGetAction, NginxSpec, Probe, Probes, TCPSocketAction
from nginx_operator.decide.pod_events import Event, explain
from tests.support.observations import pod

HTTP = Probes(Probe(HTTPGetAction("/ready")))
TCP_8081 = Probes(Probe(tcp_socket=TCPSocketAction(8081)))


@pytest.mark.parametrize(
    ("probes", "reason", "message", "question"),
    [
        (Probes(), "Unhealthy", "dial tcp: connection refused", "does the image listen on spec.containerPort 9090?"),
        (TCP_8081, "Unhealthy", "connection refused", "does the image listen on port 8081 of spec.probes.readiness?"),
        (HTTP, "Unhealthy", "connection refused", "does the image listen on spec.containerPort 9090?"),
        (
            HTTP,
            "Unhealthy",
            "HTTP probe failed with statuscode: 404",
            "does the image answer /ready with",
        ),
        (HTTP, "Unhealthy", "context deadline exceeded", "is spec.probes.readiness.timeoutSeconds long enough"),
        (Probes(), "FailedCreatePodSandBox", "OOM-killed (memory limit too low?)", "is spec.resources.limits.memory"),
        (Probes(), "FailedMount", 'MountVolume.SetUp failed: secret "a" not found', ""),
        (Probes(), "Unhealthy", "of tomorrow", ""),
    ],
)
def test_a_question_helps(probes: Probes, reason: str, message: str, question: str) -> None:
    spec = NginxSpec(1, "a:1", container_port=9090, probes=probes)
    found = explain(pod("a"), [Event(reason, f"{message}\n", "2026-01-01T00:00:00Z")], spec)
    assert found.startswith(f"pod a: {reason}: {message}" + ("; " if question else ""))
    assert found.partition(f"{message}; ")[2].startswith(question)
    assert not found.endswith("\n")


def test_the_last_event_counts_whatever_made_it() -> None:
    old, new = Event("A", "a", "2026-01-01T00:00:00Z"), Event("B", "b", None, "2026-01-01T00:00:01.000000Z")
    assert explain(pod("a"), [new, old], NginxSpec(1, "a:1")) == "pod a: B: b"
    assert explain(pod("a"), [], NginxSpec(1, "a:1")) == ""
