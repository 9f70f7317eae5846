"""Label and field selectors of lists and watches."""

import re
from collections.abc import Callable, Mapping

from tests.support.apiserver.status_errors import Object, bad_request

#: A comma that is not inside of parentheses.
_COMMA = re.compile(r",(?![^(]*\))")
_SET = re.compile(r"(\S+) (in|notin) \((.*)\)")
#: Of every kind, and of Events.
_FIELDS = ("metadata.name", "metadata.namespace", "involvedObject.uid", "type")

Selected = Callable[[Object], bool]


def selected(query: Mapping[str, str]) -> Selected:
    """Whether an object is among what the query of a list or watch asks for.

    Raises:
        StatusError: 400, by a field that is not selectable.
    """
    labels = [part.strip() for part in _COMMA.split(query.get("labelSelector", "")) if part]
    wanted = dict(part.replace("==", "=").split("=") for part in query.get("fieldSelector", "").split(",") if part)
    if unknown := [name for name in wanted if name not in _FIELDS]:
        raise bad_request(f"field label not supported: {unknown[0]}")

    def matches(found: Object) -> bool:
        metadata = found["metadata"]
        return all(_field(found, name) == value for name, value in wanted.items()) and all(
            _matches(part, metadata.get("labels", {})) for part in labels
        )

    return matches


def _field(found: Object, name: str) -> str:
    above, _, below = name.partition(".")
    value = found.get(above, "")
    return str(value.get(below, "") if below else value)


def _matches(requirement: str, labels: Mapping[str, str]) -> bool:
    if found := _SET.fullmatch(requirement):
        name, operator, values = found.groups()
        within = labels.get(name) in [value.strip() for value in values.split(",")]
        return within if operator == "in" else not within
    if "!=" in requirement:
        name, _, value = requirement.partition("!=")
        return labels.get(name) != value
    if "=" in requirement:
        name, _, value = requirement.replace("==", "=").partition("=")
        return labels.get(name) == value
    return requirement[1:] not in labels if requirement.startswith("!") else requirement in labels
