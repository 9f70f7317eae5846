"""The judge of admissions: it calls right only what is."""

from itertools import islice
from typing import Any

import pytest

from nginx_operator.kube.errors import ApiError
from tests.support.load.judge import MAX_COUNT, Outcome, Request, Tally, Verdict, judge, requests

VALID, INVALID = Request("create", 1), Request("create", MAX_COUNT + 1)
OURS = (
    'admission webhook "validate.nginxes.proxy.example.com" denied the request: spec.count: 101 is more than this '
    "cluster allows (maxCount is 100)"
)


def refused(message: str, code: int = 422) -> ApiError:
    return ApiError(code, "Invalid", message)


@pytest.mark.parametrize(
    ("request_", "answer", "verdict"),
    [
        (VALID, {"spec": {"count": 1}}, Verdict.RIGHT),
        (VALID, {"spec": {}}, Verdict.WRONG),
        (VALID, {"spec": {"count": 2}}, Verdict.WRONG),
        (VALID, refused(OURS), Verdict.FAILED),
        (VALID, refused("failed calling webhook", 500), Verdict.FAILED),
        (INVALID, refused(OURS), Verdict.RIGHT),
        (INVALID, refused("spec.count in body should be less than or equal to 7"), Verdict.FAILED),
        (INVALID, refused("failed calling webhook", 500), Verdict.FAILED),
        (INVALID, {"spec": {"count": MAX_COUNT + 1}}, Verdict.WRONG),
        (INVALID, {"spec": {"count": 1}}, Verdict.WRONG),
        (Request("scale", 7), {"spec": {"replicas": 7}}, Verdict.RIGHT),
        (Request("scale", 7), {"spec": {"count": 7}}, Verdict.WRONG),
        (VALID, ApiError(0, "Unreachable", "no connection"), Verdict.UNANSWERED),
        (INVALID, refused("not yet ready to handle request", 403), Verdict.UNANSWERED),
    ],
    ids=str,
)
def test_judge(request_: Request, answer: dict[str, Any] | ApiError, verdict: Verdict) -> None:
    found, text = judge(request_, answer)
    assert found is verdict
    assert bool(text) is (verdict is not Verdict.RIGHT)


def test_half_of_all_requests_are_invalid_and_only_by_policy() -> None:
    asked = list(islice(requests(), 12))
    assert [request.valid for request in asked] == [True, False] * 6
    assert {request.verb for request in asked} == {"create", "update", "scale"}
    assert "count" in VALID.body["spec"]
    assert VALID.body["spec"]["count"] is None  # for the mutating webhook to fill in
    assert INVALID.body["spec"]["count"] == MAX_COUNT + 1


def test_what_is_stored_without_an_answer_counts_as_wrong() -> None:
    outcomes = tuple(Outcome(VALID, verdict, began=1.0, seconds=0.1) for verdict in Verdict)
    tally = Tally(outcomes, stray=("load-7 is stored",))
    assert [tally.number(verdict) for verdict in Verdict] == [1, 1, 2, 1]
    assert "load-7 is stored" in str(tally)
