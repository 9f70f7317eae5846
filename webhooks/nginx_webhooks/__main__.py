"""Command line of the webhooks: `nginx-webhooks serve`, `nginx-webhooks rotate`, `nginx-webhooks version`."""

import asyncio
import gc
import logging
import sys
from collections.abc import Sequence
from functools import partial

import uvloop

from nginx_operator import __version__, logs
from nginx_operator.api.policy import PolicyError
from nginx_operator.kube.client_config import ClientConfigError
from nginx_operator.kube.errors import ApiError
from nginx_webhooks.certificates.ca_rotation import RotationError
from nginx_webhooks.certificates.tls_context import CertificateError
from nginx_webhooks.process import rotate, serve
from nginx_webhooks.settings import RotateSettings, parse

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command. Returns the process's exit code."""
    settings = parse(argv)
    match settings:
        case None:
            print(__version__)
            return 0
        case RotateSettings():
            return _rotate(settings)
    logs.configure(settings.log_format, settings.log_level)
    gc.freeze()  # what is imported lives as long as the process: the collector need not scan it again and again
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except (PolicyError, CertificateError, ClientConfigError) as error:
        log.error("cannot start: %s", error)
        return 1
    except OSError as error:
        log.error("cannot start: %s", error.strerror or error)
        return 1
    return 0


def _rotate(settings: RotateSettings) -> int:
    try:
        asyncio.run(rotate(settings, partial(print, flush=True)))
    except TimeoutError:
        print(f"not finished in {settings.timeout} s; the log of the webhooks says what they wait for", file=sys.stderr)
    except (RotationError, ClientConfigError) as error:
        print(error, file=sys.stderr)
    except ApiError as error:
        print(error.message, file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
