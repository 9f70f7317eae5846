"""Where the API server is, and the credentials for it.

In a cluster: the ServiceAccount's projected files. Outside: a kubeconfig, read by the `kubernetes` package with
all its plug-ins; that package is imported only then, because a pod has no use for its memory.
"""

import logging
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: The kubelet renews a projected token at 80 % of its life; reading it once a minute is what client-go does.
_TOKEN_SECONDS: Final = 60.0


#: Of a file, changes whenever it does; None while there is none.
Fingerprint = tuple[int, int, int, int] | None


class ClientConfigError(Exception):
    """Neither a pod's ServiceAccount nor a usable kubeconfig was found. Waiting cannot help."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """How to reach one API server.

    Attributes:
        server: URL without a trailing slash.
        ca_file: PEM file that the server's certificate is checked against; None means the system's.
        cert_file, key_file: PEM files of a client certificate, where that is the credential.
        tls_server_name: the name that the server's certificate must have, where that is not its host.
        verify: False only when the kubeconfig says insecure-skip-tls-verify.
        token: returns the current bearer token, or None.
        namespace: the pod's own namespace, or that of the kubeconfig's context.
        read_again: returns the configuration as its kubeconfig now is; None where only the named files change.
    """

    server: str
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    tls_server_name: str | None = None
    token: Callable[[], str | None] = field(default=lambda: None, repr=False)
    namespace: str = "default"
    read_again: Callable[[], "ClientConfig"] | None = field(default=None, repr=False)

    def current(self) -> "ClientConfig":
        """The configuration as its kubeconfig now is. A server that has changed takes a restart."""
        return self.read_again() if self.read_again is not None else self

    def ssl_context(self) -> ssl.SSLContext:
        """TLS settings for a client."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


def load_config(environ: Mapping[str, str] = os.environ) -> ClientConfig:
    """The configuration of this process. KUBECONFIG comes first, then the pod's ServiceAccount, then ~/.kube/config.

    Raises:
        ClientConfigError: there is none, or the kubeconfig cannot be used.
    """
    if not environ.get("KUBECONFIG") and "KUBERNETES_SERVICE_HOST" in environ:
        return _in_cluster(environ)
    return _from_kubeconfig(environ.get("KUBECONFIG") or "~/.kube/config")


def _in_cluster(environ: Mapping[str, str], files: Path = _SERVICE_ACCOUNT) -> ClientConfig:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not (files / "token").is_file():
        raise ClientConfigError(f"no ServiceAccount token at {files / 'token'}; does the pod mount one?")
    return ClientConfig(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        ca_file=str(files / "ca.crt"),
        token=_CachedToken(lambda: (files / "token").read_text(encoding="utf-8").strip()),  # the kubelet renews it
        namespace=(files / "namespace").read_text(encoding="utf-8").strip(),
    )


def fingerprint(path: Path) -> Fingerprint:
    """(device, inode, time of change in ns, size) of what the path leads to: the kubelet changes a link."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


class _CachedToken:
    """A token that somebody else renews: read once a minute, and not for each request."""

    def __init__(self, read: Callable[[], str | None]) -> None:
        self._read = read
        self._token: str | None = None
        self._stale_at = 0.0

    def __call__(self) -> str | None:
        if time.monotonic() >= self._stale_at:
            try:
                self._token = self._read()
            except OSError:  # for a moment, as when no file descriptor is free: the earlier one is most likely good
                if self._token is None:
                    raise
            self._stale_at = time.monotonic() + _TOKEN_SECONDS
        return self._token


def _from_kubeconfig(files: str) -> ClientConfig:
    return _Kubeconfig(files).config()


class _Kubeconfig:
    """A kubeconfig, read again once a file of it has changed.

    Args:
        files: paths, as in KUBECONFIG.

    Raises:
        ClientConfigError: it cannot be used.
    """

    def __init__(self, files: str) -> None:
        self._files = files
        self._paths = [Path(path).expanduser() for path in files.split(os.pathsep) if path]
        self._seen = self._fingerprints()
        self._loaded, self._namespace = _load(files)
        self._token = _CachedToken(self._read_token)

    def config(self) -> ClientConfig:
        """The configuration as the files now are; as they were where they cannot be used."""
        seen = self._fingerprints()
        if seen != self._seen:
            self._seen = seen
            try:
                self._loaded, self._namespace = _load(self._files)
            except ClientConfigError as error:
                log.warning("the changed kubeconfig cannot be read, the earlier one stays: %s", error)
        loaded = self._loaded
        return ClientConfig(
            server=loaded.host.rstrip("/"),
            ca_file=loaded.ssl_ca_cert,
            cert_file=loaded.cert_file,
            key_file=loaded.key_file,
            verify=loaded.verify_ssl,
            tls_server_name=getattr(loaded, "tls_server_name", None),
            token=self._token,
            namespace=self._namespace,
            read_again=self.config,
        )

    def _read_token(self) -> str | None:
        # Runs the exec plug-in again when it is due. The package has renamed the key within our range of versions.
        self.config()
        header = self._loaded.get_api_key_with_prefix("BearerToken", alias="authorization")
        return header.removeprefix("Bearer ") if header else None

    def _fingerprints(self) -> list[Fingerprint]:
        return [fingerprint(path) for path in self._paths]


def _load(files: str) -> tuple[Any, str]:
    """A kubeconfig, and the namespace of its context."""
    try:
        from kubernetes import client, config
    except ImportError:
        raise ClientConfigError(
            "a kubeconfig is read by the package 'kubernetes', which is not installed: "
            "pip install 'nginx-operator[kubeconfig]'"
        ) from None
    configuration = client.Configuration()
    try:
        config.load_kube_config(files, client_configuration=configuration)  # type: ignore[no-untyped-call]
        _, context = config.list_kube_config_contexts(files)  # type: ignore[no-untyped-call]
    except Exception as error:  # the loader raises many kinds; each means the same to the user
        raise ClientConfigError(f"no usable kubeconfig (KUBECONFIG or ~/.kube/config): {error}") from error
    return configuration, context["context"].get("namespace") or "default"
