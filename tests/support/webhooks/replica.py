"""The objects that the chart renders, and the certificate controller of one replica."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from nginx_operator.api import names
from nginx_operator.kube import resources
from nginx_operator.kube.client import Client
from nginx_webhooks.certificates.authority import server_names
from nginx_webhooks.certificates.ca_injector import CaInjector
from nginx_webhooks.certificates.ca_secret import CaSecret
from nginx_webhooks.certificates.certificate_controller import CertificateController
from nginx_webhooks.certificates.external_source import ExternalSource
from nginx_webhooks.certificates.self_signed_source import SelfSignedSource
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.source import CertificateSource
from nginx_webhooks.certificates.watched_object import ObjectWatch
from nginx_webhooks.certificates.webhook_configuration import WebhookConfiguration
from nginx_webhooks.flags import CertificateMode
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.readiness import Readiness
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until

SECRET = "/api/v1/namespaces/system/secrets/ca"
ROOT = "/apis/admissionregistration.k8s.io/v1"
MUTATING = f"{ROOT}/mutatingwebhookconfigurations/nginx-operator"
VALIDATING = f"{ROOT}/validatingwebhookconfigurations/nginx-operator"
NAMES = server_names("hooks", "system")


def secret() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ca", "namespace": "system"}, "type": "Opaque"}


def configuration(kind: str, entry: str) -> dict[str, Any]:
    service = {"service": {"name": "hooks", "namespace": "system", "path": f"/{entry.split('.')[0]}"}}
    other = {"name": "other.example.com", "clientConfig": {"url": "https://example.com"}, "sideEffects": "None"}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "nginx-operator"},
        "webhooks": [{"name": entry, "clientConfig": service, "sideEffects": "None"}, other],
    }


def install(api: ApiServer) -> None:
    """What `helm install` makes, and `helm upgrade --force` makes again."""
    api.put(SECRET, secret())
    install_configurations(api)


def install_configurations(api: ApiServer) -> None:
    api.put(MUTATING, configuration("MutatingWebhookConfiguration", names.MUTATING_WEBHOOK))
    api.put(VALIDATING, configuration("ValidatingWebhookConfiguration", names.VALIDATING_WEBHOOK))


def ca_bundle(api: ApiServer, path: str) -> bytes:
    """The caBundle of our entry."""
    return base64.b64decode(api.objects[path]["webhooks"][0]["clientConfig"].get("caBundle") or "")


def writes(api: ApiServer, plural: str) -> int:
    """How often one was asked to write."""
    return len(api.sent("patch", plural=plural))


class Replica:
    """A certificate controller with its watches, its clock and everything that it tells others."""

    def __init__(self, client: Client, mode: CertificateMode = "auto", ahead: timedelta = timedelta(0)) -> None:
        self.ahead = ahead
        self.changed = asyncio.Event()
        self.metrics = Metrics()
        self.serving = ServingCertificate(clock=self.now)
        self.readiness = Readiness(lambda: self.serving.valid)
        self.secret = ObjectWatch(client, resources.SECRETS, "system", "ca", self.changed.set)
        self.mutating = ObjectWatch(client, resources.MUTATING_CONFIGURATIONS, None, "nginx-operator", self.changed.set)
        self.validating = ObjectWatch(
            client, resources.VALIDATING_CONFIGURATIONS, None, "nginx-operator", self.changed.set
        )
        self.injector = CaInjector(
            (
                WebhookConfiguration(self.mutating, names.MUTATING_WEBHOOK),
                WebhookConfiguration(self.validating, names.VALIDATING_WEBHOOK),
            ),
            self.metrics,
        )
        self.controller = CertificateController(
            source=self.source(mode),
            injector=self.injector,
            readiness=self.readiness,
            metrics=self.metrics,
            changed=self.changed,
            clock=self.now,
        )

    def source(self, mode: CertificateMode) -> CertificateSource:
        injector, serving, metrics = self.injector, self.serving, self.metrics
        if mode == "auto":
            return SelfSignedSource(
                secret=CaSecret(self.secret), injector=injector, server_names=NAMES, serving=serving, metrics=metrics
            )
        return ExternalSource(
            watch=self.secret,
            injector=injector,
            server_name=NAMES[0],
            serving=serving,
            metrics=metrics,
            injects=mode == "existingSecret",
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def pass_time(self, delta: timedelta) -> None:
        """Moves this replica's clock, and makes it look."""
        self.ahead += delta
        self.changed.set()

    def injected(self, api: ApiServer) -> bool:
        """Whether both caBundles are what the Secret says, as this replica knows."""
        return self.injector.injected_for(api.data(SECRET)["ca.crt"], self.now()) >= timedelta(0)

    def changes(self, change: str) -> float:
        return self.metric("ca_changes_total", change=change)

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"nginx_webhooks_{name}", labels) or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Replica"]:
        task = asyncio.create_task(self.controller.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    async def ready(self) -> None:
        await until(lambda: not self.readiness.fault)
