"""Where the API server is, and who we are there."""

import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from nginx_operator.kube import client_config
from nginx_operator.kube.client_config import ClientConfigError, load_config


@pytest.fixture(autouse=True)
def _no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def kubeconfig(path: Path, user: dict[str, Any], **cluster: Any) -> dict[str, str]:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "own"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://192.0.2.1:6443/", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(document))
    return {"KUBECONFIG": str(path)}


def connected(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> client_config.ClientConfig:
    # The package fixes the default path when it is imported first.
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    from kubernetes.config import kube_config

    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", environ["KUBECONFIG"])
    return load_config(environ)


def test_a_token_of_the_kubeconfig_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = connected(kubeconfig(tmp_path / "config", {"token": "s3cret"}), monkeypatch)
    assert (found.server, found.token(), found.namespace) == ("https://192.0.2.1:6443", "s3cret", "own")
    assert found.verify
    assert "s3cret" not in repr(found)


def test_an_exec_plugin_gives_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t1"}}'
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", f"print('''{answer}''')"],
        "interactiveMode": "Never",
    }
    assert connected(kubeconfig(tmp_path / "config", {"exec": command}), monkeypatch).token() == "t1"


def test_insecure_is_taken_over_and_a_server_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"insecure-skip-tls-verify": True, "tls-server-name": "kubernetes"}
    found = connected(kubeconfig(tmp_path / "config", {}, **options), monkeypatch)
    assert not found.verify
    assert found.tls_server_name == "kubernetes"
    assert found.token() is None


def test_no_kubeconfig_is_an_error_that_names_both_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClientConfigError, match=r"KUBECONFIG or ~/\.kube/config"):
        connected({"KUBECONFIG": str(tmp_path / "none")}, monkeypatch)


def test_in_a_pod_it_is_the_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("token", "t1\n"), ("namespace", "system\n"), ("ca.crt", "")):
        (tmp_path / name).write_text(text)
    environ = {"KUBERNETES_SERVICE_HOST": "2001:db8::1", "KUBERNETES_SERVICE_PORT": "6443"}
    found = client_config._in_cluster(environ, tmp_path)
    assert (found.server, found.token(), found.namespace) == ("https://[2001:db8::1]:6443", "t1", "system")
    later = time.monotonic() + 3600
    monkeypatch.setattr(client_config.time, "monotonic", lambda: later)
    (tmp_path / "token").write_text("t2\n")
    assert found.token() == "t2"


def test_a_pod_without_a_token_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ClientConfigError, match="no ServiceAccount token"):
        client_config._in_cluster({"KUBERNETES_SERVICE_HOST": "192.0.2.1"}, tmp_path)
