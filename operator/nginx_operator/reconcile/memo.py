"""What needs no second look: an Nginx whose spec and children are as they were when nothing was left to do.

Most reconciles are caused by pods and by our own status. Checking the spec and comparing the children again was a
third of their time.
"""

from collections.abc import Mapping

from nginx_operator.api.policy import Policy
from nginx_operator.api.types import Child, ObjectMeta
from nginx_operator.kube.reflector import Key
from nginx_operator.reconcile.guard import Guarded

#: Equal as long as nothing differs that guard and plan look at.
Fingerprint = tuple[object, ...]


class Settled:
    """Fingerprints of the settled, with what the guard made of their specs."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Fingerprint, Guarded]] = {}

    @staticmethod
    def fingerprint(nginx: ObjectMeta, observed: Mapping[str, Child], policy: Policy) -> Fingerprint:
        """What guard and plan look at.

        The generation stands for the spec of the Nginx: the API server raises it with every change of the spec.
        """
        return (nginx.uid, nginx.generation, policy, {plural: _seen(child) for plural, child in observed.items()})

    def known(self, key: Key, fingerprint: Fingerprint) -> Guarded | None:
        """What was remembered under this fingerprint."""
        found = self._known.get(key)
        if found is None or found[0] != fingerprint:
            return None
        self._known[key] = fingerprint, found[1]  # equal, but the earlier one would keep alive what the caches let go
        return found[1]

    def remember(self, key: Key, fingerprint: Fingerprint, guarded: Guarded) -> None:
        """Nothing was left to do."""
        self._known[key] = fingerprint, guarded

    def forget(self, key: Key) -> None:
        """The Nginx is gone."""
        self._known.pop(key, None)


def _seen(child: Child) -> Fingerprint:
    meta = child.metadata
    return meta.uid, meta.deletion_timestamp, meta.owner_references, meta.labels, meta.annotations, child.spec
