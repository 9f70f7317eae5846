"""metadata.name, spec.count, spec.image and spec.paused: what the schema cannot say about them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from nginx_operator.api import images
from nginx_operator.api.policy import MAX_INT32, Policy
from nginx_operator.api.validation.field_errors import FieldError, quoted

_NAME: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_MAX_NAME_LENGTH: Final = 50


def validate_name(name: str) -> Iterator[FieldError]:
    """A Deployment and a Service get the name, and a Service's is a DNS label of RFC 1035."""
    if name and not (_NAME.fullmatch(name) and len(name) <= _MAX_NAME_LENGTH):
        yield FieldError(
            ("metadata", "name"),
            f"{quoted(name)} must start with a letter, end with a letter or digit, use only lower-case "
            f"letters, digits and '-', and have at most {_MAX_NAME_LENGTH} characters, because a Service and a "
            "Deployment get this name",
        )


def validate_count(
    count: object, old_count: object, policy: Policy, path: tuple[str, ...] = ("spec", "count")
) -> Iterator[FieldError | str]:
    """The policy's bounds on a number of pods; `path` is spec.replicas for the scale subresource.

    A count that is in force already and that the policy came to forbid is kept with a warning.
    """
    if isinstance(count, float) and count.is_integer():
        count = int(count)  # 3.0 is the whole number 3, for the schema too
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_INT32:
        return  # the schema refuses it
    low, high = policy.min_count, policy.max_count
    field = ".".join(path)
    if low <= count <= high:
        if count == 0 != old_count:  # legal, and rarely a wish
            yield f"{field} is 0: no nginx will run"
        return
    allowed = f"{low} to {high}" if low < high else str(low)
    if count == old_count:
        yield f"{field}: {count} is kept, but a new value must be {allowed}: {policy.scope} allows no other"
        return
    relation, key, verb = ("more", "maxCount", "raise") if count > high else ("less", "minCount", "lower")
    bound = high if count > high else low
    yield FieldError(
        path,
        f"{count} is {relation} than {policy.scope} allows ({key} is {bound}). Use {allowed}, "
        f"or ask {policy.owner} to {verb} {policy.value_path(key)}",
    )


def validate_integer_count(count: object) -> Iterator[FieldError]:
    """The scale subresource reads an int64 at this path, where the schema also takes 3.0 for 3."""
    if isinstance(count, float) and count.is_integer() and 0 <= count <= MAX_INT32:
        yield FieldError(("spec", "count"), f"{quoted(count)} must be written without a fraction, as {int(count)}")


def validate_image(image: object, old_image: object) -> Iterator[FieldError | str]:
    """Refuses an image that no node can pull, and warns of one whose content may change."""
    if not isinstance(image, str) or image == old_image:
        return
    if not images.is_reference(image):
        message = f"{quoted(image)} is not an image that a node can pull; it is {images.FORMAT}"
        yield FieldError(("spec", "image"), message)
        return
    _, colon, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    if "@" not in image and (not colon or tag == "latest"):
        yield "spec.image has no tag or the tag latest: nodes may run different versions; name a version or digest"


def validate_paused(spec: Mapping[str, Any], old_spec: Mapping[str, Any]) -> Iterator[str]:
    """Warns who changes an Nginx that is paused, and goes on to be. One that is being paused says so itself."""
    if spec.get("paused") is old_spec.get("paused") is True and spec != old_spec:
        yield "spec.paused is true: this change waits until it is removed"
