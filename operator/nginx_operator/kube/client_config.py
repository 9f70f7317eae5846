"""Where the API server is, and the credentials for it.

In a cluster: the ServiceAccount's projected files. Outside: a kubeconfig, read by the `kubernetes` package with
all its plug-ins; that package is imported only then, because a pod has no use for its memory.
"""

import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: The kubelet renews a projected token at 80 % of its life; reading it once a minute is what client-go does.
_TOKEN_SECONDS: Final = 60.0


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
    """

    server: str
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    tls_server_name: str | None = None
    token: Callable[[], str | None] = field(default=lambda: None, repr=False)
    namespace: str = "default"

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


class _CachedToken:
    """A token that somebody else renews: read once a minute, and not for each request."""

    def __init__(self, read: Callable[[], str | None]) -> None:
        self._read = read
        self._token: str | None = None
        self._stale_at = 0.0

    def __call__(self) -> str | None:
        if time.monotonic() >= self._stale_at:
            self._token = self._read()
            self._stale_at = time.monotonic() + _TOKEN_SECONDS
        return self._token


def _from_kubeconfig(files: str) -> ClientConfig:
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

    def token() -> str | None:
        # Runs the exec plug-in again when it is due. The package has renamed the key within our range of versions.
        header = configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return header.removeprefix("Bearer ") if header else None

    return ClientConfig(
        server=configuration.host.rstrip("/"),
        ca_file=configuration.ssl_ca_cert,
        cert_file=configuration.cert_file,
        key_file=configuration.key_file,
        verify=configuration.verify_ssl,
        tls_server_name=getattr(configuration, "tls_server_name", None),
        token=_CachedToken(token),
        namespace=context["context"].get("namespace") or "default",
    )
