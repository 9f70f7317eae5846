"""What became of a plan."""

from dataclasses import dataclass, field

from nginx_operator.decide.plan import Action, Conflict


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


@dataclass(slots=True)
class Outcome:
    """What became of a plan.

    Attributes:
        done: the actions that took effect.
        conflicts: names that are taken.
        failures: what was refused for a reason that a user can do something about.
        transient: number of errors that pass by themselves.
        retry_after: seconds that the API server asked us to wait.
        held_back: seconds for which nothing is written, because somebody else keeps undoing it.
        trouble: what the API server says is wrong with itself or with a webhook of somebody else's; it may last.
    """

    done: list[Action] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    transient: int = 0
    retry_after: float = 0.0
    held_back: float = 0.0
    trouble: str = ""

    @property
    def complete(self) -> bool:
        """Whether every action took effect."""
        return not (self.conflicts or self.failures or self.transient or self.held_back)
