"""What the operator says where a kubelet answers the API server's call of a webhook, as on EKS Fargate.

There a pod has the address of its node, whose port 10250 is the kubelet's. Imitated by a TLS server with a certificate
such as a kubelet signs for itself, behind a Service of a webhook that is asked about one namespace.
"""

import base64
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from testbed import Bed
from tests.support.namespaces import Namespace
from tests.support.product import HOST, Product
from tests.support.webhooks.certificates import make

PORT = 19450
NODE = "ip-10-0-1-2.eu-west-1.compute.internal"
_SERVER = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(*sys.argv[3:5])
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listens", flush=True)
while True:
    accepted, _ = listener.accept()
    try:
        context.wrap_socket(accepted, server_side=True).close()
    except OSError:
        accepted.close()
"""


@contextmanager
def kubelet(bed: Bed, folder: Path) -> Iterator[None]:
    """A server with a kubelet's certificate."""
    made = make(f"{NODE}@1700000000", names=[NODE])
    paths = folder / "kubelet.crt", folder / "kubelet.key"
    paths[0].write_bytes(made.pem)
    paths[1].write_bytes(made.key_pem)
    command = bed.command([sys.executable, "-c", _SERVER, HOST, str(PORT), *map(str, paths)])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listens\n"
            yield
        finally:
            process.send_signal(signal.SIGKILL)


@contextmanager
def called(namespace: Namespace) -> Iterator[None]:
    """The API server calls it for each Nginx that is created in the namespace."""
    name = namespace.name
    documents = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "w"}, "spec": {"ports": [{"port": 443}]}},
        {
            "apiVersion": "v1",
            "kind": "Endpoints",  # which every supported Kubernetes mirrors into an EndpointSlice
            "metadata": {"name": "w"},
            "subsets": [{"addresses": [{"ip": HOST}], "ports": [{"port": PORT}]}],
        },
    ]
    for document in documents:
        namespace.kubectl("apply", "-f", "-", input=yaml.safe_dump(document))
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "kubelet.example.com",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                "rules": [
                    {
                        "apiGroups": ["proxy.example.com"],
                        "apiVersions": ["*"],
                        "resources": ["nginxes"],
                        "operations": ["CREATE"],
                    }
                ],
                "clientConfig": {
                    "service": {"name": "w", "namespace": name, "path": "/mutate"},
                    "caBundle": base64.b64encode(make("ca", ca=True).pem).decode(),
                },
            }
        ],
    }
    namespace.kubectl("apply", "-f", "-", input=yaml.safe_dump(configuration))
    try:
        yield
    finally:
        namespace.kubectl("delete", "mutatingwebhookconfiguration", name)


def test_a_kubelet_that_answers_is_recognised(namespace: Namespace, running: Product, tmp_path: Path) -> None:
    bed = running.bed
    with kubelet(bed, tmp_path), called(namespace):
        operator = running.operator(
            *("--namespace", namespace.name, "--no-leader-election"),
            *("--admission-probe", "--admission-probe-namespace", namespace.name),
            port=18098,
            name="kubelet",
            KUBECONFIG=str(bed.inside_kubeconfig),
        )
        try:
            line = operator.wait_log("set webhooks.port to another port")
            assert f"with a certificate for {NODE}. " in line
            assert f"x509: certificate is valid for {NODE}, not w.{namespace.name}.svc" in line
            assert operator.get("/readyz") == 503
        finally:
            operator.stop(signal.SIGKILL)
