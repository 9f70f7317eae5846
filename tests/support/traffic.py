"""Repeats admissions and TLS handshakes while something changes.

The API server reuses its connections to the webhooks, so few of its requests need a handshake. Separate clients, which
trust the live caBundles, open a new connection each time.
"""

import base64
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nginx_operator.kube.resources import MUTATING_CONFIGURATIONS, NGINXES, VALIDATING_CONFIGURATIONS
from nginx_webhooks.certificates.tls_context import client_context
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.answers import DENIED
from tests.support.namespaces import nginx
from tests.support.product import HOST, NAMESPACE, RELEASE

SERVER_NAME = f"{RELEASE}-webhooks.{NAMESPACE}.svc"
CONFIGURATIONS = (MUTATING_CONFIGURATIONS, VALIDATING_CONFIGURATIONS)
#: Seconds between two rounds, so that the API server is not saturated.
PAUSE = 0.02


def bundles(bed: Bed) -> list[bytes]:
    """The caBundle of each of our entries, of both configurations."""
    configurations = [bed.get(resource.path(None, RELEASE)) or {} for resource in CONFIGURATIONS]
    entries = [entry for configuration in configurations for entry in configuration["webhooks"]]
    return [base64.b64decode(entry["clientConfig"].get("caBundle", "")) for entry in entries]


def leaf(bed: Bed, port: int, bundle: bytes) -> bytes:
    """The certificate (DER) that a process presents to a client with this bundle.

    Raises:
        OSError: the client refuses it.
        ValueError: there is nothing in the bundle.
    """
    trust = client_context(bundle)
    with bed.dial((HOST, port)) as connection, trust.wrap_socket(connection, server_hostname=SERVER_NAME) as secure:
        found = secure.getpeercert(binary_form=True)
    assert found is not None
    return found


@dataclass
class Traffic:
    """Counts successes, and records failures."""

    bed: Bed
    ports: Sequence[int]
    admissions: int = 0
    handshakes: int = 0
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def flowing(self, *, handshakes: bool = True) -> Iterator["Traffic"]:
        """Runs beside the block. Fails if an admission or a handshake failed."""
        ended = threading.Event()
        calls = [self._admit, self._shake] if handshakes else [self._admit]
        threads = [threading.Thread(target=self._repeat, args=(call, ended)) for call in calls]
        for thread in threads:
            thread.start()
        try:
            yield self
            self._some_more()
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        assert not self.failures, f"{len(self.failures)} failed, the first: {self.failures[:3]}"
        assert self.admissions

    def _some_more(self) -> None:
        """Waits for more admissions, which the last change affects."""
        target = self.admissions + 20
        until(lambda: self.admissions >= target or self.failures, seconds=PATIENCE, what="some more admissions")

    def _repeat(self, call: Any, ended: threading.Event) -> None:
        while not ended.wait(PAUSE):
            try:
                call()
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}")

    def _admit(self) -> None:
        """One Nginx is defaulted and accepted, another refused by the webhook; neither is stored."""
        status, answer = self._create({})
        assert (status, answer.get("spec", {}).get("count")) == (201, 1), answer
        status, answer = self._create({"count": 101})
        assert status == 422, answer
        assert DENIED in answer["message"], answer
        self.admissions += 2

    def _create(self, spec: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        body = nginx(spec, generateName="probe-")
        return self.bed.request("POST", f"{NGINXES.path('default')}?dryRun=All", body)

    def _shake(self) -> None:
        """Opens a connection to each process with each bundle that was live just before."""
        for bundle in set(bundles(self.bed)):
            for port in self.ports:
                leaf(self.bed, port, bundle)
                self.handshakes += 1
