"""The real node: containerd, kubelet and kube-proxy, in a mount namespace of their own.

Pure: command lines and configuration files; `bed` runs them.

These programs have places in the file system that no flag moves, mount over many others, and the
kubelet sets kernel parameters of the machine. In a mount namespace all that is private to the bed: two
nodes do not meet, the machine's own settings stay, and every mount ends with the last process in it.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

import yaml

from testbed.layout import Layout
from testbed.network import DNS_IP, NODE_IP

MOUNTS = "node-mounts"
"""The part that holds the mount namespace open; it does nothing else."""
CONTAINERD = "containerd"
KUBELET = "kubelet"
KUBE_PROXY = "kube-proxy"

NODE_NAME = "node0"
POD_NETWORK = "10.244.0.0/22"
CNI_PLUGINS = "/usr/lib/cni"
PAUSE_IMAGE = "localhost/testbed/pause:1"

PRIVATE_FOLDERS = ("/run/containerd", "/var/lib/cni", "/var/log/containers")
KUBELET_FOLDER = "/var/lib/kubelet"
KERNEL_SETTINGS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
"""What the kubelet writes below /proc/sys when it finds something else there."""


def mount_script(layout: Layout) -> str:
    """Return the shell commands that furnish the node's mount namespace."""
    lines = [f"mount -t tmpfs testbed {folder}" for folder in PRIVATE_FOLDERS]
    lines.append(f"mount --bind {shlex.quote(str(layout.kubelet))} {KUBELET_FOLDER}")
    for setting in KERNEL_SETTINGS:
        copy = shlex.quote(str(layout.sysctl / setting.replace("/", ".")))
        lines.append(f"if [ -e /proc/sys/{setting} ]; then")
        lines.append(f"  cat /proc/sys/{setting} > {copy} && mount --bind {copy} /proc/sys/{setting}; fi")
    return "\n".join(lines)


def containerd(layout: Layout) -> list[str]:
    """Containerd's arguments."""
    return [f"--config={layout.file('containerd.toml')}"]


def containerd_config(layout: Layout) -> str:
    """Return containerd's configuration, TOML."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = {json.dumps(str(layout.containerd))}
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  # Where the caller may not lower a process's OOM score, neither may runc, and it fails when told to.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [{cri}.cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = {json.dumps(str(layout.cni))}
  [{cri}.containerd]
    default_runtime_name = "runc"
    [{cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [{cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def cni_config() -> str:
    """Return the pod network: a bridge inside the bed's network namespace, with nothing beyond it."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_NETWORK}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]})


def kubelet(layout: Layout) -> list[str]:
    """The kubelet's arguments."""
    return [
        f"--config={layout.file('kubelet.yaml')}",
        f"--kubeconfig={layout.inside_kubeconfig(KUBELET)}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_IP}",
    ]


def kubelet_config(layout: Layout) -> str:
    """Return the kubelet's configuration, YAML."""
    config: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{layout.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.id}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [DNS_IP],
        "clusterDomain": "cluster.local",
        "resolvConf": "/dev/null",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "podLogsDir": f"{layout.logs}/pods",
        "serializeImagePulls": False,
        "maxPods": 500,
        # A changed ConfigMap reaches a running pod at its next sync, which is by default after 60 to 90 s.
        "syncFrequency": "5s",
        # A container that ends again and again is restarted within seconds: by default, after up to 5 minutes.
        "crashLoopBackOff": {"maxContainerRestartPeriod": "5s"},
        # The machine's disk is not the bed's to judge: other things fill it too.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
    }
    return yaml.safe_dump(config, sort_keys=False)


def kube_proxy(layout: Layout) -> list[str]:
    """kube-proxy's arguments.

    It masquerades all, so that a pod's way back from another pod of the node goes through the same
    translation on kernels without br_netfilter too. The conntrack limits are the machine's: hands off.
    """
    return [
        f"--kubeconfig={layout.inside_kubeconfig(KUBE_PROXY)}",
        f"--hostname-override={NODE_NAME}",
        f"--cluster-cidr={POD_NETWORK}",
        "--proxy-mode=iptables",
        "--masquerade-all",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]
