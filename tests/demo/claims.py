"""What must hold of what the demo shows. Pure: answers in, one sentence out when something is not so, else None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.answers import ready_condition

Object = Mapping[str, Any]


def pods_run(pods: Sequence[Object], count: int) -> str | None:
    """There are `count` pods, and all are Running and ready."""
    running = [
        pod
        for pod in pods
        if pod["status"].get("phase") == "Running" and {"type": "Ready", "status": "True"} in _brief(pod)
    ]
    if len(pods) == len(running) == count:
        return None
    return f"{count} Running pods were expected, and {len(running)} of {len(pods)} are"


def _brief(pod: Object) -> list[dict[str, str]]:
    return [{"type": c["type"], "status": c["status"]} for c in pod["status"].get("conditions", ())]


def status_names_pods(nginx: Object, pods: Sequence[Object]) -> str | None:
    """status.nodes are the pods' names, sorted, and the numbers and the condition agree with them."""
    status = nginx.get("status", {})
    names = sorted(pod["metadata"]["name"] for pod in pods)
    if status.get("nodes") != names:
        return f"status.nodes should be {names}, and is {status.get('nodes')}"
    if status.get("count") != len(names) or status.get("readyCount") != len(names):
        return f"status.count and status.readyCount should be {len(names)}: {status}"
    if ready_condition(nginx).get("status") != "True":
        return f"the Ready condition should be True, and is {dict(ready_condition(nginx))}"
    return None


def refused(code: int, said: str, words: Sequence[str]) -> str | None:
    """kubectl failed, and its sentence has all of `words`."""
    if code == 0:
        return f"it should have been refused, and was accepted: {said}"
    lacking = [word for word in words if word not in said]
    return f"the refusal should say {' and '.join(map(repr, lacking))}: {said}" if lacking else None


def defaulted(nginx: Object, count: int, image: str | None) -> str | None:
    """The stored spec has the default count, and an image (that one, where it is known)."""
    spec = nginx.get("spec", {})
    if spec.get("count") != count:
        return f"spec.count should have become {count}, and is {spec.get('count')}"
    if not spec.get("image") or image not in (None, spec["image"]):
        return f"spec.image should have become {image or 'the default'}, and is {spec.get('image')}"
    return None


def page_of_nginx(body: str) -> str | None:
    """It is nginx that answers."""
    return (
        None
        if "nginx" in body.lower()
        else f"a page of nginx was expected from the Service, and this came: {body[:300]!r}"
    )


def nothing_left(listing: str) -> str | None:
    """`kubectl get ... --output=name` listed nothing."""
    left = listing.split()
    return f"the deletion should leave nothing behind, and left {', '.join(left)}" if left else None
