"""The field `data` of a Secret, whose values are base64."""

import base64
from collections.abc import Mapping
from typing import Any


def decode(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """The data of a Secret; empty if it has none.

    Raises:
        ValueError: a value is no base64.
    """
    data: dict[str, Any] = secret.get("data") or {}
    try:
        return {key: base64.b64decode(value, validate=True) for key, value in data.items()}
    except TypeError as error:
        raise ValueError(str(error)) from error


def encode(data: Mapping[str, bytes]) -> dict[str, str]:
    """The data as a Secret takes it."""
    return {key: base64.b64encode(value).decode("ascii") for key, value in data.items()}
