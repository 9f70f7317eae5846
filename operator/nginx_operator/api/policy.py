"""What the administrator allows: the bounds of `spec.count` and the defaults, for the cluster and by namespace."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

#: int32, as in the schema.
MAX_INT32: Final = 2**31 - 1
#: No policy may allow more. The readiness probe of the operator relies on it: MAX_INT32 is always refused.
COUNT_LIMIT: Final = 100_000

DEFAULT_IMAGE: Final = "docker.io/nginxinc/nginx-unprivileged:1.30-alpine"


class PolicyError(ValueError):
    """The policy contradicts itself or is malformed; the text names every fault."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds and defaults.

    Attributes:
        default_count: written into a spec without a count.
        min_count: the smallest count that is admitted, pods.
        max_count: the largest count that is admitted, pods.
        default_image: written into a spec without an image.
        namespace: which one it holds in; empty means wherever no other does.
    """

    default_count: int = 1
    min_count: int = 0
    max_count: int = 100
    default_image: str = DEFAULT_IMAGE
    namespace: str = ""

    @property
    def scope(self) -> str:
        """Where it holds, in words."""
        return f"namespace {self.namespace}" if self.namespace else "this cluster"

    def value(self, key: str) -> str:
        """The chart's value that a key stands in."""
        return f"webhooks.policy.{f'namespaces.{self.namespace}.' if self.namespace else ''}{key}"

    def contradiction(self) -> str:
        """Why no count, or not the default, can be admitted; empty if all is well."""
        if self.min_count > self.max_count:
            return f"minCount {self.min_count} is greater than maxCount {self.max_count}"
        if not self.min_count <= self.default_count <= self.max_count:
            return (
                f"defaultCount {self.default_count} is outside minCount {self.min_count} to maxCount {self.max_count}"
            )
        return ""


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of the cluster, and those of namespaces that have one of their own."""

    cluster: Policy = Policy()
    namespaces: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, namespace: str) -> Policy:
        """The policy that holds in a namespace."""
        return self.namespaces.get(namespace, self.cluster)

    @classmethod
    def parse(cls, document: object) -> "Policies":
        """The policies of a document.

        Args:
            document: a mapping with the keys defaultCount, minCount, maxCount, defaultImage, and namespaces, a mapping
                from names to mappings with the first three. All are optional: a namespace's policy has the cluster's
                values where it has none.

        Raises:
            PolicyError: with all faults at once.
        """
        faults: list[str] = []
        whole = _mapping(document, "policy", faults)
        own = {key: value for key, value in whole.items() if key != "namespaces"}
        cluster = _policy(own, Policy(), (*_COUNTS, *_IMAGE), "", faults)
        namespaces = {
            str(name): _policy(
                _mapping(values, f"namespaces.{name}", faults),
                replace(cluster, namespace=str(name)),
                _COUNTS,
                f"namespaces.{name}: ",
                faults,
            )
            for name, values in _mapping(whole.get("namespaces"), "namespaces", faults).items()
        }
        if faults:
            raise PolicyError("; ".join(faults))
        return cls(cluster, namespaces)


_COUNTS: Final = {"defaultCount": "default_count", "minCount": "min_count", "maxCount": "max_count"}
_IMAGE: Final = {"defaultImage": "default_image"}


def _policy(values: Mapping[object, Any], base: Policy, keys: Collection[str], where: str, faults: list[str]) -> Policy:
    """`base` with these values. What is wrong with them is added to the faults, after the words `where`."""
    before = len(faults)
    found: dict[str, Any] = {}
    for key, value in values.items():
        if key not in keys:
            faults.append(f"{where}unknown key {key!r}; the keys are {', '.join(keys)}")
        elif value is None:
            continue
        elif key in _IMAGE:
            if not isinstance(value, str) or not value:
                faults.append(f"{where}{key} must be a container image, not {value!r}")
        elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= COUNT_LIMIT:
            faults.append(f"{where}{key} must be a whole number from 0 to {COUNT_LIMIT}, not {value!r}")
        found[{**_COUNTS, **_IMAGE}.get(str(key), "")] = value
    if len(faults) > before:
        return base
    policy = replace(base, **found)
    if contradiction := policy.contradiction():
        faults.append(f"{where}{contradiction}")
    return policy


def _mapping(value: object, what: str, faults: list[str]) -> Mapping[object, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    faults.append(f"{what} must be a mapping, not {type(value).__name__}")
    return {}
