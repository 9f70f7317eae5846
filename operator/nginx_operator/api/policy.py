"""What the administrator allows: the bounds of `spec.count` and the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    """Bounds and defaults of the whole cluster.

    Attributes:
        default_count: written into a spec without a count.
        min_count: the smallest count that is admitted, pods.
        max_count: the largest count that is admitted, pods.
        default_image: written into a spec without an image.
    """

    default_count: int = 1
    min_count: int = 0
    max_count: int = 100
    default_image: str = DEFAULT_IMAGE

    @classmethod
    def parse(cls, document: object) -> "Policy":
        """The policy of a document with the keys defaultCount, minCount, maxCount, defaultImage, all optional.

        Raises:
            PolicyError: with all faults at once.
        """
        if document is None:
            document = {}
        if not isinstance(document, Mapping):
            raise PolicyError(f"policy must be a mapping, not {type(document).__name__}")
        faults = [f"unknown key {key!r}; the keys are {', '.join(_KEYS)}" for key in document if key not in _KEYS]
        values: dict[str, Any] = {}
        for key, attribute in _KEYS.items():
            if document.get(key) is None:
                continue
            value = document[key]
            if key == "defaultImage":
                if not isinstance(value, str) or not value:
                    faults.append(f"defaultImage must be a container image, not {value!r}")
            elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= COUNT_LIMIT:
                faults.append(f"{key} must be a whole number from 0 to {COUNT_LIMIT}, not {value!r}")
            values[attribute] = value
        if faults:
            raise PolicyError("; ".join(faults))
        policy = cls(**values)
        policy._check()
        return policy

    def _check(self) -> None:
        if self.min_count > self.max_count:
            raise PolicyError(f"minCount {self.min_count} is greater than maxCount {self.max_count}")
        if not self.min_count <= self.default_count <= self.max_count:
            raise PolicyError(
                f"defaultCount {self.default_count} is outside minCount {self.min_count} to maxCount {self.max_count}"
            )


_KEYS: Final = {
    "defaultCount": "default_count",
    "minCount": "min_count",
    "maxCount": "max_count",
    "defaultImage": "default_image",
}
