"""The test bed: real Kubernetes clusters on this machine, without Docker.

    from testbed import Bed
    bed = Bed("unique-name", level="control-plane").up()
    bed.kubectl("get", "namespaces")
    bed.down()

or `python -m testbed --help`. README.md says how a cluster runs here, and what it lacks.

    __main__      the command line
    bed           one cluster: up, down, kubectl, helm, restarts of its parts
    bringup       starts the parts in order
    cleanup       ends all processes of a bed and deletes its files
    parts         the parts as processes: start, watch, end
    ready         readiness probes of the parts
    controlplane  pure: flags and files of etcd, API server, controller manager, scheduler
    node          pure: flags and files of containerd, kubelet, kube-proxy
    kwok          pure: flags and files of kwok, manifests of fake nodes
    network       a bed's network namespace
    cgroups       a bed's cgroup
    forwarder     the program that leads from the machine's loopback to the API server
    processes     process records: pid and start time
    access        tokens and kubeconfigs
    pki           the CA of a bed, and its certificates
    api           a small HTTP client for the API server and health ports
    layout        paths of a bed's files
    state         what a bed was asked to be, and whether it is complete
    tools         the programs that a level needs; the folder of kubectl and helm; Helm 3
    beside        two works side by side
    gobuild       builds pinned Go modules
    promtool      promtool, unpacked from its Debian package
    images        builds the operator's image
    nginximages   makes the images of nginx: of one that is built, and of Debian's
    nginxbuild    builds nginx from its source
    crates        sources from crates.io, by cargo
    buildah       builds a Dockerfile
    dockerfile    base images and sources of a Dockerfile
    rootfs        root file systems from Debian packages
    updates       Debian's security updates for them
    archives      writes image archives
    cache         the cache of programs and images, by the hash of their sources
    debian        what the machine needs: root, Debian packages
    progress      progress of long steps on stderr
    waiting       polls a condition until a deadline
    errors        BedError
"""

from testbed.access import Access
from testbed.bed import Bed
from testbed.debian import Level, missing_for
from testbed.errors import BedError
from testbed.progress import Progress

__all__ = ["Access", "Bed", "BedError", "Level", "Progress", "missing_for"]
