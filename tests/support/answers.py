"""What a cluster answers about an Nginx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nginx_operator.api import names

#: How the API server begins to pass on a refusal by the validating webhook.
DENIED: Final = f'admission webhook "{names.VALIDATING_WEBHOOK}" denied the request'


def condition(nginx: Mapping[str, Any], kind: str) -> Mapping[str, str]:
    """A condition of an Nginx; empty when it has none of that type."""
    conditions: Sequence[Mapping[str, str]] = nginx.get("status", {}).get("conditions", ())
    return next((found for found in conditions if found["type"] == kind), {})


def ready_condition(nginx: Mapping[str, Any]) -> Mapping[str, str]:
    """The Ready condition of an Nginx; empty when it has none yet."""
    return condition(nginx, "Ready")
