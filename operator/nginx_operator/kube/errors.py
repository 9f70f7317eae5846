"""Refusals of the API server (metav1.Status) as one exception: pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

#: Seconds at the most. A load balancer's maintenance page may ask for an hour, and be gone in a minute.
LONGEST_RETRY_AFTER: Final = 60


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""
    field: str = ""


class _Details(msgspec.Struct, rename="camel"):
    causes: list[_Cause] = []
    retry_after_seconds: int = 0


class _Status(msgspec.Struct):
    """A metav1.Status."""

    message: str = ""
    reason: str = ""
    details: _Details | None = None


class ApiError(Exception):
    """The API server refused, or could not be reached (then `code` is 0).

    Attributes:
        code: HTTP status.
        reason: metav1.Status.reason, for instance "NotFound", "AlreadyExists", "Forbidden".
        message: its sentence.
        causes: reasons of details.causes, for instance "FieldManagerConflict".
        fields: fields of details.causes, for instance "spec.loadBalancerClass".
        retry_after: seconds to wait that the server asked for, at most LONGEST_RETRY_AFTER, else 0.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        causes: frozenset[str] = frozenset(),
        fields: frozenset[str] = frozenset(),
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes
        self.fields = fields
        self.retry_after = retry_after

    @classmethod
    def from_response(cls, code: int, phrase: str, headers: Mapping[str, str], body: bytes) -> "ApiError":
        """The error that a response of 4xx or 5xx stands for. A proxy's response need not hold a Status."""
        try:
            status = msgspec.json.decode(body, type=_Status)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a proxy's, or nothing sensible
            status = _Status(message=f"{code} {phrase}", reason=phrase)
        details = status.details or _Details()
        return cls(
            code,
            status.reason,
            status.message,
            causes=frozenset(cause.reason for cause in details.causes),
            fields=frozenset(cause.field for cause in details.causes),
            retry_after=_retry_after(headers.get("retry-after", ""), details.retry_after_seconds),
        )

    @property
    def explained(self) -> str:
        """The sentence, and what an administrator can do where this process has lost its credentials or its rights."""
        match self.code:
            case 401:
                return (
                    f"the API server refuses the credentials of this process: {self.message}. If its ServiceAccount "
                    "was deleted and created again, kubectl rollout restart of its Deployment gives the pods new tokens"
                )
            case 403:
                return f"{self.message}. helm upgrade with the same values restores the rights that the chart gives"
            case _:
                return self.message

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later without anybody doing anything."""
        return self.code in (0, 408, 409, 429) or self.code >= 500

    @property
    def namespace_terminating(self) -> bool:
        """Whether nothing can be created because the namespace is being deleted."""
        return "NamespaceTerminating" in self.causes

    @property
    def not_served(self) -> bool:
        """Whether the API server has no such resource: it then answers 404 as plain text, and not with a Status."""
        return self.code == 404 and self.reason == "Not Found"

    @property
    def unreachable(self) -> bool:
        """Whether no answer came at all."""
        return self.code == 0


def _retry_after(header: str, of_status: int) -> float:
    """Seconds to wait. A date in the header (RFC 9110, 10.2.3) is left to our own backoff: clocks differ."""
    asked = float(header) if header.isascii() and header.isdigit() else of_status
    return float(min(max(asked, 0), LONGEST_RETRY_AFTER))
