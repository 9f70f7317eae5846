"""AdmissionReview on the wire: requests are decoded, responses are encoded.

    body --decode--> AdmissionRequest  (admission.py decides)  AdmissionResponse --encode--> body

Source of the shapes: admission.k8s.io/v1, metav1.Status and RFC 6902 (JSON Patch).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from nginx_operator.api import names
from nginx_operator.api.validation.field_errors import FieldError, aggregate, quoted

REVIEW_API_VERSION: Final = "admission.k8s.io/v1"
#: The status code that the API server passes on to the user, as it does for a broken schema (Unprocessable Entity).
INVALID_CODE: Final = 422
#: Longest name (RFC 1123 subdomain) and the length at which a user's name is cut, for messages and logs.
MAX_NAME_LENGTH: Final = 253
#: Bytes of a spec as JSON; decoded it takes up to forty times as many. No spec of which a Service can be made comes
#: near: most of it are annotations, of which Kubernetes takes 256 KiB.
MAX_SPEC_BYTES: Final = 512 * 1024
#: A uid, an operation, a name: some characters more than any may have, so that the API server refuses a name that is
#: too long in its own words, and few enough to be echoed and logged.
ShortString = Annotated[str, msgspec.Meta(max_length=1024)]


class MalformedReviewError(ValueError):
    """The body is no AdmissionReview that these webhooks can judge. The text says why, for the caller."""


class GroupVersionKind(msgspec.Struct, frozen=True):
    """request.kind: what `object` is."""

    kind: ShortString
    group: ShortString = ""
    version: ShortString = ""


class UserInfo(msgspec.Struct, frozen=True):
    """request.userInfo: who sent it."""

    username: str = ""


class Metadata(msgspec.Struct, rename="camel", frozen=True):
    """The part of metadata that a decision needs. The API server has seen to its types."""

    name: ShortString | None = None
    generate_name: ShortString | None = None
    deletion_timestamp: ShortString | None = None


class Object(msgspec.Struct, frozen=True):
    """The part of `object` and `oldObject` that a decision needs; the rest is not decoded.

    They come before the schema has seen them (in the mutating webhook): a spec, and every field in it, may be of any
    type. It stays JSON until its length is known to be within bounds.
    """

    metadata: Metadata | None = None
    raw_spec: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="spec")

    @property
    def too_long(self) -> bool:
        """Whether the spec is longer than any that is taken."""
        return len(memoryview(self.raw_spec)) > MAX_SPEC_BYTES

    def spec(self) -> Any:
        """The spec, decoded.

        Raises:
            MalformedReviewError: it is too long, nested too deeply, or holds a number that is none.
        """
        if self.too_long:
            raise MalformedReviewError(f"the spec has more than {MAX_SPEC_BYTES // 1024} KiB")
        return _decoded(_SPEC, self.raw_spec)


class AdmissionRequest(msgspec.Struct, rename="camel", frozen=True):
    """The part of an AdmissionReview's request that a decision needs."""

    uid: ShortString
    kind: GroupVersionKind
    operation: ShortString
    name: ShortString = ""
    namespace: ShortString = ""
    user_info: UserInfo = UserInfo()
    object: Object | None = None
    old_object: Object | None = None
    dry_run: bool | None = None

    @property
    def is_probe(self) -> bool:
        """Whether it is the operator, which tries once in a minute whether an invalid Nginx is refused."""
        return bool(self.dry_run) and self.display_name.startswith(names.ADMISSION_PROBE)

    @property
    def object_name(self) -> str:
        """The object's name; empty while the API server has not made one of its generateName."""
        return self.name or self._metadata.name or ""

    @property
    def display_name(self) -> str:
        """The name to show: the object's own, or its generateName while it has none."""
        return (self.object_name or self._metadata.generate_name or "")[:MAX_NAME_LENGTH]

    @property
    def deleting(self) -> bool:
        """Whether the object only waits for its finalizers: its spec has no effect any more.

        The stored object decides: one to be created may bring a deletionTimestamp, which the API server drops later.
        """
        stored = self.old_object.metadata if self.old_object is not None else None
        return stored is not None and bool(stored.deletion_timestamp)

    @property
    def user(self) -> str:
        """The user's name, cut to a length that a log line can hold."""
        return self.user_info.username[:MAX_NAME_LENGTH]

    @property
    def _metadata(self) -> Metadata:
        return (self.object and self.object.metadata) or _NO_METADATA


