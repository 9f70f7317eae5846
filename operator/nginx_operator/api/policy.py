"""What the administrator allows: the bounds of `spec.count` and the defaults.

The policy of a namespace is the one listed under its name, else that of the first class whose selector matches its
labels, else the cluster's.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nginx_operator.api import images, selectors
from nginx_operator.api.selectors import Requirement

#: The largest int32, as in the schema.
MAX_INT32: Final = 2**31 - 1
#: No policy may allow more pods. The operator's admission probe relies on it: every policy refuses MAX_INT32.
COUNT_LIMIT: Final = 100_000

DEFAULT_IMAGE: Final = "docker.io/nginxinc/nginx-unprivileged:1.30-alpine"


class PolicyError(ValueError):
    """The policy contradicts itself or is malformed; the text names every error."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds and defaults.

    Attributes:
        default_count: written into a spec without a count.
        min_count: the smallest count that is admitted.
        max_count: the largest count that is admitted.
        default_image: written into a spec without an image.
        fixed_ids: whether nginx runs with the user and group of the default image; else the platform assigns them.
        namespace: the namespace that it applies to.
        class_name: the class of namespaces that it applies to. Without both it applies where no other does.
        release: the Helm release whose policy it is, as namespace/name, if it is one of several; else empty.
        pod_ip_families: the IP families that pods have. Of the cluster, and no part of what an administrator writes.
        name: what it is called where no cluster is known; else empty.
    """

    default_count: int = 1
    min_count: int = 0
    max_count: int = 100
    default_image: str = DEFAULT_IMAGE
    fixed_ids: bool = True
    namespace: str = ""
    class_name: str = ""
    release: str = ""
    pod_ip_families: tuple[str, ...] = ("IPv4", "IPv6")
    name: str = ""

    @property
    def scope(self) -> str:
        """Where it applies, for messages."""
        if self.namespace:
            return f"namespace {self.namespace}"
        if self.class_name:
            return f"a namespace of class {self.class_name}"
        return f"release {self.release}" if self.release else self.name or "this cluster"

    @property
    def owner(self) -> str:
        """Who may change it, for messages."""
        return f"the administrator of release {self.release}" if self.release else "the cluster's administrator"

    @property
    def summary(self) -> str:
        """Bounds and default count, for a log line."""
        return f"{self.scope}: count {self.min_count} to {self.max_count}, default {self.default_count}"

    def value_path(self, key: str) -> str:
        """The path of a key in the chart's values, for messages."""
        if self.namespace:
            return f"webhooks.policy.namespaces.{self.namespace}.{key}"
        return f"webhooks.policy.{f'classes[{self.class_name}].' if self.class_name else ''}{key}"

    def contradiction(self) -> str:
        """Why it admits no count, or not its own default; empty if it is consistent."""
        if self.min_count > self.max_count:
            return f"minCount {self.min_count} is greater than maxCount {self.max_count}"
        if not self.min_count <= self.default_count <= self.max_count:
            return (
                f"defaultCount {self.default_count} is outside minCount {self.min_count} to maxCount {self.max_count}"
            )
        return ""


_BUILT_IN: Final = Policy()


@dataclass(frozen=True, slots=True)
class NamespaceClass:
    """Namespaces that share a policy, selected by a label."""

    selector: Requirement
    policy: Policy

    @property
    def name(self) -> str:
        """Its name in the policy, and in the paths of its webhooks."""
        return self.policy.class_name


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of the cluster, those of namespaces that have one of their own, and those of classes.

    Attributes:
        classes: in order; the first that selects a namespace counts.
    """

    cluster: Policy = Policy()
    namespaces: Mapping[str, Policy] = field(default_factory=dict)
    classes: tuple[NamespaceClass, ...] = ()

    def for_namespace(self, namespace: str, class_name: str = "") -> Policy:
        """The policy that applies to a namespace.

        Args:
            namespace: its name.
            class_name: the class that selects it. An unknown one counts as none: the webhook configurations change a
                minute before the kubelet updates the policy file, or after it.
        """
        if namespace in self.namespaces:
            return self.namespaces[namespace]
        return next((found.policy for found in self.classes if found.name == class_name), self.cluster)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in their order."""
        return tuple(found.name for found in self.classes)

    @property
    def summary(self) -> str:
        """All of them, for a log line."""
        bounds = [self.cluster, *self.namespaces.values(), *(found.policy for found in self.classes)]
        ids = "" if self.cluster.fixed_ids else "; ids left to the platform"
        return f"{'; '.join(policy.summary for policy in bounds)}; image {self.cluster.default_image}{ids}"

    def depends_on_labels(self, namespace: str) -> bool:
        """Whether the policy of a namespace depends on its labels."""
        return bool(self.classes) and namespace not in self.namespaces

    def class_of(self, labels: Mapping[str, str]) -> str:
        """The name of the first class that selects a namespace with these labels; empty if none does."""
        return next((found.name for found in self.classes if found.selector.matches(labels)), "")

    @classmethod
    def parse(cls, document: object, base: Policy = _BUILT_IN) -> "Policies":
        """The policies of a document.

        Args:
            document: a mapping with the keys defaultCount, minCount, maxCount, defaultImage, fixedIDs; namespaces, a
                mapping from names to mappings with the first three; and classes, a list of mappings with the first
                three, a name and a selector. All but the latter two are optional: a policy has the cluster's values
                where it has none.
            base: what the document does not say: the release, if it is one of several, and what is of the cluster.

        Raises:
            PolicyError: with all errors at once.
        """
        errors: list[str] = []
        whole = _mapping(document, "policy", errors)
        own = {key: value for key, value in whole.items() if key not in ("namespaces", "classes")}
        cluster = _policy(own, base, _FIELDS, "", errors)
        namespaces = {
            str(name): _policy(
                _mapping(values, f"namespaces.{name}", errors),
                replace(cluster, namespace=str(name)),
                _COUNTS,
                f"namespaces.{name}: ",
                errors,
            )
            for name, values in _mapping(whole.get("namespaces"), "namespaces", errors).items()
        }
        classes = _classes(whole.get("classes"), cluster, errors)
        if errors:
            raise PolicyError("; ".join(errors))
        return cls(cluster, namespaces, classes)


