"""Somebody else who keeps undoing what we write: most likely a second operator that looks after the same namespace.

Two operators that agree settle. Where they do not, by another version most likely, each puts back what the other wrote
as fast as the API server lets them, and pods are replaced as fast. Neither can look for the other: its rights end at
the namespaces that it watches and its own. So each Nginx has a budget for writing the same thing again, ten times at
once, then once in ten seconds, and whoever lives on that says so (docs/many-teams.md).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from nginx_operator.api.types import NginxSpec
from nginx_operator.kube.reflector import Key
from nginx_operator.kube.token_bucket import TokenBucket

#: Writes that may undo what somebody else wrote, one after the other. Nobody does as much by hand.
AT_ONCE: Final = 10
#: Seconds in which the budget grows by one; an autoscaler that fights for a Deployment comes once in 15.
PERIOD: Final = 10.0


class Contest:
    """What we wrote last, by Nginx and kind of child, and what is left of its budget.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._children: dict[Key, dict[str, tuple[str, NginxSpec | None]]] = {}
        self._status: dict[Key, int] = {}
        self._budget: TokenBucket[Key] = TokenBucket(AT_ONCE, PERIOD)
        self._told: set[Key] = set()

    def __len__(self) -> int:
        """How many Nginx have no budget left."""
        return self._budget.spent(self._clock())

    def wrote_children(self, key: Key, uid: str, spec: NginxSpec | None, written: Mapping[str, bool]) -> None:
        """Whether children, by plural, were written as this Nginx asks for; what was refused nobody can undo.

        Each child counts for itself: one that is refused for good must not open the way for a fight over another.
        """
        known = self._children.setdefault(key, {})
        for plural, done in written.items():
            if done:
                known[plural] = uid, spec
            else:
                known.pop(plural, None)

    def wrote_status(self, key: Key, status: Mapping[str, Any]) -> None:
        """The status is stored."""
        self._status[key] = _digest(status)

    def children_undone(self, key: Key, uid: str, spec: NginxSpec | None, plurals: Iterable[str]) -> float | None:
        """These children differ from what this Nginx asks for, or are gone.

        Returns:
            None if we have not written that yet. Else somebody undid it: the seconds until we may write again.
        """
        known = self._children.get(key, {})
        return self._spend(key) if any(known.get(plural) == (uid, spec) for plural in plurals) else None

    def status_undone(self, key: Key, stored: Mapping[str, Any]) -> float | None:
        """Another status than this is due. None if it is ours, else as with children."""
        return None if self._status.get(key) in (None, _digest(stored)) else self._spend(key)

    def is_news(self, key: Key) -> bool:
        """Whether nobody was told of this contest yet; from now on somebody was."""
        new = key not in self._told
        self._told.add(key)
        return new

    def forget(self, key: Key) -> None:
        """The Nginx is gone."""
        self._children.pop(key, None)
        self._status.pop(key, None)
        self._budget.forget(key)
        self._told.discard(key)

    def _spend(self, key: Key) -> float:
        now = self._clock()
        if self._budget.left(key, now) == AT_ONCE:
            self._told.discard(key)  # the last contest is long over
        return self._budget.spend(key, now)


def _digest(status: Mapping[str, Any]) -> int:
    return hash(msgspec.json.encode(status, order="deterministic"))
