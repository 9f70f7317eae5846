"""What the schema cannot say about the name, the number of pods and the image."""

import re
from collections.abc import Iterator
from typing import Final

from nginx_operator.api import images
from nginx_operator.api.faults import Fault, Subject, quoted
from nginx_operator.api.policy import MAX_INT32, Policy


def rules_of_count(
    count: object, old_count: object, policy: Policy, path: tuple[str, ...] = ("spec", "count")
) -> Iterator[Fault | str]:
    """All rules on a number of pods; `path` is spec.replicas for the scale subresource.

    A count that is in force already and that the policy came to forbid is kept with a warning.
    """
    if isinstance(count, float) and count.is_integer():
        count = int(count)  # 3.0 is the whole number 3, for the schema too
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_INT32:
        return  # the schema's business
    low, high = policy.min_count, policy.max_count
    where = ".".join(path)
    if low <= count <= high:
        if count == 0 != old_count:  # legal, and rarely a wish
            yield f"{where} is 0: no nginx will run"
        return
    allowed = f"{low} to {high}" if low < high else str(low)
    if count == old_count:
        yield f"{where}: {count} is kept, but a new value must be {allowed}: {policy.scope} allows no other"
        return
    relation, key, verb = ("more", "maxCount", "raise") if count > high else ("less", "minCount", "lower")
    bound = high if count > high else low
    yield Fault(
        where,
        f"{count} is {relation} than {policy.scope} allows ({key} is {bound}). Use {allowed}, "
        f"or ask the cluster's administrator to {verb} {policy.value(key)}",
        path,
    )


_NAME: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_NAME_LENGTH: Final = 50


def name(subject: Subject) -> Iterator[Fault]:
    """A Deployment and a Service get the name, and a Service's is a DNS label of RFC 1035."""
    if subject.name and not (_NAME.fullmatch(subject.name) and len(subject.name) <= _NAME_LENGTH):
        yield Fault(
            "metadata.name",
            f"{quoted(subject.name)} must start with a letter, end with a letter or digit, use only lower-case "
            f"letters, digits and '-', and have at most {_NAME_LENGTH} characters, because a Service and a Deployment "
            "get this name",
            ("metadata", "name"),
        )


def count(subject: Subject) -> Iterator[Fault | str]:
    """The administrator's bounds on the count."""
    old = subject.old_spec.get("count") if subject.old_spec is not None else None
    yield from rules_of_count(subject.spec.get("count"), old, subject.policy)


def image(subject: Subject) -> Iterator[Fault | str]:
    """An image that no node can pull, or one that may change under the user's feet."""
    wanted = subject.spec.get("image")
    if not isinstance(wanted, str) or wanted == (subject.old_spec or {}).get("image"):
        return
    if not images.is_reference(wanted):
        yield Fault(
            "spec.image",
            f"{quoted(wanted)} is no image that a node can pull; it is {images.IN_WORDS}",
            ("spec", "image"),
        )
        return
    _, colon, tag = wanted.partition("@")[0].rpartition("/")[2].partition(":")
    if "@" not in wanted and (not colon or tag == "latest"):
        yield "spec.image has no tag or the tag latest: nodes may run different versions; name a version or digest"
