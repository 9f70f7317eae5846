"""spec.probes: what the API server would refuse only when the Deployment is written."""

from collections.abc import Iterator, Mapping

from nginx_operator.api.validation.field_errors import FieldError


def validate_probes(probes: object) -> Iterator[FieldError]:
    """A probe has one handler; the CRD has the same rule in CEL."""
    readiness = probes.get("readiness") if isinstance(probes, Mapping) else None
    if not isinstance(readiness, Mapping):
        return
    if readiness.get("httpGet") is not None and readiness.get("tcpSocket") is not None:
        path = ("spec", "probes", "readiness", "tcpSocket")
        yield FieldError(path, "a probe has either httpGet or tcpSocket; remove one of the two")
