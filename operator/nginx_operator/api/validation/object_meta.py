"""What the API server demands of every object around its spec: the fields at the top, and metadata.

In the cluster the API server judges these itself, before any webhook. `lint` has none to ask. Sources: the API
conventions; apimachinery, pkg/api/validation/objectmeta.go; strict field validation (KEP-2885).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.validation.field_errors import FieldError, did_you_mean, quoted

_TOP: Final = ("apiVersion", "kind", "metadata", "spec", "status")
_METADATA: Final = (
    *("name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences"),
    *("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
    *("managedFields", "selfLink"),
)
_TEXTS: Final = ("name", "generateName", "namespace")
#: Bytes of all annotations, keys and values (apimachinery, TotalAnnotationSizeLimitB).
_MAX_ANNOTATIONS: Final = 256 * 1024
#: Names that other kinds have for a field of ours.
SYNONYMS: Final = {"replicas": "count"}


def validate_object(document: Mapping[Any, Any], spec_fields: Sequence[str]) -> Iterator[FieldError]:
    """The fields at the top of an object, and its metadata.

    Args:
        document: the object, decoded.
        spec_fields: names of the fields of spec: one that stands at the top is indented too little.
    """
    for key in document:
        if key not in _TOP:
            yield FieldError((str(key),), f"unknown field; {_top_hint(str(key), spec_fields)}")
    yield from _validate_metadata(document.get("metadata"))


def _top_hint(key: str, spec_fields: Sequence[str]) -> str:
    field = SYNONYMS.get(key, key)
    if field in spec_fields:
        return f"did you mean spec.{field}?"
    near = did_you_mean(key, _TOP) or did_you_mean(key, spec_fields).replace("did you mean ", "did you mean spec.")
    return near or f"the fields here are {', '.join(_TOP)}"


def _validate_metadata(meta: object) -> Iterator[FieldError]:
    if meta is None:
        yield FieldError(("metadata", "name"), "is required")
        return
    if not isinstance(meta, Mapping):
        yield FieldError(("metadata",), f"{_shown(meta)} must be a mapping")
        return
    for key in meta:
        if key not in _METADATA:
            hint = did_you_mean(key, _METADATA) or f"the fields here are {', '.join(_METADATA)}"
            yield FieldError(("metadata", str(key)), f"unknown field; {hint}")
    for key in _TEXTS:
        if not isinstance(meta.get(key), str | None):
            yield FieldError(("metadata", key), f"{_shown(meta[key])} must be a string; put it in quotes")
    if not (meta.get("name") or meta.get("generateName")):
        yield FieldError(("metadata", "name"), "is required")
    namespace = meta.get("namespace")
    if isinstance(namespace, str) and namespace and not names.is_dns_label(namespace):
        rule = "lower-case letters, digits and '-', 63 characters at the most, a letter or digit at both ends"
        yield FieldError(("metadata", "namespace"), f"{quoted(namespace)} is not the name of a namespace: {rule}")
    yield from _validate_texts(meta.get("labels"), "labels")
    yield from _validate_texts(meta.get("annotations"), "annotations")
    finalizers = meta.get("finalizers")
    if finalizers is not None and not (isinstance(finalizers, list) and all(map(names.is_qualified_name, finalizers))):
        yield FieldError(("metadata", "finalizers"), f"{_shown(finalizers)} must be a list of [prefix/]name")


def _shown(value: object) -> str:
    """A value in a message. A list or a mapping may hold aliases of aliases, and gigabytes as text."""
    if isinstance(value, Mapping | list):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    return quoted(value)


def _validate_texts(found: object, field: str) -> Iterator[FieldError]:
    """A mapping of labels or annotations."""
    if found is None:
        return
    if not isinstance(found, Mapping):
        yield FieldError(("metadata", field), f"{_shown(found)} must be a mapping")
        return
    for key, value in found.items():
        path = ("metadata", field, str(key))
        # Of an annotation's key, case does not matter (apimachinery, ValidateAnnotations).
        if not names.is_qualified_name(key if field == "labels" else str(key).lower()):
            yield FieldError(path, "is not a valid key: [prefix/]name of letters, digits, '-', '_' and '.'")
        if not isinstance(value, str):
            yield FieldError(path, f"{_shown(value)} must be a string; put it in quotes")
        elif field == "labels" and not names.is_label_value(value):
            rule = "letters, digits, '-', '_' and '.', 63 characters at the most, a letter or digit at both ends"
            yield FieldError(path, f"{quoted(value)} is not a valid label value: {rule}")
    size = sum(len(text.encode()) for pair in found.items() for text in pair if isinstance(text, str))
    if field == "annotations" and size > _MAX_ANNOTATIONS:
        yield FieldError(("metadata", field), f"have {size} bytes in all; {_MAX_ANNOTATIONS} is the most")
