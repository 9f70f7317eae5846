"""What is refused, and what is only warned of: one list of rules for the webhook, the reconcile guard and `lint`.

A rule is a function of the values that it needs. It yields errors, which refuse, and texts, which warn. All rules run,
so that a user sees everything at once. The schema and the CEL rules of the CRD are repeated here, because the guard and
`lint` have no API server to ask.

    field_errors.py    an error and its field path; quoting and hints
    object_meta.py     metadata, and the fields at the top of an object
    crd_schema.py      the CRD's schema, its errors in words
    msgspec_schema.py  the same schema as msgspec types, for a quick yes
    nginx.py           metadata.name, spec.count, spec.image, spec.paused
    child_metadata.py  labels and annotations of the children
    service.py         spec.service
    resources.py       spec.resources
    probes.py          spec.probes
    config.py          spec.config
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from nginx_operator.api.policy import Policy
from nginx_operator.api.truncation import truncated
from nginx_operator.api.validation.child_metadata import validate_child_metadata
from nginx_operator.api.validation.config import validate_config, validate_config_fields
from nginx_operator.api.validation.crd_schema import validate_list_types, validate_schema
from nginx_operator.api.validation.field_errors import MAX_ERRORS, FieldError
from nginx_operator.api.validation.nginx import (
    validate_count,
    validate_image,
    validate_integer_count,
    validate_name,
    validate_paused,
)
from nginx_operator.api.validation.probes import validate_probes
from nginx_operator.api.validation.resources import validate_resources
from nginx_operator.api.validation.service import validate_ip_families, validate_service, validate_service_type

#: A warning header of an admission response holds this many characters; more may be cut (KEP-1693).
MAX_WARNING_LENGTH: Final = 120
#: More than every list and mapping of the schema holds together.
MAX_ENTRIES: Final = 1000


class ValidationResult(NamedTuple):
    """What all rules found. Errors refuse the object; warnings are shown to the user."""

    errors: list[FieldError]
    warnings: list[str]


def validate(
    name: str,
    spec: Mapping[str, Any],
    policy: Policy,
    *,
    old_spec: Mapping[str, Any] | None = None,
    strict: bool = False,
) -> ValidationResult:
    """Validates a whole Nginx, in bounded time whatever is sent.

    A spec that is stored already is not refused again: a label or a finalizer can be changed whatever a later version
    of the rules thinks of the rest. Neither is a value in it that stays (ratcheting, as KEP-4008 has it for schemas).

    Args:
        name: metadata.name; empty while the API server has not generated it yet.
        spec: the spec after defaulting.
        policy: the administrator's.
        old_spec: the spec in force; None on create.
        strict: whether unknown fields are errors.
    """
    found: Iterable[FieldError | str] = _apply_rules(name, spec, policy, old_spec or {}, strict=strict)
    if not _is_bounded(spec):
        found = [FieldError(("spec",), f"has more than {MAX_ENTRIES} fields and entries in all")]
    result = _collected(found)
    return result if old_spec != spec else ValidationResult([], result.warnings)


def _apply_rules(
    name: str, spec: Mapping[str, Any], policy: Policy, old_spec: Mapping[str, Any], *, strict: bool
) -> Iterator[FieldError | str]:
    """Every rule, in the order in which users read what it finds."""
    yield from validate_name(name)
    yield from validate_schema(spec, strict=strict)
    yield from validate_list_types(spec)
    yield from validate_integer_count(spec.get("count"))
    yield from validate_count(spec.get("count"), old_spec.get("count"), policy)
    yield from validate_service_type(spec.get("service"))
    yield from validate_ip_families(spec.get("service"))
    yield from validate_probes(spec.get("probes"))
    yield from validate_config_fields(spec)
    yield from validate_child_metadata(spec)
    yield from validate_service(spec, old_spec)
    yield from validate_resources(spec.get("resources"))
    yield from validate_image(spec.get("image"), old_spec.get("image"))
    yield from validate_config(spec, old_spec)
    yield from validate_paused(spec, old_spec)


def validate_scale(replicas: object, old_replicas: object, policy: Policy) -> ValidationResult:
    """Validates spec.replicas of the scale subresource, which is spec.count of the Nginx.

    Args:
        replicas: the new number.
        old_replicas: the one in force; None if it is not known.
        policy: the administrator's.
    """
    return _collected(validate_count(replicas, old_replicas, policy, ("spec", "replicas")))


def _collected(found: Iterable[FieldError | str]) -> ValidationResult:
    """The first MAX_ERRORS errors, and the warnings up to the next one."""
    errors: list[FieldError] = []
    warnings: list[str] = []
    for each in found:
        if not isinstance(each, FieldError):
            warnings.append(truncated(each, MAX_WARNING_LENGTH))
        elif len(errors) < MAX_ERRORS:
            errors.append(each)
        else:
            break
    return ValidationResult(errors, warnings)


def _is_bounded(spec: object) -> bool:
    """Whether the spec has at most MAX_ENTRIES fields and entries in all, counted without reading more than these."""
    left, ahead = MAX_ENTRIES, [spec]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict | list):  # as JSON and YAML are decoded; asking for a Mapping takes thrice as long
            left -= len(value)
            if left < 0:
                return False
            ahead.extend(value.values() if isinstance(value, dict) else value)
    return True
