"""Labels and annotations of the Service and the Deployment: what the API server would refuse when they are written.

Sources: apimachinery, pkg/apis/meta/v1/validation (labels) and pkg/api/validation/objectmeta.go (annotations).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.validation.field_errors import FieldError, quoted

CHILDREN: Final = ("deployment", "service")
#: Prefixes of keys that others write: the operator, and the deployment controller.
_RESERVED: Final = (f"{names.GROUP}/", "deployment.kubernetes.io/")
#: Bytes of all annotations, keys and values: the API server's 256 KiB, and 1 KiB of them for the operator's own.
_MAX_ANNOTATION_BYTES: Final = 255 * 1024
_KEY_FORMAT: Final = "must be a name such as tier or example.com/tier, of at most 63 characters after the '/'"
_VALUE_FORMAT: Final = (
    "must have letters, digits, '-', '_' and '.', 63 at the most, with a letter or a digit at both ends"
)


def validate_child_metadata(spec: Mapping[str, Any]) -> Iterator[FieldError]:
    """Rules on labels and annotations below spec.deployment and spec.service."""
    for child in CHILDREN:
        found = spec.get(child)
        if isinstance(found, Mapping):
            yield from _label_errors(found.get("labels"), ("spec", child, "labels"))
            yield from _annotation_errors(found.get("annotations"), ("spec", child, "annotations"))


def _label_errors(labels: object, path: tuple[str, ...]) -> Iterator[FieldError]:
    own = names.labels("")
    for key, value in labels.items() if isinstance(labels, Mapping) else ():
        if value is None:
            continue  # left out
        if key in own:
            yield FieldError(path, f"the key {quoted(key)} is the operator's own; leave it out")
        elif not names.is_qualified_name(key):
            yield FieldError(path, f"the key {quoted(key)} {_KEY_FORMAT}")
        else:
            yield from _reserved_errors(key, path)
        if isinstance(value, str) and not names.is_label_value(value):
            yield FieldError((*path, str(key)), f"{quoted(value)} {_VALUE_FORMAT}")


def _annotation_errors(annotations: object, path: tuple[str, ...]) -> Iterator[FieldError]:
    size = 0
    for key, value in annotations.items() if isinstance(annotations, Mapping) else ():
        if value is None:
            continue  # left out
        size += len(str(key).encode(errors="replace")) + len(str(value).encode(errors="replace"))
        # The API server takes upper-case letters in a prefix, here alone.
        if not names.is_qualified_name(key.lower() if isinstance(key, str) else key):
            yield FieldError(path, f"the key {quoted(key)} {_KEY_FORMAT}")
        else:
            yield from _reserved_errors(key, path)
    if size > _MAX_ANNOTATION_BYTES:
        message = f"{size} bytes in all are more than an object can have; keep within {_MAX_ANNOTATION_BYTES}"
        yield FieldError(path, message)


def _reserved_errors(key: str, path: tuple[str, ...]) -> Iterator[FieldError]:
    prefix = next((prefix for prefix in _RESERVED if key.lower().startswith(prefix)), None)
    if prefix is not None:
        yield FieldError(path, f"the key {quoted(key)} begins with {prefix}, which is for controllers; leave it out")
