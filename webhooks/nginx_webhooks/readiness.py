"""The readiness of a webhook pod: whether its Service may send it requests."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Readiness:
    """The state behind /readyz. It is latched: a transient failure of the cluster must not empty the Service.

    Only an expired certificate, or the end of the process, makes the pod unready again.

    Attributes:
        certificate_valid: returns whether the served certificate is within its validity now.
        waiting_for: what is still missing, for the message.
    """

    certificate_valid: Callable[[], bool]
    waiting_for: str = "the certificate"
    _proven: bool = field(default=False, init=False)
    _draining: bool = field(default=False, init=False)

    def prove(self) -> None:
        """Latches readiness: the API server trusts the certificate that this process serves."""
        self._proven = True
        self.waiting_for = ""

    def drain(self) -> None:
        """Makes the pod unready for good: the process is about to end."""
        self._draining = True

    @property
    def proven(self) -> bool:
        """True once readiness is latched."""
        return self._proven

    @property
    def fault(self) -> str:
        """Why the pod is not ready; empty when it is."""
        if self._draining:
            return "draining: this process is about to end"
        if not self._proven:
            return f"waiting for {self.waiting_for}"
        return "" if self.certificate_valid() else "the certificate has expired"
