"""What is remembered of one Nginx from one reconcile to the next. Losing it costs time, and nothing else.

Most reconciles are caused by pods and by our own status. Checking the spec and comparing the children again was a
third of their time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from nginx_operator.api.policy import Policy
from nginx_operator.api.types import Child, Nginx, NginxSpec, ObjectMeta
from nginx_operator.cache.store import Baseline
from nginx_operator.children import CHILDREN
from nginx_operator.decide.compare import Difference
from nginx_operator.decide.observation import Guarded
from nginx_operator.decide.status import was_applied
from nginx_operator.reconcile.guard import Checked
from nginx_operator.reconcile.pod_events import PodEventMemo
from nginx_operator.reconcile.status_throttle import StatusThrottle
from nginx_operator.reconcile.write_conflicts import WriteConflicts

_ALL_CHILDREN: Final = frozenset(kind.plural for kind in CHILDREN)

#: Equal as long as nothing differs that guard and plan look at.
Fingerprint = tuple[object, ...]


@dataclass(slots=True)
class ReconcileMemo:
    """What is remembered of one Nginx.

    Attributes:
        checked: what the guard found last.
        conflicts: what was written last, and whether somebody undoes it.
        throttle: of its status; None while it is at rest.
        pod_events: what the events of an unready pod said; None while none is unready.
        rewrites: by plural, what the cluster stored otherwise than it was sent, at the last apply of each child.
        needed: of the Deployment in this generation, the ConfigMaps that only its earlier ReplicaSets need.
        confirmed: the baseline of the caches when a live read last confirmed what they hold of the Nginx.
    """

    checked: Checked | None = None
    conflicts: WriteConflicts = field(default_factory=WriteConflicts)
    throttle: StatusThrottle | None = None
    pod_events: PodEventMemo | None = None
    rewrites: dict[str, list[Difference]] = field(default_factory=dict)
    needed: tuple[int, frozenset[str]] = (0, frozenset())
    confirmed: Baseline | None = None
    _settled: tuple[Fingerprint, Guarded] | None = None

    def applied(self, nginx: Nginx, spec: NginxSpec) -> Collection[str]:
        """Plurals of the children that this very spec was applied to; after a restart, as the stored status tells."""
        known = self.conflicts.applied(nginx.metadata.uid, spec)
        if known is not None:
            return known
        return _ALL_CHILDREN if was_applied(nginx.metadata, nginx.status) else ()

    def learn(self, plural: str, rewritten: list[Difference]) -> list[Difference]:
        """What the cluster made of an apply. Returns what is new in it."""
        known = self.rewrites.pop(plural, [])
        if rewritten:
            self.rewrites[plural] = rewritten
        return [each for each in rewritten if each not in known]

    def settled(self, now: Fingerprint) -> Guarded | None:
        """The spec, if nothing was left to do when the Nginx and its children were as they are now."""
        if self._settled is None or self._settled[0] != now:
            return None
        # Equal, but the earlier fingerprint would keep alive what the caches let go.
        self._settled = now, self._settled[1]
        return self._settled[1]

    def settle(self, now: Fingerprint, guarded: Guarded) -> None:
        """Nothing is left to do."""
        self._settled = now, guarded


def fingerprint(
    nginx: ObjectMeta, observed: Mapping[str, Child], config_maps: Mapping[str, Child], policy: Policy
) -> Fingerprint:
    """What guard and plan look at.

    The generation stands for the spec of the Nginx: the API server raises it with every change of the spec.
    """
    children = {plural: _seen(child) for plural, child in observed.items()}
    return nginx.uid, nginx.generation, policy, children, {name: _seen(each) for name, each in config_maps.items()}


def _seen(child: Child) -> Fingerprint:
    meta = child.metadata
    return meta.uid, meta.deletion_timestamp, meta.owner_references, meta.labels, meta.annotations, child.spec
