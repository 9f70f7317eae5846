"""The test bed: a real Kubernetes on this machine, without Docker and without a mock.

    from testbed import Bed
    bed = Bed("unique-name", level="control-plane").up()
    bed.kubectl("get", "namespaces")
    bed.down()

or `python -m testbed --help`. etcd, kube-apiserver, kube-controller-manager and kube-scheduler make
the level `control-plane`; the level `node` adds containerd, runc, CNI bridge, kubelet and kube-proxy. Both may
have fake nodes (kwok). There is no CoreDNS: nothing of this project resolves a cluster name, the API server
reaches webhooks at their addresses, and pods reach the API server by its ClusterIP. A pod that does ask for
a name is refused at once.

Everything of a bed happens in its own network namespace; the machine's gets one listening socket on
loopback, which leads to the API server. Beds of different names run side by side.

Modules, from the outside in:

    __main__      the command line                 bed          the API: up, down, kubectl, faults
    bringup       starts the parts in order        cleanup      ends everything, whatever the state
    controlplane  node  kwok                       command lines and configurations, pure
    parts         the parts as processes           ready        when each is ready
    processes     pid and start time               cgroups  network  forwarder
    access        tokens and kubeconfigs           pki          certificates
    tools         which programs a level needs     gobuild      pinned Go modules -> programs
    images        our image and nginx's            archives  rootfs  updates  buildah
    cache  layout  state                           where what is kept
    debian        what the machine must have       progress  waiting  errors  api
"""

from testbed.access import Access
from testbed.bed import Bed
from testbed.debian import Level, missing_for
from testbed.errors import BedError
from testbed.progress import Progress

__all__ = ["Access", "Bed", "BedError", "Level", "Progress", "missing_for"]
