"""The two commands as processes: wire the parts, serve until a signal comes, drain; or rotate the CA."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

from nginx_operator.api import names
from nginx_operator.api.policy import Policy
from nginx_operator.kube import resources
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import load_config
from nginx_operator.policy_file import PolicyFile
from nginx_operator.serving import health
from nginx_operator.serving.listening import listen
from nginx_webhooks import admission, client_certificates
from nginx_webhooks.certificates import rotate as rotate_command
from nginx_webhooks.certificates.authority import server_names
from nginx_webhooks.certificates.ca_injector import CaInjector
from nginx_webhooks.certificates.ca_secret import CaSecret
from nginx_webhooks.certificates.certificate_controller import CertificateController
from nginx_webhooks.certificates.external_source import ExternalSource
from nginx_webhooks.certificates.files import CertificateFiles, ClientCaFile
from nginx_webhooks.certificates.self_signed_source import SelfSignedSource
from nginx_webhooks.certificates.serving_certificate import ServingCertificate, utc_now
from nginx_webhooks.certificates.source import CertificateSource
from nginx_webhooks.certificates.tls_context import ServerTls
from nginx_webhooks.certificates.watched_object import ObjectWatch
from nginx_webhooks.certificates.webhook_configuration import WebhookConfiguration
from nginx_webhooks.filewatch import poll
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.readiness import Readiness
from nginx_webhooks.server import AdmissionServer
from nginx_webhooks.settings import CertificatePaths, CertificateSecret, RotateSettings, ServeSettings

log = logging.getLogger(__name__)

USER_AGENT = "nginx-webhooks"


async def serve(settings: ServeSettings) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
        PolicyError, CertificateError, ClientConfigError, OSError: it cannot start, and waiting cannot help.
    """
    stop = _stop_signal()
    metrics = Metrics()
    client_ca = ClientCaFile(settings.tls.client_ca_file) if settings.tls.client_ca_file else None
    serving = ServingCertificate(
        lambda leaf: metrics.certificate_expiry.set(leaf.not_valid_after_utc.timestamp()),
        tls=ServerTls(settings.tls.min_version, client_ca.content if client_ca else None),
        client_verifier=client_certificates.allow_names(settings.tls.client_names, metrics.clients_refused.inc),
    )
    readiness = Readiness(lambda: serving.valid)
    policy = PolicyFile(settings.policy_file, Policy(release=settings.release))
    admission.warm_up(policy.current.cluster)
    checks = health.Checks(lambda: readiness.fault)
    async with AsyncExitStack() as stack:
        refreshers: list[Callable[[], object]] = [policy.refresh]
        if client_ca:
            refreshers.append(partial(client_ca.refresh, serving))
        match settings.certificate:
            case CertificatePaths(certificate, key):
                refreshers.append(CertificateFiles(certificate, key, serving).refresh)
                readiness.prove()
            case CertificateSecret() as secret:
                controller = await _certificate_controller(secret, serving, readiness, metrics, stack)
                checks = replace(checks, unhealthy=controller.unhealthy)
                await stack.enter_async_context(_background(controller.run(), stop))
        await stack.enter_async_context(_background(poll(refreshers), stop))
        await stack.enter_async_context(health.serve(settings.health_bind, checks, metrics.registry))
        server = AdmissionServer(policies=lambda: policy.current, metrics=metrics, context=serving.context)
        listener, address = listen(settings.bind)
        server.start(listener)
        log.info("webhooks on https://%s", address)
        await stop.wait()
        log.info("draining")
        readiness.drain()
        await server.drain()
    log.info("ended")


async def _certificate_controller(
    settings: CertificateSecret,
    serving: ServingCertificate,
    readiness: Readiness,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> CertificateController:
    """The certificate controller, with a client of its own."""
    config = load_config()
    client = await stack.enter_async_context(Client(config, user_agent=USER_AGENT))
    namespace = settings.namespace or config.namespace
    changed = asyncio.Event()

    def watch(resource: resources.Resource, namespace: str | None, name: str) -> ObjectWatch:
        return ObjectWatch(client, resource, namespace, name, changed.set)

    mutating = watch(resources.MUTATING_CONFIGURATIONS, None, settings.mutating_configuration)
    validating = watch(resources.VALIDATING_CONFIGURATIONS, None, settings.validating_configuration)
    injector = CaInjector(
        (
            WebhookConfiguration(mutating, names.MUTATING_WEBHOOK),
            WebhookConfiguration(validating, names.VALIDATING_WEBHOOK),
        ),
        metrics,
    )
    secret = watch(resources.SECRETS, namespace, settings.secret)
    dns_names = server_names(settings.service, namespace)
    source: CertificateSource
    if settings.mode == "auto":
        source = SelfSignedSource(
            secret=CaSecret(secret), injector=injector, server_names=dns_names, serving=serving, metrics=metrics
        )
    else:
        source = ExternalSource(
            watch=secret,
            injector=injector,
            server_name=dns_names[0],
            serving=serving,
            metrics=metrics,
            injects=settings.mode == "existingSecret",
        )
    return CertificateController(
        source=source, injector=injector, readiness=readiness, metrics=metrics, changed=changed
    )


async def rotate(settings: RotateSettings, report: Callable[[str], None]) -> None:
    """Rotates the CA, and returns when the new one issues.

    Raises:
        RotationError, ClientConfigError, ApiError: it cannot.
        TimeoutError: the webhooks did not do their part in time.
    """
    config = load_config()
    changed = asyncio.Event()
    async with Client(config, user_agent=USER_AGENT) as client, asyncio.timeout(settings.timeout):
        namespace = settings.namespace or config.namespace
        watch = ObjectWatch(client, resources.SECRETS, namespace, settings.secret, changed.set)
        async with _background(watch.run(), asyncio.Event()):
            await rotate_command.rotate(CaSecret(watch), changed, utc_now, report)


@asynccontextmanager
async def _background(work: Coroutine[None, None, None], stop: asyncio.Event) -> AsyncIterator[None]:
    """Runs `work` beside the body. If it fails, the process drains and then ends with that failure."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
