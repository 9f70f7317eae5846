"""What the API server answers instead of an object: metav1.Status, in the words of apimachinery's api/errors."""

from collections.abc import Sequence
from typing import Any

from tests.support.apiserver.request_info import RequestInfo

Object = dict[str, Any]

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class StatusError(Exception):
    """An answer that is no success.

    Attributes:
        code: HTTP status.
        body: the metav1.Status.
    """

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        told = {key: value for key, value in details.items() if value}
        self.body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        } | ({"details": told} if told else {})


def not_found(info: RequestInfo) -> StatusError:
    return _about(info, 404, "NotFound", f'{info.qualified} "{info.name}" not found')


def already_exists(info: RequestInfo, name: str) -> StatusError:
    return _about(info, 409, "AlreadyExists", f'{info.qualified} "{name}" already exists')


def conflict(info: RequestInfo, why: str = _MODIFIED, what: str = "") -> StatusError:
    words = f'Operation cannot be fulfilled on {what or info.qualified} "{info.name}": {why}'
    return _about(info, 409, "Conflict", words)


def wrong_uid(info: RequestInfo, wanted: str, live: str) -> StatusError:
    """An update of another object of the same name."""
    key = f"/registry/{info.plural}/{info.namespace}/{info.name}"
    error = f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
    return conflict(info, f"{error}Precondition failed: UID in precondition: {wanted}, UID in object meta: {live}")


def apply_conflict(conflicts: Sequence[tuple[str, str]]) -> StatusError:
    """409 with a cause for each (other manager, field); in order."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
        for manager, field in conflicts
    ]
    if len(conflicts) == 1:
        ((manager, field),) = conflicts
        what = f"1 conflict: conflict with {manager}: {field}"
    else:
        fields: dict[str, list[str]] = {}
        for manager, field in conflicts:
            fields.setdefault(manager, []).append(field)
        lists = (f"conflicts with {manager}:" + "".join(f"\n- {one}" for one in of) for manager, of in fields.items())
        what = f"{len(conflicts)} conflicts: " + "\n".join(lists)
    return StatusError(409, "Conflict", f"Apply failed with {what}", causes=causes)


def invalid(info: RequestInfo, kind: str, field: str, why: str) -> StatusError:
    full = f"{kind}.{info.group}" if info.group else kind
    reason = "FieldValueRequired" if why.startswith("Required") else "FieldValueInvalid"
    cause = {"reason": reason, "message": why, "field": field}
    return StatusError(422, "Invalid", f'{full} "{info.name}" is invalid: {field}: {why}', causes=[cause])


def failed_patch() -> StatusError:
    """A JSON patch that does not fit the object."""
    return StatusError(422, "Invalid", "the server rejected our request due to an error in our request")


def unsupported(accepted: Sequence[str]) -> StatusError:
    words = "the body of the request was in an unknown format - accepted media types include: "
    return StatusError(415, "UnsupportedMediaType", words + ", ".join(accepted))


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def expired(version: int, oldest: int) -> StatusError:
    """The history since a resourceVersion is compacted."""
    return StatusError(410, "Expired", f"too old resource version: {version} ({oldest})")


def forbidden(verb: str, plural: str) -> StatusError:
    return StatusError(403, "Forbidden", f'{plural} is forbidden: User "test" cannot {verb} resource "{plural}"')


def _about(info: RequestInfo, code: int, reason: str, message: str) -> StatusError:
    return StatusError(code, reason, message, name=info.name, group=info.group, kind=info.plural)
