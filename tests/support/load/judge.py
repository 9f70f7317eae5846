"""The requests, and whether an answer is right. Pure.

Invalid requests break a rule that only the webhook knows (policy's maxCount); the schema lets them through. Valid
ones that create or update leave the count out, so that they need the default of the mutating webhook.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from nginx_operator.api import names
from nginx_operator.kube.errors import ApiError
from tests.support.answers import DENIED

DEFAULT_COUNT: Final = 1
MAX_COUNT: Final = 100
#: The webhook's refusal, as the API server passes it on.
SENTENCES: Final = (
    DENIED,
    f"is more than this cluster allows (maxCount is {MAX_COUNT})",
)
#: Messages of an API server that is starting: admission plug-ins or this kind are not ready.
STARTING: Final = (
    "the request has been made before all known HTTP paths have been installed",
    "not yet ready to handle request",
    "the server could not find the requested resource",
)


class Verdict(Enum):
    """The outcome of a request."""

    RIGHT = "right"
    #: A valid one was not stored, or an invalid one was refused by something else than our webhook's sentence.
    FAILED = "failed"
    #: An invalid one was stored, or a valid one other than asked.
    WRONG = "wrong"
    #: The API server itself gave no answer, or was not ready to.
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        verb: create, update or scale.
        count: as it would be stored if it were; the webhook allows up to MAX_COUNT.
    """

    verb: str
    count: int

    @property
    def valid(self) -> bool:
        """Whether policy admits it."""
        return self.count <= MAX_COUNT

    @property
    def body(self) -> dict[str, Any]:
        """An Nginx without a name, a merge patch of one, or a merge patch of its Scale.

        It is paused, so that admission is under load and not the node that would run its pods.
        """
        if self.verb == "scale":
            return {"spec": {"replicas": self.count}}
        spec = {"paused": True, "count": None if self.valid else self.count}
        if self.verb == "update":
            return {"spec": spec}
        return {"apiVersion": names.API_VERSION, "kind": names.KIND, "spec": spec}


class Outcome(NamedTuple):
    """One request, judged.

    Attributes:
        began: by the monotonic clock, in seconds.
        seconds: until its answer.
        text: what was wrong; empty where nothing was.
    """

    request: Request
    verdict: Verdict
    began: float
    seconds: float
    text: str = ""


def judge(request: Request, answer: Mapping[str, Any] | ApiError) -> tuple[Verdict, str]:
    """The verdict on what the API server answered, and what was wrong."""
    if isinstance(answer, ApiError):
        if answer.unreachable or any(words in answer.message for words in STARTING):
            return Verdict.UNANSWERED, answer.message
        if not request.valid and all(words in answer.message for words in SENTENCES):
            return Verdict.RIGHT, ""
        return Verdict.FAILED, f"{answer.code} {answer.message}"
    stored = answer["spec"].get("replicas" if request.verb == "scale" else "count")
    if stored != request.count:
        return Verdict.WRONG, f"stored with the count {stored}, not {request.count}"
    if not request.valid:
        return Verdict.WRONG, f"stored with the count {stored}, more than the {MAX_COUNT} that policy allows"
    return Verdict.RIGHT, ""


def requests() -> Iterable[Request]:
    """All kinds of requests in turn, without end."""
    count = DEFAULT_COUNT
    while True:
        count = count % 9 + 1
        yield Request("create", DEFAULT_COUNT)
        yield Request("create", MAX_COUNT + count)
        yield Request("scale", count)
        yield Request("scale", MAX_COUNT + count)
        yield Request("update", DEFAULT_COUNT)
        yield Request("update", MAX_COUNT + count)


@dataclass(frozen=True)
class Tally:
    """The outcomes of one run.

    Attributes:
        outcomes: in the order of their answers.
        stray: what is stored although no answer says so, one sentence each.
    """

    outcomes: tuple[Outcome, ...]
    stray: tuple[str, ...] = ()

    def number(self, verdict: Verdict) -> int:
        """The number with this verdict; an object stored without an answer counts as wrong."""
        number = Counter(outcome.verdict for outcome in self.outcomes)[verdict]
        return number + len(self.stray) if verdict is Verdict.WRONG else number

    def having(self, verdict: Verdict) -> list[Outcome]:
        """Those with this verdict, by the time when they began."""
        return sorted((o for o in self.outcomes if o.verdict is verdict), key=lambda o: o.began)

    def seconds(self, share: float) -> float:
        """A quantile of the seconds until an answer, for instance 0.99."""
        took = sorted(o.seconds for o in self.outcomes if o.verdict is not Verdict.UNANSWERED)
        return took[min(int(len(took) * share), len(took) - 1)]

    def __str__(self) -> str:
        lines = [", ".join(f"{self.number(verdict)} {verdict.value}" for verdict in Verdict)]
        for verdict in (Verdict.WRONG, Verdict.FAILED, Verdict.UNANSWERED):
            told = Counter(outcome.text for outcome in self.having(verdict))
            lines += [f"{number} times {verdict.value}: {text}" for text, number in told.most_common(10)]
        return "\n".join([*lines, *self.stray[:10]])