#: The chart has this many entries for classes in each webhook configuration.
MAX_CLASSES: Final = 4
#: A DNS label: it becomes a part of the path of the class's webhooks.
_CLASS_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")

_COUNTS: Final = {"defaultCount": "default_count", "minCount": "min_count", "maxCount": "max_count"}
_IMAGE: Final = {"defaultImage": "default_image"}
_IDS: Final = {"fixedIDs": "fixed_ids"}
_FIELDS: Final = {**_COUNTS, **_IMAGE, **_IDS}


def _classes(documents: object, cluster: Policy, errors: list[str]) -> tuple[NamespaceClass, ...]:
    """The classes, in their order. What is wrong with them is appended to `errors`."""
    if documents is not None and not isinstance(documents, list):
        errors.append(f"classes must be a list, not {type(documents).__name__}")
        return ()
    found: dict[str, NamespaceClass] = {}
    if len(documents or ()) > MAX_CLASSES:
        errors.append(f"there are {len(documents or ())} classes; at most {MAX_CLASSES} are possible")
    for number, document in enumerate(documents or ()):
        values = dict(_mapping(document, f"classes[{number}]", errors))
        name, selector = values.pop("name", None), values.pop("selector", None)
        if not isinstance(name, str) or not _CLASS_NAME.fullmatch(name):
            errors.append(f"classes[{number}]: name must be a DNS label such as gold, not {name!r}")
            continue
        if name in found:
            errors.append(f"classes[{number}]: there are two classes {name}")
        where = f"classes[{name}]: "
        requirement = _mapping(selector, f"{where}selector", errors)
        invalid = [f"{where}selector: {error}" for error in selectors.validate(requirement)]
        errors.extend(invalid)
        policy = _policy(values, replace(cluster, class_name=name), _COUNTS, where, errors)
        if not invalid:
            found[name] = NamespaceClass(selectors.requirement(requirement), policy)
    return tuple(found.values())


def _policy(values: Mapping[object, Any], base: Policy, keys: Collection[str], where: str, errors: list[str]) -> Policy:
    """`base` with these values. What is wrong with them is appended to `errors`, each with the prefix `where`."""
    given = {key: value for key, value in values.items() if value is not None or key not in keys}
    found = [f"{where}{error}" for key, value in given.items() if (error := _value_error(key, value, keys))]
    if not found:
        base = replace(base, **{_FIELDS[str(key)]: value for key, value in given.items()})
        found = [f"{where}{contradiction}"] if (contradiction := base.contradiction()) else []
    errors.extend(found)
    return base


def _value_error(key: object, value: Any, keys: Collection[str]) -> str:
    """Why a policy cannot have this value; empty if it can."""
    if key not in keys:
        return f"unknown key {key!r}; the keys are {', '.join(keys)}"
    if key in _IMAGE:
        if isinstance(value, str) and images.is_reference(value):
            return ""
        return f"{key} must be an image that a node can pull, not {value!r}; it is {images.FORMAT}"
    if key in _IDS:
        return "" if isinstance(value, bool) else f"{key} must be true or false, not {value!r}"
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= COUNT_LIMIT:
        return f"{key} must be a whole number from 0 to {COUNT_LIMIT}, not {value!r}"
    return ""


def _mapping(value: object, what: str, errors: list[str]) -> Mapping[object, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    errors.append(f"{what} must be a mapping, not {type(value).__name__}")
    return {}
