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
from nginx_webhooks import settings
from nginx_webhooks.certificates.authority import RotationError
from nginx_webhooks.certificates.serving_certificate import CertificateError
from nginx_webhooks.process import rotate, serve

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; the process's exit code."""
    found = settings.parse(argv)
    match found:
        case None:
            print(__version__)
            return 0
        case settings.Rotation():
            return _rotate(found)
    logs.configure(found.log_format, found.log_level)
    gc.freeze()  # what is imported stays: looking through it again and again finds nothing
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(found))
    except (PolicyError, CertificateError, ClientConfigError) as error:
        log.error("cannot start: %s", error)
        return 1
    except OSError as error:
        log.error("cannot start: %s", error.strerror or error)
        return 1
    return 0


def _rotate(asked: settings.Rotation) -> int:
    try:
        asyncio.run(rotate(asked, partial(print, flush=True)))
    except TimeoutError:
        print(f"not finished in {asked.timeout} s; the log of the webhooks says what they wait for", file=sys.stderr)
    except (RotationError, ClientConfigError) as error:
        print(error, file=sys.stderr)
    except ApiError as error:
        print(error.message, file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
