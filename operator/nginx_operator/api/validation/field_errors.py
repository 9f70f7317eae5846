"""What is wrong with a field, as apimachinery's field.Error says it, and the wording that the rules share."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from nginx_operator.api.near_misses import near_miss
from nginx_operator.api.truncation import truncated

#: A refused value is quoted up to this many characters.
MAX_VALUE_LENGTH: Final = 100
#: A user reads no more errors than this, and each costs time that other requests wait for.
MAX_ERRORS: Final = 20
#: The longest [prefix/]name of Kubernetes; what is longer resembles none. A comparison takes time by its length.
MAX_NAME_LENGTH: Final = 253 + 1 + 63
#: What stands in a path unquoted: names of fields, of labels, of resources.
_PLAIN: Final = re.compile(r"[-A-Za-z0-9_./]{1,100}")

#: Names of fields, keys of maps and indices of lists, from the root of the object.
FieldPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One reason to refuse (apimachinery, field.Error).

    Attributes:
        path: where, for instance ("spec", "imagePullSecrets", 0, "name").
        message: what is wrong and what to do, a sentence without the path.
        line: of the text in the field, from 1; 0 where it is of no line.
    """

    path: FieldPath
    message: str
    line: int = 0

    @property
    def field(self) -> str:
        """The path as the API server writes it, with the line if there is one: spec.imagePullSecrets[0].name,
        spec.config.http.inline:12. Unusual keys are quoted.
        """
        text = ""
        for part in self.path:
            if isinstance(part, int):
                text += f"[{part}]"
            else:
                text += f".{part if _PLAIN.fullmatch(part) else quoted(part)}"
        return text.removeprefix(".") + (f":{self.line}" if self.line else "")

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def aggregate(errors: Iterable[FieldError]) -> str:
    """All errors as one line (apimachinery, ErrorList.ToAggregate); empty if there are none."""
    return "; ".join(map(str, errors))


def quoted(value: object) -> str:
    """A value as JSON, control characters escaped, in at most 100 characters."""
    try:
        text = json.dumps(value, ensure_ascii=True)
    except RecursionError:  # it could just be decoded, and this stack is deeper
        return "a deeply nested value"
    except (TypeError, ValueError):
        text = repr(value)
    return truncated(text, MAX_VALUE_LENGTH)


def did_you_mean(name: object, known: Sequence[str]) -> str:
    """A question that names the known word most like `name`; empty if none is like it."""
    near = near_miss(str(name), known, longest=MAX_NAME_LENGTH)
    return f"did you mean {near}?" if near else ""
