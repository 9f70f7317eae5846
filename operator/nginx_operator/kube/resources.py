"""The kinds that are read or written, and their URLs: pure.

Source of the form: the API conventions, /apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/SUBRESOURCE.
"""

from dataclasses import dataclass
from typing import Final

from nginx_operator.api import names


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object in one API version."""

    api_version: str
    plural: str
    kind: str

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """URL path of a collection, an object or its subresource. No namespace means all, or cluster scope."""
        root = "/api" if "/" not in self.api_version else "/apis"
        parts = [root, self.api_version]
        if namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


def plural_of(path: str) -> str:
    """The plural that a path names: the inverse of `Resource.path`."""
    parts = path.split("/")
    rest = parts[3:] if parts[1] == "api" else parts[4:]
    return rest[2] if rest[0] == "namespaces" and len(rest) > 2 else rest[0]


NGINXES: Final = Resource(names.API_VERSION, names.PLURAL, names.KIND)
DEPLOYMENTS: Final = Resource("apps/v1", "deployments", "Deployment")
SERVICES: Final = Resource("v1", "services", "Service")
PODS: Final = Resource("v1", "pods", "Pod")
CONFIG_MAPS: Final = Resource("v1", "configmaps", "ConfigMap")
REPLICA_SETS: Final = Resource("apps/v1", "replicasets", "ReplicaSet")
SECRETS: Final = Resource("v1", "secrets", "Secret")
NAMESPACES: Final = Resource("v1", "namespaces", "Namespace")
EVENTS: Final = Resource("v1", "events", "Event")
LEASES: Final = Resource("coordination.k8s.io/v1", "leases", "Lease")
DEFINITIONS: Final = Resource("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition")
MUTATING_CONFIGURATIONS: Final = Resource(
    "admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration"
)
VALIDATING_CONFIGURATIONS: Final = Resource(
    "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration"
)
