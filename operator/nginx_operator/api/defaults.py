"""Defaults of fields that a spec leaves out. What the user wrote stays, 0 included."""

from collections.abc import Mapping
from typing import Any

from nginx_operator.api.policy import Policy


def missing_defaults(spec: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """The fields to add to `spec`, in the order in which they are added; empty when nothing is missing.

    null counts as missing: the API server drops a null before it stores the object.
    """
    values = {"count": policy.default_count, "image": policy.default_image}
    return {field: value for field, value in values.items() if spec.get(field) is None}


def with_defaults(spec: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """A copy of `spec` with the missing defaults filled in."""
    return {**spec, **missing_defaults(spec, policy)}
