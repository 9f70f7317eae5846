"""spec.config: which of its fields may stand together, and what nginx would say of the text in it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from nginx_operator.api import names
from nginx_operator.api.nginx_conf.findings import Verdict
from nginx_operator.api.nginx_conf.judge import Place, judge
from nginx_operator.api.nginx_conf.rules import Rules
from nginx_operator.api.validation.field_errors import FieldError, FieldPath

_FIELDS: Final = ("http", "main", "image")
_PLACES: Final[tuple[Place, ...]] = get_args(Place)
#: Beside http stands a server of the operator's; main is the user's alone.
_RULES: Final = {
    "http": Rules(reserved_ports={names.HEALTH_PORT: "the operator's own, for the kubelet"}),
    "main": Rules(),
}


def validate_config_fields(spec: Mapping[str, Any]) -> Iterator[FieldError]:
    """Fields that exclude one another; the CRD has the same rules in CEL."""
    config = spec.get("config")
    if not isinstance(config, Mapping):
        return
    if sum(config.get(name) is not None for name in _FIELDS) != 1:
        yield FieldError(("spec", "config"), f"needs exactly one of {', '.join(_FIELDS[:-1])} and {_FIELDS[-1]}")
    if config.get("http") is not None and spec.get("containerPort") == names.HEALTH_PORT:
        text = f"{names.HEALTH_PORT} is the port of the operator's own server beside spec.config.http; use another"
        yield FieldError(("spec", "containerPort"), text)


def validate_config(spec: Mapping[str, Any], old_spec: Mapping[str, Any]) -> Iterator[FieldError | str]:
    """The judge's verdict on a text. One that stays is not judged again: that takes time, and changes nothing."""
    for place in _PLACES:
        text = _text(spec, place)
        if text is None or text == _text(old_spec, place):
            continue
        path: FieldPath = ("spec", "config", place, "inline")
        verdict = judge(text, path=".".join(map(str, path)), place=place, rules=_RULES[place])
        yield from (FieldError(path, found.message, found.line) for found in verdict.errors)
        yield from map(str, verdict.warnings)
        port = spec.get("containerPort") or names.CONTAINER_PORT
        if not verdict.errors and _is_deaf(verdict, text, port):
            yield f"spec.config.{place}.inline: no server listens on spec.containerPort {port}, where the Service leads"


def _text(spec: Mapping[str, Any], place: str) -> str | None:
    """The text that a spec has for a place; None if it has none, or something else, which the schema refuses."""
    found: object = spec
    for name in ("config", place, "inline"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


def _is_deaf(verdict: Verdict, text: str, port: object) -> bool:
    """Whether no server listens on a port, for all that is known: an include may bring one."""
    if not isinstance(port, int) or "include" in text:
        return False
    return not any(listen.first <= port <= listen.last and not listen.udp for listen in verdict.listens)
