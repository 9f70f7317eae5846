"""Defaults of fields that a spec leaves out, and quantities as the schema takes them. What the user wrote stays."""

from collections.abc import Mapping
from math import isfinite
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
    return {**spec, **quantities_as_text(spec), **missing_defaults(spec, policy)}


def quantities_as_text(spec: Mapping[str, Any]) -> dict[str, Any]:
    """`resources` with its fractions as text, {"cpu": 0.1} as {"cpu": "0.1"}; empty if there are none.

    A Pod takes a fraction without quotes (resource.Quantity, UnmarshalJSON), which a CustomResourceDefinition cannot
    say: x-kubernetes-int-or-string is one or the other.
    """
    resources = spec.get("resources")
    if not isinstance(resources, Mapping):
        return {}
    changed = {key: _as_text(amounts) for key, amounts in resources.items() if isinstance(amounts, Mapping)}
    return {"resources": {**resources, **changed}} if any(changed[key] != resources[key] for key in changed) else {}


def _as_text(amounts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: repr(amount) if isinstance(amount, float) and isfinite(amount) else amount
        for name, amount in amounts.items()
    }
