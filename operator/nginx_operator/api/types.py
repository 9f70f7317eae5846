"""Typed views of the objects that the operator reads: only the fields that it needs.

Decoding into these is what keeps the caches small. Unknown fields are skipped. `gc=False` is safe
for values that hold no cycles, and keeps 10,000 of them out of the garbage collector's way.
"""

from typing import Any

import msgspec

#: Namespace and name of an object (client-go: types.NamespacedName).
Key = tuple[str, str]


class _View(msgspec.Struct, rename="camel", gc=False, omit_defaults=True):
    """Base of all views."""


class OwnerReference(_View):
    """metadata.ownerReferences[]."""

    kind: str
    name: str
    uid: str
    api_version: str = ""
    controller: bool = False


class ObjectMeta(_View):
    """metadata."""

    name: str
    uid: str = ""
    namespace: str = ""
    resource_version: str = ""
    generation: int = 0
    deletion_timestamp: str | None = None
    finalizers: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.namespace, self.name

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages the object, if there is one."""
        return next((owner for owner in self.owner_references if owner.controller), None)


class Namespace(_View):
    """A Namespace: its labels."""

    metadata: ObjectMeta


class CustomResourceDefinitionVersion(_View):
    """spec.versions[] of a CustomResourceDefinition."""

    name: str
    served: bool = False
    storage: bool = False


class CustomResourceDefinitionSpec(_View):
    """spec of a CustomResourceDefinition."""

    versions: tuple[CustomResourceDefinitionVersion, ...] = ()


class CustomResourceDefinitionStatus(_View):
    """status of a CustomResourceDefinition."""

    stored_versions: tuple[str, ...] = ()


class CustomResourceDefinition(_View):
    """A CustomResourceDefinition: which versions there are, and in which objects may be stored."""

    metadata: ObjectMeta
    spec: CustomResourceDefinitionSpec = msgspec.field(default_factory=CustomResourceDefinitionSpec)
    status: CustomResourceDefinitionStatus = msgspec.field(default_factory=CustomResourceDefinitionStatus)


class Nginx(_View):
    """An Nginx as stored. `spec` is not trusted: it may predate a rule, or the webhook may have been down."""

    metadata: ObjectMeta
    spec: dict[str, Any] = {}
    status: dict[str, Any] = {}


class ServiceSpec(_View):
    """spec.service, with the schema's defaults."""

    enabled: bool = True
    type: str = "ClusterIP"
    port: int = 80
    node_port: int | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    external_traffic_policy: str | None = None
    load_balancer_class: str | None = None
    load_balancer_source_ranges: tuple[str, ...] = ()
    ip_family_policy: str | None = None
    ip_families: tuple[str, ...] = ()


class DeploymentMetadata(_View):
    """spec.deployment."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class HTTPGetAction(_View):
    """httpGet of a probe. Port None means containerPort."""

    path: str
    port: int | None = None


class TCPSocketAction(_View):
    """tcpSocket of a probe. Port None means containerPort."""

    port: int | None = None


class Probe(_View):
    """A probe, with the schema's defaults. Without httpGet it is one of TCP."""

    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    period_seconds: int = 5
    timeout_seconds: int | None = None
    failure_threshold: int = 2


class Probes(_View):
    """spec.probes."""

    readiness: Probe | None = None


class ConfigText(_View):
    """spec.config.http and spec.config.main."""

    inline: str


class Config(_View):
    """spec.config: exactly one of http, main and image."""

    http: ConfigText | None = None
    main: ConfigText | None = None
    image: dict[str, Any] | None = None


class NginxSpec(_View):
    """spec after defaulting and validation.

    Attributes:
        fixed_ids: whether pods run with the ids of the default image. Of the administrator's policy, not of the spec.
        pod_ip_families: the IP families that pods have. Of the cluster, not of the spec.
    """

    count: int
    image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[dict[str, str], ...] = ()
    resources: dict[str, dict[str, str | int]] = {}
    container_port: int = 8080
    config: Config | None = None
    service: ServiceSpec = msgspec.field(default_factory=ServiceSpec)
    deployment: DeploymentMetadata = msgspec.field(default_factory=DeploymentMetadata)
    probes: Probes = msgspec.field(default_factory=Probes)
    paused: bool = False
    fixed_ids: bool = True
    pod_ip_families: tuple[str, ...] = ("IPv4", "IPv6")

    @classmethod
    def from_dict(
        cls, spec: dict[str, Any], *, fixed_ids: bool = True, pod_ip_families: tuple[str, ...] = ("IPv4", "IPv6")
    ) -> "NginxSpec":
        """The typed form of a spec that has been defaulted and found valid. null means left out."""
        given = {key: value for key, value in spec.items() if value is not None}
        return msgspec.convert({**given, "fixedIds": fixed_ids, "podIpFamilies": pod_ip_families}, cls)


class Condition(_View):
    """A condition of a Deployment or a Pod; the time of an update is a Deployment's."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_update_time: str | None = None


class DeploymentStatus(_View):
    """status of a Deployment."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    conditions: tuple[Condition, ...] = ()


class Child(_View):
    """A Deployment or a Service. `spec` stays undecoded until it is compared with what is desired."""

    metadata: ObjectMeta
    spec: msgspec.Raw = msgspec.Raw(b"{}")
    status: DeploymentStatus = msgspec.field(default_factory=DeploymentStatus)


class ContainerWaiting(_View):
    """state.waiting of a container."""

    reason: str = ""
    message: str = ""


class ContainerRunning(_View):
    """state.running of a container."""

    started_at: str | None = None


class ContainerTerminated(_View):
    """state.terminated or lastState.terminated of a container."""

    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class ContainerState(_View):
    """State of a container."""

    waiting: ContainerWaiting | None = None
    running: ContainerRunning | None = None
    terminated: ContainerTerminated | None = None


class ContainerStatus(_View):
    """status.containerStatuses[] of a Pod, and status.initContainerStatuses[]."""

    name: str
    state: ContainerState = msgspec.field(default_factory=ContainerState)
    last_state: ContainerState = msgspec.field(default_factory=ContainerState)
    restart_count: int = 0
    ready: bool = False


class PodStatus(_View):
    """status of a Pod."""

    phase: str = "Pending"
    conditions: tuple[Condition, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()

    @property
    def every_container(self) -> tuple[ContainerStatus, ...]:
        """Init containers and sidecars first, as they start."""
        return self.init_container_statuses + self.container_statuses


class Container(_View):
    """spec.containers[] of a Pod."""

    name: str
    image: str = ""


class PodSpec(_View):
    """spec of a Pod."""

    containers: tuple[Container, ...] = ()


class Pod(_View):
    """A pod of a ReplicaSet of ours."""

    metadata: ObjectMeta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type, if the pod has it."""
        for found in self.status.conditions:  # asked of each pod at each pass: a generator would double the time
            if found.type == type_:
                return found
        return None

    @property
    def ready(self) -> bool:
        """Whether the kubelet says that the pod is ready."""
        found = self.condition("Ready")
        return found is not None and found.status == "True"
