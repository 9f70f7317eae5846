"""What a request is about, read from its path; the names are those of the API server's own RequestInfo."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """A collection, an object, or a subresource of one.

    Attributes:
        api_version: GROUP/VERSION, or "v1" for the core group.
        namespace: empty for cluster scope, or for all namespaces.
        name: empty for a collection.
    """

    api_version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @classmethod
    def of(cls, path: str) -> Self:
        """Parses /apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/SUBRESOURCE; any other path is its last part."""
        root, *parts = path.strip("/").split("/")
        if root not in ("api", "apis") or len(parts) < (2 if root == "api" else 3):
            return cls("", path.rpartition("/")[2])
        cut = 1 if root == "api" else 2
        api_version, rest = "/".join(parts[:cut]), parts[cut:]
        namespace = rest.pop(1) if rest[0] == "namespaces" and len(rest) > 2 else ""
        plural, name, subresource, *_ = *rest[bool(namespace) :], "", "", ""
        return cls(api_version, plural, namespace, name, subresource)

    def path(self, name: str = "", namespace: str = "") -> str:
        """The path of one object, this one unless another is named."""
        root = "apis" if "/" in self.api_version else "api"
        namespace = namespace or self.namespace
        scope = f"namespaces/{namespace}/" if namespace else ""
        return f"/{root}/{self.api_version}/{scope}{self.plural}/{name or self.name}"

    def holds(self, path: str) -> bool:
        """Whether the object at a path is in this collection."""
        other = RequestInfo.of(path)
        same = (other.api_version, other.plural) == (self.api_version, self.plural)
        return same and self.namespace in ("", other.namespace)

    @property
    def group(self) -> str:
        """Empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def qualified(self) -> str:
        """PLURAL.GROUP, as the API server's messages have it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def custom(self) -> bool:
        """Whether a CustomResourceDefinition defines it: Kubernetes' own groups are short or end in k8s.io."""
        return "." in self.group and not self.group.endswith(".k8s.io")

    @property
    def has_generation(self) -> bool:
        """Whether metadata.generation counts the changes of what is wanted."""
        return self.custom or self.plural in (
            *("deployments", "pods", "podtemplates", "customresourcedefinitions"),
            *("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
        )

    @property
    def has_status(self) -> bool:
        """Whether status is a subresource: writes to the object leave it alone."""
        return self.custom or self.plural in (
            *("deployments", "services", "pods", "namespaces", "customresourcedefinitions"),
        )

    @property
    def unconditional(self) -> bool:
        """Whether an update may do without a resourceVersion."""
        return self.group in ("", "apps")
