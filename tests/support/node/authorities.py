"""The certificate authorities of a release: stored in the Secret, published as caBundle, used to serve."""

import base64
import json
import sys
from datetime import UTC, datetime, timedelta

from cryptography import x509

from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.authority import CertificateAuthority
from nginx_webhooks.certificates.ca_rotation import CaSet
from nginx_webhooks.certificates.ca_secret import from_data, to_data
from nginx_webhooks.certificates.pem import encode_certificates
from testbed.waiting import PATIENCE, until
from tests.support.node.release import NAME, Release

SECRET = f"{NAME}-ca"
CONFIGURATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
PORT = 10250
#: An authority of a test's making, or a leaf of it, is due so long after it was made, which takes this life: two thirds
#: of it, and of the time that it begins in the past, have to be over.
DUE = timedelta(seconds=20)
LIFE = DUE * 3 / 2 + authority.BACKDATE / 2

_CERTIFICATE = "import ssl, sys; print(ssl.get_server_certificate((sys.argv[1], int(sys.argv[2])), timeout=10))"


def kept(release: Release) -> CaSet:
    """What the Secret holds."""
    data = json.loads(release.kubectl("get", "secret", SECRET, "-o", "json").stdout).get("data", {})
    found = from_data({key: base64.b64decode(value) for key, value in data.items()})
    assert found is not None, f"{SECRET} is empty"
    return found


def put(release: Release, data: dict[str, bytes]) -> None:
    """Replaces all that the Secret holds."""
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    patch = json.dumps([{"op": "add", "path": "/data", "value": encoded}])
    release.kubectl("patch", "secret", SECRET, "--type=json", "-p", patch)


def bundles(release: Release) -> list[bytes]:
    """The caBundle of each configuration, PEM."""
    found = [json.loads(release.bed.kubectl("get", kind, NAME, "-o", "json").stdout) for kind in CONFIGURATIONS]
    return [base64.b64decode(f["webhooks"][0]["clientConfig"].get("caBundle", "")) for f in found]


def wipe_bundle(release: Release, kind: str) -> None:
    """Takes the caBundle out of a configuration."""
    patch = [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]
    path = f"/apis/admissionregistration.k8s.io/v1/{kind}/{NAME}"
    status, answer = release.bed.request("PATCH", path, patch, {"Content-Type": "application/json-patch+json"})
    assert status == 200, answer


def served(release: Release) -> dict[str, x509.Certificate]:
    """The certificate that each replica shows to a new connection, by pod."""
    found = {}
    for pod in release.pods("webhooks"):
        command = [sys.executable, "-c", _CERTIFICATE, pod["status"]["podIP"], str(PORT)]
        done = release.bed.run(command, capture_output=True, text=True, check=True)
        found[pod["metadata"]["name"]] = x509.load_pem_x509_certificate(done.stdout.encode())
    return found


def wait_in_use(release: Release, signing: CertificateAuthority) -> None:
    """Waits until both configurations trust that authority, and all replicas show certificates of it."""

    def in_use() -> bool:
        trusted = all(encode_certificates([signing.certificate]) in bundle for bundle in bundles(release))
        return trusted and {leaf.issuer for leaf in served(release).values()} == {signing.certificate.subject}

    until(in_use, seconds=PATIENCE, what="the new authority in use")


def _use(release: Release, signing: CertificateAuthority) -> None:
    """Replaces the authority without an overlap, unlike a rotation: admission fails briefly."""
    put(release, to_data(CaSet(signing)))
    wait_in_use(release, signing)


def use_one_that_is_due(release: Release) -> None:
    """Gives the webhooks an authority that is due for rotation within seconds: two thirds of its life are over."""
    _use(release, authority.create(datetime.now(UTC), lifetime=LIFE))


def use_one_of_short_leaves(release: Release) -> None:
    """Gives them one whose leaves, which do not outlive it, are due for renewal twice before it is."""
    _use(release, authority.create(datetime.now(UTC) + authority.BACKDATE, lifetime=LIFE - authority.BACKDATE))


def use_a_new_one(release: Release) -> None:
    """Gives them one with the default lifetime."""
    _use(release, authority.create(datetime.now(UTC)))
