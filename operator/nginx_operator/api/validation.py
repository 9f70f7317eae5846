"""What is refused, and what is only warned of: one list of checks for the webhook, the reconcile guard and `lint`.

A check looks at one `Subject` and yields faults and warnings. All of them run, so a user sees everything at once.
The CRD's schema and CEL rules are repeated here, because the guard and `lint` have no API server to ask.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from jsonschema.exceptions import ValidationError

from nginx_operator.api import names, quantity, schema
from nginx_operator.api.policy import MAX_INT32, Policy

#: A warning header of an admission response holds this many characters; more may be cut (KEP-1693).
WARNING_LENGTH: Final = 120
#: A refused value is quoted up to this many characters.
VALUE_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason to refuse.

    Attributes:
        path: the field, for instance "spec.count".
        message: what is wrong and what to do, a sentence without the path.
        parts: the same path in parts, to find its line in a file.
    """

    path: str
    message: str
    parts: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged.

    Attributes:
        name: metadata.name; empty while the API server has not generated it yet.
        spec: the spec after defaulting.
        old_spec: the spec that is in force, None on create. What it already had is not refused again (ratcheting).
        policy: the administrator's.
        strict: whether unknown fields are faults.
    """

    name: str
    spec: Mapping[str, Any]
    policy: Policy
    old_spec: Mapping[str, Any] | None = None
    strict: bool = False


@dataclass(slots=True)
class Verdict:
    """Outcome of all checks. Faults refuse; warnings are shown and do not."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """All faults as one line."""
        return "; ".join(map(str, self.faults))


def check(subject: Subject) -> Verdict:
    """Judges a whole Nginx."""
    verdict = Verdict()
    for rule in CHECKS:
        for found in rule(subject):
            if isinstance(found, Fault):
                verdict.faults.append(found)
            else:
                verdict.warnings.append(_cut(found, WARNING_LENGTH))
    return verdict


def check_count(
    count: object, old_count: object, policy: Policy, *, path: tuple[str, ...] = ("spec", "count")
) -> Iterator[Fault | str]:
    """Judges a number of pods against the policy; `path` is spec.replicas for the scale subresource.

    A count that is in force already and that the policy came to forbid is kept with a warning.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_INT32:
        return  # the schema's business
    low, high = policy.min_count, policy.max_count
    if low <= count <= high:
        return
    where = ".".join(path)
    allowed = f"{low} to {high}" if low < high else f"only {low}"
    if count == old_count:
        yield f"{where}: {count} is kept, but this cluster now allows {allowed}; new values must be within"
        return
    relation, key, verb = ("more", "maxCount", "raise") if count > high else ("less", "minCount", "lower")
    bound = high if count > high else low
    yield Fault(
        where,
        f"{count} is {relation} than this cluster allows ({key} is {bound}). Use {allowed}, "
        f"or ask the cluster's administrator to {verb} webhooks.policy.{key}",
        path,
    )


# --- the checks -------------------------------------------------------------------------------------------------------

_NAME: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_NAME_LENGTH: Final = 50


def _name(subject: Subject) -> Iterator[Fault]:
    """A Deployment and a Service get the name, and a Service's is a DNS label of RFC 1035."""
    if subject.name and not (_NAME.fullmatch(subject.name) and len(subject.name) <= _NAME_LENGTH):
        yield Fault(
            "metadata.name",
            f"{quoted(subject.name)} must start with a letter, end with a letter or digit, use only lower-case "
            f"letters, digits and '-', and have at most {_NAME_LENGTH} characters, because a Service and a Deployment "
            "get this name",
            ("metadata", "name"),
        )


