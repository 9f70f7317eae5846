"""AdmissionReview on the wire: what is asked, and what is answered.

    body --decode--> Request  (admission.py decides)  Decision --encode--> body

Source of the shapes: admission.k8s.io/v1, metav1.Status and RFC 6902 (JSON Patch).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from nginx_operator.api.faults import Fault, quoted

REVIEW_API_VERSION: Final = "admission.k8s.io/v1"
#: The status code that the API server passes on to the user, as it does for a broken schema (Unprocessable Entity).
INVALID_CODE: Final = 422
#: Longest name (RFC 1123 subdomain) and the length at which a user's name is cut, for messages and logs.
NAME_LENGTH: Final = 253


class MalformedReviewError(ValueError):
    """The body is no AdmissionReview that these webhooks can judge. The text says why, for the caller."""

    def encode(self) -> bytes:
        """A metav1.Status as JSON: the API server passes its message on to the user, and drops any other text."""
        message = str(self).encode(errors="backslashreplace").decode()
        return msgspec.json.encode(
            {
                "apiVersion": "v1",
                "kind": "Status",
                "status": "Failure",
                "code": 400,
                "reason": "BadRequest",
                "message": message,
            }
        )


class Kind(msgspec.Struct, frozen=True):
    """request.kind: what `object` is."""

    kind: str
    group: str = ""
    version: str = ""


class UserInfo(msgspec.Struct, frozen=True):
    """request.userInfo: who asks."""

    username: str = ""


class Request(msgspec.Struct, rename="camel", frozen=True):
    """The part of an AdmissionReview's request that a decision needs.

    `object` and `oldObject` come before the schema has seen them (in the mutating webhook): every field in them may
    be of any type.
    """

    uid: str
    kind: Kind
    operation: str
    name: str = ""
    namespace: str = ""
    sub_resource: str = ""
    user_info: UserInfo = UserInfo()
    object: dict[str, Any] | None = None
    old_object: dict[str, Any] | None = None

    @property
    def object_name(self) -> str:
        """The object's name; empty while the API server has not made one of its generateName."""
        found = self.name or self._metadata.get("name")
        return found if isinstance(found, str) else ""

    @property
    def shown_name(self) -> str:
        """The name to show: the object's own, or its generateName while it has none."""
        return (self.object_name or str(self._metadata.get("generateName") or ""))[:NAME_LENGTH]

    @property
    def deleting(self) -> bool:
        """Whether the object only waits for its finalizers: its spec has no effect any more.

        What is stored tells: an object to be created may bring a deletionTimestamp, which the API server drops later.
        """
        return bool(mapping((self.old_object or {}).get("metadata")).get("deletionTimestamp"))

    @property
    def user(self) -> str:
        """Who asks, cut to a length that a log line can hold."""
        return self.user_info.username[:NAME_LENGTH]

    @property
    def _metadata(self) -> Mapping[str, Any]:
        return mapping((self.object or {}).get("metadata"))


class _Review(msgspec.Struct, rename="camel", frozen=True):
    api_version: str
    kind: str
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered to one request.

    Attributes:
        request: what was asked.
        patch: fields to add, as (JSON Pointer, value); empty means no patch.
        faults: reasons to refuse; empty means allowed.
        warnings: shown to the user, at most 120 characters each.
    """

    request: Request
    patch: tuple[tuple[str, Any], ...] = ()
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the object may be stored."""
        return not self.faults

    @property
    def verdict(self) -> str:
        """One word, for metrics: denied, patched or allowed."""
        if self.faults:
            return "denied"
        return "patched" if self.patch else "allowed"

    @property
    def sentence(self) -> str:
        """All faults in one line; empty when allowed."""
        return "; ".join(map(str, self.faults))

    def review(self) -> dict[str, Any]:
        """The AdmissionReview to answer with."""
        response: dict[str, Any] = {"uid": self.request.uid, "allowed": self.allowed}
        if self.patch:
            operations = [{"op": "add", "path": path, "value": value} for path, value in self.patch]
            response["patchType"] = "JSONPatch"
            response["patch"] = base64.b64encode(msgspec.json.encode(operations)).decode("ascii")
        if self.faults:
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
            "message": self.sentence,
            "details": {
                "name": self.request.shown_name,
                "group": self.request.kind.group,
                "kind": self.request.kind.kind,
                "causes": [
                    {"reason": "FieldValueInvalid", "field": fault.path, "message": fault.message}
                    for fault in self.faults
                ],
            },
        }


_DECODER: Final = msgspec.json.Decoder(_Review)


def decode(body: bytes) -> Request:
    """The request in an AdmissionReview.

    Raises:
        MalformedReviewError: it is no JSON, no AdmissionReview of v1, or lacks what a decision needs.
    """
    try:
        if not body.isascii():
            body.decode()  # msgspec does not look into strings that nobody asks for
        review = _DECODER.decode(body)
    except RecursionError as error:
        raise MalformedReviewError("the review is nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:  # ValueError: UTF-8 that is none
        raise MalformedReviewError(f"not an AdmissionReview: {error}") from error
    if (review.api_version, review.kind) != (REVIEW_API_VERSION, "AdmissionReview"):
        raise MalformedReviewError(
            f"expected an AdmissionReview of {REVIEW_API_VERSION}, "
            f"got {quoted(review.kind)} of {quoted(review.api_version)}"
        )
    if review.request is None or not review.request.uid:
        raise MalformedReviewError("the review has no request with a uid")
    return review.request


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one: what comes before the schema may be of any type."""
    return value if isinstance(value, Mapping) else {}
