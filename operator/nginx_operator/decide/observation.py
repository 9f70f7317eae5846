"""What one reconcile saw and did, as far as the status of an Nginx depends on it."""

from dataclasses import dataclass, field

from nginx_operator.api.types import Child, NginxSpec, Pod
from nginx_operator.decide import config_test, pod_troubles
from nginx_operator.decide.compare import IMAGE, Difference
from nginx_operator.decide.outcome import Failure
from nginx_operator.decide.plan import NameConflict


@dataclass(frozen=True, slots=True)
class Guarded:
    """A spec after defaulting and the checks.

    Attributes:
        spec: None when it must not be acted on.
        invalid: what is wrong with it, field paths and rules.
    """

    spec: NginxSpec | None
    invalid: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """All that the conditions of an Nginx are decided by.

    Attributes:
        spec: None when it is invalid.
        invalid: what is wrong with the spec, field paths and rules.
        deployment: our Deployment, if there is one.
        applied: the children were found, or made, as the spec asks for.
        pods: this Nginx's own pods that are neither being deleted nor finished, by name.
        was_ready: the status says Ready, of the generation that the Nginx has now.
        server_error: what the API server last said of an error of its own, or of another webhook's, while it lasts.
        deleting: the Nginx is being deleted.
        finalizers: of the Nginx, which hold it then.
        rewritten: the fields that the cluster stored otherwise than they were sent.
        contested: somebody else keeps undoing what is written, so that it is written slowly.
        held: changes of the children that are not made because the Nginx is paused, in words.
        written: the hash of the configuration that the spec holds; empty if it holds none.
        pod_event: what the events of the first unready pod say, in words.
        look_again: seconds after which to ask for them again; 0 if there is nothing to ask.
        now: seconds since 1970.
        troubles: what the kubelet says is wrong with the pods.
        config_refusal: why nginx refuses the configuration that the spec holds; empty if it does not, for all we know.
    """

    spec: NginxSpec | None
    invalid: str = ""
    deployment: Child | None = None
    applied: bool = True
    pods: tuple[Pod, ...] = ()
    name_conflicts: tuple[NameConflict, ...] = ()
    failures: tuple[Failure, ...] = ()
    was_ready: bool = False
    server_error: str = ""
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    rewritten: tuple[Difference, ...] = ()
    contested: bool = False
    held: tuple[str, ...] = ()
    written: str = ""
    pod_event: str = ""
    look_again: float = 0.0
    now: float = 0.0
    troubles: tuple[pod_troubles.Trouble, ...] = field(init=False)
    config_refusal: str = field(init=False)

    def __post_init__(self) -> None:
        """Looks at the pods once: several rules ask."""
        object.__setattr__(self, "troubles", pod_troubles.find(self.pods, self.now))
        refusal = config_test.refusal(self.pods, self.spec, self.written) if self.spec and self.written else ""
        object.__setattr__(self, "config_refusal", refusal)

    @property
    def count(self) -> int:
        """Number of pods wanted."""
        return self.spec.count if self.spec else 0

    @property
    def image(self) -> str:
        """The image that the pods are to run: that of the spec, or what the cluster makes of it."""
        wanted = self.spec.image if self.spec else ""
        return next((each.live for each in self.rewritten if (each.path, each.desired) == (IMAGE, wanted)), wanted)

    @property
    def ready(self) -> int:
        """Number of pods that are ready."""
        return sum(pod.ready for pod in self.pods)

    @property
    def serves(self) -> bool:
        """Whether there are as many pods as wanted, all of them are ready, and none of them is about to crash again."""
        loops = any(trouble.reason == "CrashLooping" for trouble in self.troubles)
        return self.ready == len(self.pods) == self.count and not loops

    @property
    def rolled_out(self) -> bool:
        """Whether the Deployment controller has seen the wanted Deployment and all wanted pods run it.

        A Deployment's generation moves with an annotation, too. Where nothing new is wanted, that takes no
        readiness away: if it was more than an annotation, the Deployment controller is about to count.
        """
        deployment = self.deployment
        if deployment is None or not self.applied:
            return False
        seen = deployment.status.observed_generation >= deployment.metadata.generation
        return (seen or self.was_ready) and deployment.status.updated_replicas == self.count
