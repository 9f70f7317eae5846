"""The TLS settings of new connections, which follow their files: a cluster's CA and client certificates rotate."""

import logging
import ssl
from pathlib import Path
from typing import Final

from nginx_operator.kube.client_config import ClientConfig, Fingerprint, fingerprint
from nginx_operator.logs import LogOnChange

log = logging.getLogger(__name__)


class TlsContext:
    """The context of a client.

    Args:
        config: names the files.

    Raises:
        OSError: a file cannot be read, or is none of the kind.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._config: Final = config
        self._seen = _fingerprints(config.current())
        self._context = config.current().ssl_context()
        self._expired = False
        self._faults: Final = LogOnChange(log)

    def get(self) -> ssl.SSLContext:
        """The context for a new connection, read again where a file has changed. Costs a stat of each."""
        config = self._config.current()
        seen = _fingerprints(config)
        if seen != self._seen or self._expired:
            try:
                self._context = config.ssl_context()
            except OSError as error:  # half written, perhaps: the next connection tries again
                why = f"the CA or the client certificate cannot be read ({error}); the earlier one stays"
                self._faults.log(logging.WARNING, why)
                return self._context
            self._faults.reset()
            if seen != self._seen:
                log.info("the CA or the client certificate has changed, and was read again")
            self._seen, self._expired = seen, False
        return self._context

    def expire(self) -> None:
        """The next connection reads everything again: the server's certificate did not verify."""
        self._expired = True


def _fingerprints(config: ClientConfig) -> dict[str, Fingerprint]:
    """Of each file that is named, by its path."""
    return {path: fingerprint(Path(path)) for path in (config.ca_file, config.cert_file, config.key_file) if path}
