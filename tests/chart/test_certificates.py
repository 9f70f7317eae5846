"""What the modes of webhooks.certs render, and that the names in it lead to each other."""

import pytest

from nginx_webhooks.certificates.authority import server_names
from tests.support.rendering import NAMESPACE, VALUES, Object, Render, Rendering

CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
INJECT = "cert-manager.io/inject-ca-from"


def by_name(rendered: Rendering, kind: str) -> dict[str, Object]:
    return {found["metadata"]["name"]: found["spec"] for found in rendered.of_kind(kind)}


def flag(rendered: Rendering, name: str) -> str:
    (container,) = rendered.pod("nginx-operator-webhooks")["spec"]["containers"]
    (found,) = (word.partition("=")[2] for word in container["args"] if word.startswith(f"{name}="))
    assert isinstance(found, str)
    return found


def test_cert_manager_signs_by_a_chain_whose_authority_outlives_the_leaf(render: Render) -> None:
    rendered = render(VALUES / "cert-manager.yaml")
    issuers, certificates = by_name(rendered, "Issuer"), by_name(rendered, "Certificate")
    leaf = certificates.pop(flag(rendered, "--secret"))
    ((ca_name, ca),) = certificates.items()

    assert issuers.pop(ca["issuerRef"]["name"]) == {"selfSigned": {}}
    assert issuers == {leaf["issuerRef"]["name"]: {"ca": {"secretName": ca["secretName"]}}}
    assert ca["isCA"]
    assert "isCA" not in leaf
    assert ca["secretName"] == ca_name != leaf["secretName"]
    assert int(ca["duration"].removesuffix("h")) > 2 * int(leaf["duration"].removesuffix("h"))
    assert ca["privateKey"]["rotationPolicy"] == "Never"


def test_an_issuer_of_the_user_takes_the_place_of_the_chain(render: Render) -> None:
    rendered = render(VALUES / "cert-manager-issuer.yaml")
    (leaf,) = by_name(rendered, "Certificate").values()

    assert not rendered.of_kind("Issuer")
    assert leaf["issuerRef"] == {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "company"}


def test_an_issuer_of_another_group(render: Render) -> None:
    issuer = {"name": "ca", "kind": "AWSPCAIssuer", "group": "awspca.cert-manager.io"}
    rendered = render({"webhooks": {"certs": {"mode": "certManager", "issuerRef": issuer}}})
    (leaf,) = by_name(rendered, "Certificate").values()

    assert leaf["issuerRef"] == issuer


@pytest.mark.parametrize("file", ["cert-manager", "cert-manager-issuer"])
def test_cert_manager_injects_the_authority_of_the_certificate_that_is_served(file: str, render: Render) -> None:
    rendered = render(VALUES / f"{file}.yaml")
    name = flag(rendered, "--secret")
    leaf = rendered.one("Certificate", name)["spec"]

    assert leaf["secretName"] == name
    assert tuple(leaf["dnsNames"]) == server_names(flag(rendered, "--service"), NAMESPACE)
    assert "server auth" in leaf["usages"]
    for kind in CONFIGURATIONS:
        (configuration,) = rendered.of_kind(kind)
        assert configuration["metadata"]["annotations"] == {INJECT: f"{NAMESPACE}/{name}"}


@pytest.mark.parametrize("file", ["default", "existing-secret"])
def test_without_cert_manager_nothing_of_it_is_there(file: str, render: Render) -> None:
    assert "cert-manager.io" not in render(VALUES / f"{file}.yaml").text


@pytest.mark.parametrize(("file", "rendered"), [("default", 1), ("existing-secret", 0), ("cert-manager", 0)])
def test_only_mode_auto_has_a_secret_of_the_charts(file: str, rendered: int, render: Render) -> None:
    found = render(VALUES / f"{file}.yaml")

    assert len(found.of_kind("Secret")) == rendered
    assert flag(found, "--secret-namespace") == NAMESPACE


def test_the_secret_of_an_administrator_is_named(render: Render) -> None:
    rendered = render(VALUES / "existing-secret.yaml")

    assert (flag(rendered, "--cert-mode"), flag(rendered, "--secret")) == ("existingSecret", "company-tls")
