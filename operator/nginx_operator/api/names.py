"""Every name that the operator puts into a cluster or expects there."""

import re
from typing import Final

GROUP: Final = "proxy.example.com"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "Nginx"
PLURAL: Final = "nginxes"
CRD: Final = f"{PLURAL}.{GROUP}"

#: Field manager of the fields that the reconciler applies (KEP-555, server-side apply).
FIELD_MANAGER: Final = "nginx-operator"
#: Field manager of the one field that the webhooks apply: clientConfig.caBundle.
CA_BUNDLE_FIELD_MANAGER: Final = "nginx-operator-cabundle"

#: Of a Service: what the API server reads where loadBalancerSourceRanges is empty.
SOURCE_RANGES_ANNOTATION: Final = "service.beta.kubernetes.io/load-balancer-source-ranges"
#: Hash of what was applied to a child; it differs as soon as a field enters or leaves the desired child.
APPLIED_HASH_ANNOTATION: Final = f"{GROUP}/applied-hash"

#: Entries of the webhook configurations. Frozen: server-side apply finds an entry by its name. Those of classes of
#: namespaces are named before them, class-1.mutate...
MUTATING_WEBHOOK: Final = f"mutate.{CRD}"
VALIDATING_WEBHOOK: Final = f"validate.{CRD}"


def is_webhook(entry: object) -> bool:
    """Whether the name of an entry in a webhook configuration is one of ours: all of them end in the CRD's name."""
    return isinstance(entry, str) and entry.endswith(f".{CRD}")


#: What the names of the Nginx begin with that the operator creates, as dry runs, to see whether admission works.
ADMISSION_PROBE: Final = "admission-probe-"
CONTAINER: Final = "nginx"
#: The init container that has nginx test its configuration.
CONFIG_TEST_CONTAINER: Final = "config-test"
#: Where nginx listens unless the spec says otherwise, as the schema has it.
CONTAINER_PORT: Final = 8080
#: Where nginx answers the kubelet, if the operator writes its nginx.conf: a TCP port and a path.
HEALTH_PORT: Final = 8081
READY_PATH: Final = "/readyz"

LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_INSTANCE: Final = "app.kubernetes.io/instance"
#: Of a pod: the revision of its configuration, which is also in the name of the ConfigMap that holds it.
LABEL_CONFIG: Final = f"{GROUP}/config"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
#: The Deployment controller's label of pods, different for each template (apps/v1, DefaultDeploymentUniqueLabelKey).
LABEL_POD_HASH: Final = "pod-template-hash"

#: Selects every child of every Nginx.
CHILDREN_SELECTOR: Final = f"{LABEL_NAME}=nginx,{LABEL_MANAGED_BY}=nginx-operator"


def labels(name: str) -> dict[str, str]:
    """Labels of all children of the Nginx `name`; also the pods' selector, so they never change."""
    return {LABEL_NAME: "nginx", LABEL_INSTANCE: name, LABEL_MANAGED_BY: "nginx-operator"}


def selector(name: str) -> str:
    """The same labels in the string form that `status.selector` and list requests take."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels(name).items()))


#: [prefix/]name (apimachinery, validation.IsQualifiedName).
_DNS_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_LABEL_VALUE: Final = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_QUALIFIED_NAME: Final = re.compile(
    rf"(?:(?=[^/]{{1,253}}/){_DNS_LABEL}(?:\.{_DNS_LABEL})*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"
)


def is_dns_label(name: object) -> bool:
    """Whether it can be the name of a namespace (RFC 1123; apimachinery, validation.IsDNS1123Label)."""
    return isinstance(name, str) and re.fullmatch(_DNS_LABEL, name) is not None


def is_label_value(value: object) -> bool:
    """Whether it can be the value of a label (apimachinery, validation.IsValidLabelValue)."""
    return isinstance(value, str) and (not value or re.fullmatch(_LABEL_VALUE, value) is not None)


def is_qualified_name(name: object) -> bool:
    """Whether it can be the key of a label or an annotation, or the name of a class or a resource."""
    return isinstance(name, str) and _QUALIFIED_NAME.fullmatch(name) is not None