def _schema(subject: Subject) -> Iterator[Fault]:
    """Types and bounds, by the CRD's schema. null means left out, as for the API server."""
    spec = _without_nulls(subject.spec)
    errors = schema.validator(names.VERSION, strict=subject.strict).iter_errors(spec)
    for error in sorted(errors, key=lambda e: [str(part) for part in e.absolute_path]):
        parts = ("spec", *error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown_fields(error, parts)
        else:
            yield Fault(dotted(parts), _explain(error), parts)


def _unknown_fields(error: ValidationError, parts: tuple[str | int, ...]) -> Iterator[Fault]:
    known = list(_rule(error).get("properties", ()))
    for name in cast("Mapping[str, Any]", error.instance):
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"the fields here are {', '.join(known)}"
            where = (*parts, str(name))
            yield Fault(dotted(where), f"unknown field; {hint}", where)


def _policy(subject: Subject) -> Iterator[Fault | str]:
    """The administrator's bounds on the count."""
    old = subject.old_spec.get("count") if subject.old_spec is not None else None
    yield from check_count(subject.spec.get("count"), old, subject.policy)


def _service(subject: Subject) -> Iterator[Fault]:
    """Fields that need a type of Service (the CRD says the same in CEL)."""
    service = subject.spec.get("service")
    if not isinstance(service, Mapping):
        return
    type_ = service.get("type") or "ClusterIP"
    for name, types in _NEEDS_TYPE.items():
        if service.get(name) is not None and type_ not in types:
            parts = ("spec", "service", name)
            yield Fault(dotted(parts), f"{name} needs type {' or '.join(types)}", parts)


_NEEDS_TYPE: Final = {
    "nodePort": ("NodePort", "LoadBalancer"),
    "externalTrafficPolicy": ("NodePort", "LoadBalancer"),
    "loadBalancerClass": ("LoadBalancer",),
    "loadBalancerSourceRanges": ("LoadBalancer",),
}


def _resources(subject: Subject) -> Iterator[Fault]:
    """A request above its limit: the API server would refuse the pods, one by one, out of the user's sight."""
    resources = subject.spec.get("resources")
    if not isinstance(resources, Mapping):
        return
    requests, limits = resources.get("requests"), resources.get("limits")
    if not isinstance(requests, Mapping) or not isinstance(limits, Mapping):
        return
    for name in requests.keys() & limits.keys():
        try:
            over = quantity.parse(requests[name]) > quantity.parse(limits[name])
        except ValueError:
            continue  # the schema's business
        if over:
            parts = ("spec", "resources", "requests", name)
            yield Fault(
                dotted(parts),
                f"{quoted(requests[name])} is more than the limit {quoted(limits[name])}; lower one or raise the other",
                parts,
            )


def _image(subject: Subject) -> Iterator[str]:
    """An image that may change under the user's feet."""
    image = subject.spec.get("image")
    if not isinstance(image, str) or "@" in image:
        return
    _, colon, tag = image.rpartition("/")[2].partition(":")
    if not colon or tag == "latest":
        yield "spec.image has no tag or the tag latest: nodes may run different versions; name a version or digest"


def _stopped(subject: Subject) -> Iterator[str]:
    """Zero is legal, and rarely a wish on create."""
    old = subject.old_spec.get("count") if subject.old_spec is not None else None
    count = subject.spec.get("count")
    if count == 0 and count != old and not isinstance(count, bool):
        yield "spec.count is 0: no nginx will run"


#: Every rule, in the order in which users read the outcome.
CHECKS: Final[tuple[Callable[[Subject], Iterator[Fault | str]], ...]] = (
    _name,
    _schema,
    _policy,
    _service,
    _resources,
    _image,
    _stopped,
)


# --- words ------------------------------------------------------------------------------------------------------------


def dotted(parts: tuple[str | int, ...]) -> str:
    """A path in the form of the API server: spec.imagePullSecrets[0].name."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def quoted(value: object) -> str:
    """A value as JSON, control characters escaped, cut at 100 characters."""
    try:
        text = json.dumps(value, ensure_ascii=True)
    except (TypeError, ValueError):
        text = repr(value)
    return _cut(text, VALUE_LENGTH)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


_TYPES: Final = {
    "integer": "a whole number",
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def _explain(error: ValidationError) -> str:
    """A schema error in words: the value, then what is allowed."""
    value, bound = quoted(error.instance), cast("Any", error.validator_value)
    example = _rule(error).get("example")
    match error.validator:
        case "type":
            hint = f", such as {quoted(example)}" if example is not None else ""
            return f"{value} must be {_TYPES.get(bound, bound)}{hint}"
        case "minimum":
            return f"{value} must be {bound} or more"
        case "maximum":
            return f"{value} must be {bound} or less"
        case "enum":
            return f"{value} must be one of {', '.join(map(str, bound))}"
        case "minLength" | "minItems":
            return f"{value} must not be empty"
        case "maxLength" | "maxItems" | "maxProperties":
            return f"{value} must have at most {bound} {'characters' if error.validator == 'maxLength' else 'entries'}"
        case "required":
            return f"{value} lacks a required field: {error.message}"
        case _:
            return f"{value} is malformed" + (f"; an example is {quoted(example)}" if example is not None else "")


def _rule(error: ValidationError) -> Mapping[str, Any]:
    """The part of the schema that an error comes from."""
    return cast("Mapping[str, Any]", error.schema)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
