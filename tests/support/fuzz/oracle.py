"""Judges answers to any request, by an implementation of the rules that shares no code with the server."""

import base64
import json
from types import NoneType
from typing import Any

from nginx_operator.api import names, schema
from nginx_operator.api.policy import Policy


def check(path: str, body: bytes, status: int, answer: bytes, policy: Policy) -> None:
    """Asserts what must hold for an answer."""
    assert status in (200, 400), status
    assert b"Traceback" not in answer
    assert b'File "' not in answer
    if status == 400:
        return
    asked, response = json.loads(body)["request"], json.loads(answer)["response"]
    assert response["uid"] == asked["uid"]
    if not response["allowed"]:
        assert response["status"]["message"]
        assert path == "/validate"
    elif path == "/validate":
        assert (why := _why_not(asked, policy)) is None, why
    else:
        _check_patch(asked, response)


def _why_not(asked: dict[str, Any], policy: Policy) -> str | None:
    """Why a request must not be allowed; None if it may be."""
    obj = asked.get("object")
    if asked["operation"] not in ("CREATE", "UPDATE"):
        return None
    stored = (asked.get("oldObject") or {}).get("metadata")
    if isinstance(stored, dict) and stored.get("deletionTimestamp"):
        return None
    scale, spec = asked["kind"]["kind"] == "Scale", obj.get("spec")
    old = (asked.get("oldObject") or {}).get("spec")
    old = old if isinstance(old, dict) else {}
    if scale:
        spec = spec if isinstance(spec, dict) else {}
        if type(count := spec.get("replicas", 0)) not in (int, NoneType):
            return f"replicas {count!r}"
        return _why_not_count(count or 0, old.get("replicas") or 0, policy)
    if spec is not None and not isinstance(spec, dict):
        return "spec is no mapping"
    full = {"count": policy.default_count, "image": policy.default_image, **_without_nulls(spec or {})}
    if "spec" in (asked.get("oldObject") or {}) and old == full:
        return None  # stored already
    for error in schema.validator(names.VERSION).iter_errors(_with_quotes(full)):
        return error.message
    return _why_not_count(full["count"], old.get("count"), policy)


def _why_not_count(count: Any, old: Any, policy: Policy) -> str | None:
    if count == old:
        return None  # in force already
    return None if policy.min_count <= count <= policy.max_count else f"count {count}"


def _with_quotes(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec with fractions among its resources as text: the mutating webhook has quoted them before."""
    resources = spec.get("resources")
    if not isinstance(resources, dict):
        return spec
    quoted = {
        key: {name: str(each) if isinstance(each, float) else each for name, each in amounts.items()}
        if isinstance(amounts, dict)
        else amounts
        for key, amounts in resources.items()
    }
    return {**spec, "resources": quoted}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _check_patch(asked: dict[str, Any], response: dict[str, Any]) -> None:
    """Asserts that a patch only adds missing keys to mappings, and quotes to fractions."""
    spec = (asked.get("object") or {}).get("spec")
    for operation in json.loads(base64.b64decode(response.get("patch", base64.b64encode(b"[]")))):
        assert operation["op"] == "add"
        if spec is None:
            assert operation["path"] == "/spec"
        else:
            assert isinstance(spec, dict)
            field = operation["path"].removeprefix("/spec/")
            if field == "resources":
                assert _quoted(spec[field], operation["value"])
            else:
                assert field in ("count", "image")
                assert spec.get(field) is None


def _quoted(before: Any, after: Any) -> bool:
    """Whether two values are the same but for quotes around a fraction."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_quoted(before[key], after[key]) for key in before)
    if isinstance(before, float) and isinstance(after, str):
        return float(after) == before
    return type(before) is type(after) and bool(before == after)
