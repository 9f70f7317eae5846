"""What needs no second look: an Nginx whose spec and children are as they were when nothing was left to do.

Most reconciles are caused by pods and by our own status. Checking the spec and comparing the children again was a
third of their time.
"""

from collections.abc import Mapping

from nginx_operator.api.policy import Policy
from nginx_operator.api.types import Child, ObjectMeta
from nginx_operator.cluster.reflector import Key
from nginx_operator.guard import Guarded


class Settled:
    """Fingerprints of the settled, with what the guard made of their specs."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[int, Guarded]] = {}

    @staticmethod
    def fingerprint(nginx: ObjectMeta, observed: Mapping[str, Child], policy: Policy) -> int:
        """A number that differs as soon as anything differs that guard and plan look at.

        The generation stands for the spec of the Nginx: the API server raises it with every change of the spec.
        """
        children = [(plural, *_seen(child)) for plural, child in observed.items()]
        return hash((nginx.uid, nginx.generation, policy, *children))

    def known(self, key: Key, fingerprint: int) -> Guarded | None:
        """What was remembered under this fingerprint."""
        found = self._known.get(key)
        return found[1] if found is not None and found[0] == fingerprint else None

    def remember(self, key: Key, fingerprint: int, guarded: Guarded) -> None:
        """Nothing was left to do."""
        self._known[key] = fingerprint, guarded

    def forget(self, key: Key) -> None:
        """The Nginx is gone."""
        self._known.pop(key, None)


def _seen(child: Child) -> tuple[object, ...]:
    meta, controller = child.metadata, child.metadata.controller
    return (
        meta.uid,
        meta.deletion_timestamp,
        controller.uid if controller is not None else None,
        hash(frozenset(meta.labels.items())),
        hash(frozenset(meta.annotations.items())),
        hash(bytes(child.spec)),
    )
