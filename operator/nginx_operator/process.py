"""The process: a connection, a controller, kopf around it, and an exit code."""

import asyncio
import logging
from contextlib import AsyncExitStack

from nginx_operator import handlers
from nginx_operator.api.policy import Policy, PolicyError
from nginx_operator.controller import Controller
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfigError, load_config
from nginx_operator.metrics import Metrics
from nginx_operator.policy_file import PolicyFile
from nginx_operator.serving import health
from nginx_operator.settings import Settings

log = logging.getLogger(__name__)


async def run(settings: Settings) -> int:
    """Runs until a signal or a failure.

    Returns:
        0 after SIGTERM or SIGINT, 1 after a failure, which is logged.
    """
    failures: list[str] = []
    stop = asyncio.Event()

    def fail(why: str) -> None:
        failures.append(why)
        stop.set()

    try:
        connection = load_config()
        metrics = Metrics()
        async with Client(connection, answered=metrics.count_api_request) as client, AsyncExitStack() as parts:
            base = Policy(release=settings.release, pod_ip_families=settings.pod_ip_families)
            controller = Controller(settings, client, PolicyFile(settings.policy_file, base), metrics, fail)
            checks = health.Checks(controller.unready, controller.unhealthy, controller.notice)
            await parts.enter_async_context(health.serve(settings.metrics_bind, checks, metrics.registry))
            parts.push_async_callback(controller.stop)
            await handlers.operate(controller, connection, stop, parts.aclose)
    except (ClientConfigError, PolicyError) as error:
        failures.append(f"cannot start: {error}")
    except OSError as error:
        failures.append(error.strerror or str(error))
    except Exception as error:  # kopf gives up where an answer is none that it retries; a restart begins anew
        log.debug("kopf ended", exc_info=error)
        failures.append(f"kopf ended on an error that it does not retry: {error!r}")
    for why in failures:
        log.critical("%s; ending", why)
    return 1 if failures else 0
