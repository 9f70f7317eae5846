"""What became of a plan."""

from dataclasses import dataclass, field

from nginx_operator.api.types import Child
from nginx_operator.decide.compare import Difference, differences
from nginx_operator.decide.plan import Action, Apply, NameConflict


@dataclass(frozen=True, slots=True)
class Failure:
    """A write that the API server refused.

    Attributes:
        what: "Deployment web".
        reason: metav1.Status.reason.
        message: the API server's sentence.
    """

    what: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """An action that took effect.

    Attributes:
        action: as it was carried out.
        stored: the child as the API server stored it, if it was applied.
    """

    action: Action
    stored: Child | None = None

    @property
    def changed(self) -> bool:
        """Whether anything is different now."""
        before = self.action.resource_version if isinstance(self.action, Apply) else ""
        return self.stored is None or self.stored.metadata.resource_version != before

    @property
    def rewritten(self) -> list[Difference]:
        """What the cluster stored otherwise than it was sent."""
        return differences(self.action.body, self.stored) if self.stored and isinstance(self.action, Apply) else []


@dataclass(slots=True)
class Outcome:
    """What became of a plan.

    Attributes:
        done: the actions that took effect.
        name_conflicts: names that are taken.
        failures: what was refused for a reason that a user can do something about.
        transient: number of errors that pass by themselves.
        retry_after: seconds that the API server asked us to wait.
        held_back: seconds for which nothing is written, because somebody else keeps undoing it.
        server_error: what the API server last said of an error of its own, or of another webhook's.
    """

    done: list[Done] = field(default_factory=list)
    name_conflicts: list[NameConflict] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    transient: int = 0
    retry_after: float = 0.0
    held_back: float = 0.0
    server_error: str = ""

    @property
    def complete(self) -> bool:
        """Whether every action took effect."""
        return not (self.name_conflicts or self.failures or self.transient or self.held_back)
