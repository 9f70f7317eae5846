"""The two decisions of admission, as pure functions of a request and the policy.

Nothing here reads a file, a clock or the cluster, so that the same review gets the same answer for ever.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from nginx_operator.api import defaults, names, validation
from nginx_operator.api.policy import MAX_INT32, Policy
from nginx_operator.api.truncation import truncated
from nginx_operator.api.validation import ValidationResult
from nginx_operator.api.validation.field_errors import FieldError, quoted
from nginx_webhooks.review import (
    AdmissionRequest,
    AdmissionResponse,
    GroupVersionKind,
    MalformedReviewError,
    Metadata,
    Object,
    mapping_or_empty,
)

_SCALE: Final = ("autoscaling", "v1", "Scale")


def mutate(request: AdmissionRequest, policy: Policy) -> AdmissionResponse:
    """Writes what the spec leaves out, and nothing else.

    The schema has not seen the object yet. A spec that is no mapping gets no patch: the schema refuses it next, with
    a better message than a patch that cannot be applied.

    Raises:
        MalformedReviewError: the request is about something else than an Nginx.
    """
    _require_kind(request, names.GROUP, names.KIND)
    if not _stores_spec(request):
        return AdmissionResponse(request)
    spec = _object(request).spec()
    if spec is not None and not isinstance(spec, Mapping):
        return AdmissionResponse(request)
    added = defaults.missing_defaults(spec or {}, policy)
    if spec is None:
        patch: tuple[tuple[str, Any], ...] = (("/spec", added),)
    else:
        # "add" replaces a member that is there already (RFC 6902, 4.1), which makes `count: null` no special case.
        changed = {**defaults.quantities_as_text(spec), **added}
        patch = tuple((f"/spec/{field}", value) for field, value in changed.items())
    return AdmissionResponse(request, patch=patch, warnings=tuple(_replacement_warnings(added, request)))


def _replacement_warnings(added: Mapping[str, Any], request: AdmissionRequest) -> Iterator[str]:
    """Warns of a default that takes the place of what was in force: who drops a line rarely means to scale by it."""
    old = mapping_or_empty(_old_spec(request)) if added else {}
    for field, value in added.items():
        if old.get(field) not in (None, value):
            text = f"spec.{field} is left out, so the default {value} replaces {quoted(old[field])}"
            yield truncated(text, validation.MAX_WARNING_LENGTH)


def validate(request: AdmissionRequest, policy: Policy) -> AdmissionResponse:
    """Judges an Nginx, or the number of pods in its scale subresource.

    Raises:
        MalformedReviewError: the request is about something else.
    """
    scale = (request.kind.group, request.kind.version, request.kind.kind) == _SCALE
    if not scale:
        _require_kind(request, names.GROUP, names.KIND)
    if not _stores_spec(request):
        return AdmissionResponse(request)
    try:
        result = _validate_scale(request, policy) if scale else _validate_nginx(request, policy)
    except RecursionError as error:
        raise MalformedReviewError("the object is nested too deeply") from error
    return AdmissionResponse(request, errors=tuple(result.errors), warnings=tuple(result.warnings))


def _validate_nginx(request: AdmissionRequest, policy: Policy) -> ValidationResult:
    spec, old = _object(request).spec(), _old_spec(request)
    if spec is not None and not isinstance(spec, Mapping):
        return ValidationResult([FieldError(("spec",), f"{quoted(spec)} must be a mapping")], [])
    return validation.validate(
        request.object_name,
        # Left out still (the mutating webhook may be switched off): judged as what the operator makes of it.
        defaults.with_defaults(spec or {}, policy),
        policy,
        old_spec=old if isinstance(old, Mapping) else None,
    )


def _old_spec(request: AdmissionRequest) -> Any:
    """What is in force; nothing if it is longer than a spec may be, so that a shorter one can replace it."""
    old = request.old_object
    return None if old is None or old.too_long else old.spec()


def _validate_scale(request: AdmissionRequest, policy: Policy) -> ValidationResult:
    """autoscaling/v1 leaves `replicas` out when it is 0 (omitempty in the API server's Go type)."""
    count = _replicas(_object(request))
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_INT32:
        message = f"{quoted(count)} must be a whole number from 0 to {MAX_INT32}"
        return ValidationResult([FieldError(("spec", "replicas"), message)], [])
    old_count = None if request.old_object is None else _replicas(request.old_object)
    return validation.validate_scale(count, old_count, policy)


def _replicas(scale: Object) -> Any:
    found = mapping_or_empty(scale.spec()).get("replicas")
    return 0 if found is None else found


def _require_kind(request: AdmissionRequest, group: str, kind: str) -> None:
    if (request.kind.group, request.kind.kind) != (group, kind):
        raise MalformedReviewError(
            f"no rule for kind {quoted(request.kind.kind)} of group {quoted(request.kind.group)}; "
            "check the rules of the webhook configuration"
        )


def _stores_spec(request: AdmissionRequest) -> bool:
    """Whether the request stores a spec that will have an effect."""
    return request.operation in ("CREATE", "UPDATE") and not request.deleting


def _object(request: AdmissionRequest) -> Object:
    if request.object is None:
        raise MalformedReviewError(f"operation {request.operation} comes with no object")
    return request.object


def warm_up(policy: Policy) -> None:
    """Judges a sample, so that the first user does not wait for the schema to be read and compiled."""
    kind = GroupVersionKind(group=names.GROUP, version=names.VERSION, kind=names.KIND)
    spec = msgspec.Raw(msgspec.json.encode({"count": policy.default_count}))
    sample = Object(Metadata(name="sample"), spec)
    validate(AdmissionRequest(uid="warm-up", kind=kind, operation="CREATE", object=sample), policy)
