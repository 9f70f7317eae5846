"""The life of the process: put the parts together, serve until a signal comes, drain."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

from nginx_operator.api import names
from nginx_operator.kube import resources
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import load_config
from nginx_operator.policy_file import PolicyFile
from nginx_operator.serving import health
from nginx_operator.serving.listening import listen
from nginx_webhooks import admission, clients
from nginx_webhooks.certificates import rotation
from nginx_webhooks.certificates.authority import server_names
from nginx_webhooks.certificates.ca_bundle import Bundle
from nginx_webhooks.certificates.ca_injector import CaBundleInjector
from nginx_webhooks.certificates.certificate_controller import CertificateController
from nginx_webhooks.certificates.external_source import ExternalSource
from nginx_webhooks.certificates.files import CertificateFiles, ClientAuthorityFile
from nginx_webhooks.certificates.self_signed_source import SelfSignedSource
from nginx_webhooks.certificates.serving_certificate import ServingCertificate, utc_now
from nginx_webhooks.certificates.source import Source
from nginx_webhooks.certificates.store import AuthorityStore
from nginx_webhooks.certificates.watched_object import ObjectWatch
from nginx_webhooks.filewatch import poll
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.readiness import Readiness
from nginx_webhooks.server import AdmissionServer
from nginx_webhooks.settings import CertificatePaths, ManagedCertificate, Rotation, Settings

log = logging.getLogger(__name__)

USER_AGENT = "nginx-webhooks"


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
        PolicyError, CertificateError, ClientConfigError, OSError: it cannot start, and waiting cannot help.
    """
    stop = _stop_signal()
    metrics = Metrics()
    client_ca = ClientAuthorityFile(settings.tls.client_ca_file) if settings.tls.client_ca_file else None
    live = ServingCertificate(
        lambda leaf: metrics.certificate_expiry.set(leaf.not_valid_after_utc.timestamp()),
        minimum=settings.tls.minimum,
        client_ca=client_ca.content if client_ca else None,
        client_check=clients.named(settings.tls.client_names, metrics.clients_refused.inc),
    )
    readiness = Readiness(lambda: live.valid)
    policy = PolicyFile(settings.policy_file)
    admission.warm_up(policy.current.cluster)
    checks = health.Checks(lambda: readiness.fault)
    async with AsyncExitStack() as stack:
        refreshers: list[Callable[[], object]] = [policy.refresh]
        if client_ca:
            refreshers.append(partial(client_ca.refresh, live))
        match settings.certificate:
            case CertificatePaths(certificate, key):
                refreshers.append(CertificateFiles(certificate, key, live).refresh)
                readiness.prove()
            case ManagedCertificate() as managed:
                keeper = await _keeper(managed, live, readiness, metrics, stack)
                checks = replace(checks, unhealthy=keeper.unhealthy)
                await stack.enter_async_context(_background(keeper.run(), stop))
        await stack.enter_async_context(_background(poll(refreshers), stop))
        await stack.enter_async_context(health.serve(settings.health_bind, checks, metrics.registry))
        server = AdmissionServer(policies=lambda: policy.current, metrics=metrics, context=live.context)
        listener, address = listen(settings.bind)
        server.start(listener)
        log.info("webhooks on https://%s", address)
        await stop.wait()
        log.info("draining")
        readiness.drain()
        await server.drain()
    log.info("ended")


async def _keeper(
    managed: ManagedCertificate,
    live: ServingCertificate,
    readiness: Readiness,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> CertificateController:
    """The keeper of the certificate, with a client of its own."""
    connection = load_config()
    client = await stack.enter_async_context(Client(connection, user_agent=USER_AGENT))
    namespace = managed.namespace or connection.namespace
    changed = asyncio.Event()

    def watch(resource: resources.Resource, namespace: str | None, name: str) -> ObjectWatch:
        return ObjectWatch(client, resource, namespace, name, changed.set)

    mutating = watch(resources.MUTATING_CONFIGURATIONS, None, managed.mutating_configuration)
    validating = watch(resources.VALIDATING_CONFIGURATIONS, None, managed.validating_configuration)
    bundles = Bundle(mutating, names.MUTATING_WEBHOOK), Bundle(validating, names.VALIDATING_WEBHOOK)
    publication = CaBundleInjector(bundles, metrics)
    secret = watch(resources.SECRETS, namespace, managed.secret)
    served_as = server_names(managed.service, namespace)
    source: Source
    if managed.mode == "auto":
        store = AuthorityStore(secret)
        source = SelfSignedSource(
            store=store, publication=publication, server_names=served_as, live=live, metrics=metrics
        )
    else:
        source = ExternalSource(
            watch=secret,
            publication=publication,
            server_name=served_as[0],
            live=live,
            metrics=metrics,
            injects=managed.mode == "existingSecret",
        )
    return CertificateController(source=source, publication=publication, readiness=readiness, changed=changed)


async def rotate(asked: Rotation, tell: Callable[[str], None]) -> None:
    """Rotates the certificate authority, and returns when the new one signs.

    Raises:
        RotationError, ClientConfigError, ApiError: it cannot.
        TimeoutError: the webhooks did not do their part in time.
    """
    connection = load_config()
    changed = asyncio.Event()
    async with Client(connection, user_agent=USER_AGENT) as client, asyncio.timeout(asked.timeout):
        namespace = asked.namespace or connection.namespace
        watch = ObjectWatch(client, resources.SECRETS, namespace, asked.secret, changed.set)
        async with _background(watch.run(), asyncio.Event()):
            await rotation.rotate(AuthorityStore(watch), changed, utc_now, tell)


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
