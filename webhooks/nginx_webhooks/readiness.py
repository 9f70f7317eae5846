"""Whether a Service may send this pod requests."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Readiness:
    """The state behind /readyz. Once proven it stays: a passing fault of the cluster must not empty the Service.

    Only an expired certificate or the end of the process take it back.

    Attributes:
        certificate_valid: whether the served certificate is within its dates at this moment.
        waiting_for: what is still missing, for people.
    """

    certificate_valid: Callable[[], bool]
    waiting_for: str = "the certificate"
    _proven: bool = field(default=False, init=False)
    _draining: bool = field(default=False, init=False)

    def prove(self) -> None:
        """The API server can reach this process now, by a certificate that it trusts."""
        self._proven = True
        self.waiting_for = ""

    def drain(self) -> None:
        """The process is about to end."""
        self._draining = True

    @property
    def proven(self) -> bool:
        """Whether it was ready once."""
        return self._proven

    @property
    def fault(self) -> str:
        """Why the pod is not ready; empty when it is."""
        if self._draining:
            return "draining: this process is about to end"
        if not self._proven:
            return f"waiting for {self.waiting_for}"
        return "" if self.certificate_valid() else "the certificate has expired"
