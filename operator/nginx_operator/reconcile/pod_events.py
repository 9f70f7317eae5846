"""Asks for the events of pods that are not ready and do not say why.

The operator does not watch events: a cluster has more of them than of anything else. A list of one pod's warnings costs
the API server a pass over the events of its namespace. So an Nginx waits longer from one list to the next, and all of
them together ask once in a second at the most, after a few at once.
"""

import logging
import time
from dataclasses import replace
from typing import Final

import msgspec

from nginx_operator.api.types import Nginx
from nginx_operator.decide import pod_events, timestamps
from nginx_operator.decide.observation import Observation
from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import EVENTS
from nginx_operator.kube.token_bucket import TokenBucket
from nginx_operator.logs import LogOnChange

log = logging.getLogger(__name__)

#: Seconds between two lists for one Nginx: the first time, and the longest.
_FIRST: Final = 10.0
_LONGEST: Final = 300.0
#: Lists for all Nginx together: so many at once, then one in so many seconds.
_BURST: Final = 5
_PERIOD: Final = 1.0
_LIMIT: Final = "50"


class _EventList(msgspec.Struct):
    items: tuple[pod_events.Event, ...] = ()


_EVENT_LIST: Final = msgspec.json.Decoder(_EventList)


class PodEventMemo:
    """What the events of one unready pod said.

    Attributes:
        uid: of the pod.
        explanation: in words; empty if nothing was found.
        due: when to ask again, by the monotonic clock.
    """

    __slots__ = ("_backoff", "due", "explanation", "uid")

    def __init__(self, uid: str) -> None:
        self.uid = uid
        self.explanation = ""
        self.due = 0.0
        self._backoff = Backoff(_FIRST, _LONGEST)

    def read(self, now: float, explanation: str) -> None:
        """The events were read."""
        self.explanation, self.due = explanation, now + self._backoff.step()


class PodEvents:
    """Reads the events of pods by `client`, not too often."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bucket = TokenBucket(_BURST, _PERIOD)
        self._faults = LogOnChange(log)

    async def explain(
        self, nginx: Nginx, memo: PodEventMemo | None, seen: Observation
    ) -> tuple[PodEventMemo | None, Observation]:
        """Adds to an observation what the events of its first unready pod say.

        Args:
            nginx: with the status as it is stored, which says when there was progress last.
            memo: what this returned for the Nginx the last time.
            seen: the observation.

        Returns:
            What to remember, and the observation.
        """
        pod = pod_events.unexplained(seen)
        if pod is None or seen.spec is None:
            return None, seen
        if memo is None or memo.uid != pod.metadata.uid:
            memo = PodEventMemo(pod.metadata.uid)
        now = time.monotonic()
        progress = timestamps.parse(nginx.status.get("lastProgressTime")) or seen.now
        wait = max(memo.due - now, progress + pod_events.PATIENCE - seen.now)
        if wait <= 0:
            wait = self._bucket.take(now)
        if wait <= 0:
            found = await self._list(nginx.metadata.namespace, pod.metadata.uid)
            memo.read(now, pod_events.explain(pod, found, seen.spec))
            wait = memo.due - now
        return memo, replace(seen, pod_event=memo.explanation, look_again=wait)

    async def _list(self, namespace: str, uid: str) -> tuple[pod_events.Event, ...]:
        """The warnings of a pod; none where they cannot be read, which holds nothing up."""
        selector = f"involvedObject.uid={uid},type=Warning"
        try:
            raw = await self._client.list(EVENTS, namespace, fieldSelector=selector, limit=_LIMIT)
            return _EVENT_LIST.decode(raw).items
        except (ApiError, msgspec.MsgspecError) as error:
            self._faults.log(logging.INFO, f"why pods are not ready is not told, events cannot be read: {error}")
            return ()