class _Review(msgspec.Struct, rename="camel", frozen=True):
    api_version: ShortString
    kind: ShortString
    request: AdmissionRequest | None = None


@dataclass(frozen=True, slots=True)
class AdmissionResponse:
    """The decision about one request.

    Attributes:
        request: what it is about.
        patch: fields to add, as (JSON Pointer, value); empty means no patch.
        errors: reasons to refuse; empty means allowed.
        warnings: shown to the user, at most 120 characters each.
    """

    request: AdmissionRequest
    patch: tuple[tuple[str, Any], ...] = ()
    errors: tuple[FieldError, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the object may be stored."""
        return not self.errors

    @property
    def verdict(self) -> str:
        """One word, for metrics: denied, patched or allowed."""
        if self.errors:
            return "denied"
        return "patched" if self.patch else "allowed"

    @property
    def message(self) -> str:
        """All errors in one line; empty when allowed."""
        return aggregate(self.errors)

    def review(self) -> dict[str, Any]:
        """The AdmissionReview to answer with."""
        response: dict[str, Any] = {"uid": self.request.uid, "allowed": self.allowed}
        if self.patch:
            operations = [{"op": "add", "path": path, "value": value} for path, value in self.patch]
            response["patchType"] = "JSONPatch"
            response["patch"] = base64.b64encode(msgspec.json.encode(operations)).decode("ascii")
        if self.errors:
            response["status"] = self._status()
        if self.warnings:
            response["warnings"] = list(self.warnings)
        return {"apiVersion": REVIEW_API_VERSION, "kind": "AdmissionReview", "response": response}

    def encode(self) -> bytes:
        """The same as JSON."""
        return msgspec.json.encode(self.review())

    def _status(self) -> dict[str, Any]:
        """A metav1.Status. kubectl prints `The <kind> "<name>" is invalid`, then each cause as `field: message`.

        It prints no more than that when there are causes, so each carries its whole sentence.
        """
        return {
            "status": "Failure",
            "code": INVALID_CODE,
            "reason": "Invalid",
            "message": self.message,
            "details": {
                "name": self.request.display_name,
                "group": self.request.kind.group,
                "kind": self.request.kind.kind,
                "causes": [
                    {"reason": "FieldValueInvalid", "field": error.field, "message": error.message}
                    for error in self.errors
                ],
            },
        }


_NO_METADATA: Final = Metadata()
_REVIEW: Final = msgspec.json.Decoder(_Review)
_SPEC: Final = msgspec.json.Decoder()


def decode(body: bytes) -> AdmissionRequest:
    """The request in an AdmissionReview.

    Raises:
        MalformedReviewError: it is no JSON, no AdmissionReview of v1, or lacks what a decision needs.
    """
    try:
        if not body.isascii():
            body.decode()  # msgspec does not look into strings that nobody asks for
    except UnicodeDecodeError as error:
        raise MalformedReviewError(f"the body is not an AdmissionReview: {error}") from error
    review: _Review = _decoded(_REVIEW, body)
    if (review.api_version, review.kind) != (REVIEW_API_VERSION, "AdmissionReview"):
        raise MalformedReviewError(
            f"expected an AdmissionReview of {REVIEW_API_VERSION}, "
            f"got {quoted(review.kind)} of {quoted(review.api_version)}"
        )
    if review.request is None or not review.request.uid:
        raise MalformedReviewError("the review has no request with a uid")
    return review.request


def _decoded(decoder: msgspec.json.Decoder[Any], source: bytes | msgspec.Raw) -> Any:
    try:
        return decoder.decode(source)
    except RecursionError as error:
        raise MalformedReviewError("the review is nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:  # ValueError: a number with too many digits
        raise MalformedReviewError(f"the body is not an AdmissionReview: {error}") from error


def mapping_or_empty(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one: what comes before the schema may be of any type."""
    return value if isinstance(value, Mapping) else {}
