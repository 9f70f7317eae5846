"""The control plane's programs: their command lines and configuration files. Pure; `bed` runs them."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.layout import Layout
from testbed.network import NODE_IPS, Families

ETCD = "etcd"
APISERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"

SERVICE_NETWORK = "10.96.0.0/16"
SERVICE_NETWORK6 = "fd00:10:96::/112"
SERVICE_NETWORKS: Mapping[Families, str] = {
    "IPv4": SERVICE_NETWORK,
    "IPv6": SERVICE_NETWORK6,
    "dual": f"{SERVICE_NETWORK},{SERVICE_NETWORK6}",
}
API_CLUSTER_IP = "10.96.0.1"
API_CLUSTER_IP6 = "fd00:10:96::1"
API_PORT = 6443
CONTROLLER_MANAGER_PORT = 10257
SCHEDULER_PORT = 10259

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
"""

OPEN_PATHS = "--authorization-always-allow-paths=/healthz,/livez,/readyz,/metrics"
FAST_CLIENT = ("--kube-api-qps=2000", "--kube-api-burst=4000")
"""The default client-side throttle would dominate with many fake nodes, and holds up the start by 5 s without any."""


def etcd(layout: Layout) -> list[str]:
    """Etcd's arguments. It does not wait for the disk: a bed's data need not outlive the machine."""
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    return [
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--quota-backend-bytes=8589934592",
        "--log-level=warn",
    ]


def apiserver(layout: Layout, families: Families = "IPv4") -> list[str]:
    """kube-apiserver's arguments: RBAC and Node authorisation, default admission, an audit log."""
    pki = layout.pki
    return [
        "--etcd-servers=http://127.0.0.1:2379",
        f"--secure-port={API_PORT}",
        f"--advertise-address={NODE_IPS[families][0]}",
        *(("--bind-address=::",) if families != "IPv4" else ()),  # of IPv4 too
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--token-auth-file={layout.tokens}",
        "--authorization-mode=Node,RBAC",
        # As OpenShift does: whoever writes an ownerReference that blocks the owner's deletion needs a right for that.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        f"--service-cluster-ip-range={SERVICE_NETWORKS[families]}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        "--allow-privileged",
        # The node's name resolves nowhere, so logs and exec go to its address.
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        # Webhooks behind a Service are reached at their endpoints, so that they are reached without a
        # kube-proxy, and whether they run in a pod or beside the control plane.
        "--enable-aggregator-routing=true",
        f"--audit-policy-file={layout.file('audit-policy.yaml')}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=4096",
        f"--cert-dir={layout.generated}/apiserver",
    ]


def controller_manager(layout: Layout, *, endpoints: bool = True) -> list[str]:
    """kube-controller-manager's arguments.

    Without `endpoints` no controller writes Endpoints, so a test may put a process of the bed behind a Service.
    """
    pki = layout.pki
    return [
        f"--kubeconfig={layout.inside_kubeconfig(CONTROLLER_MANAGER)}",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--leader-elect=false",
        OPEN_PATHS,
        f"--cert-dir={layout.generated}/controller-manager",
        "--concurrent-deployment-syncs=20",
        "--concurrent-replicaset-syncs=20",
        *FAST_CLIENT,
        *(() if endpoints else ("--controllers=*,-endpoints-controller",)),
    ]


def scheduler(layout: Layout) -> list[str]:
    """kube-scheduler's arguments."""
    kubeconfig = layout.inside_kubeconfig(SCHEDULER)
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        OPEN_PATHS,
        f"--cert-dir={layout.generated}/scheduler",
        *FAST_CLIENT,
    ]
