"""The TLS settings of new connections, which follow their files: a cluster's CA and client certificates rotate."""

import logging
import ssl
from pathlib import Path
from typing import Final

from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.logs import LogOnChange

log = logging.getLogger(__name__)

#: Of a file, changes whenever it does; None while there is none.
_Fingerprint = tuple[int, int, int, int] | None


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


def _fingerprints(config: ClientConfig) -> tuple[tuple[str | None, _Fingerprint], ...]:
    return tuple((path, _fingerprint(path)) for path in (config.ca_file, config.cert_file, config.key_file))


def _fingerprint(path: str | None) -> _Fingerprint:
    """(device, inode, time of change in ns, size) of what the path leads to: the kubelet changes a link."""
    try:
        stat = Path(path).stat() if path else None
    except OSError:
        return None
    return stat and (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
