"""What a check is asked and what it answers, and the words that the answers share."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nginx_operator.api.policy import Policy

#: A refused value is quoted up to this many characters.
VALUE_LENGTH: Final = 100
#: A user reads no more faults than this, and each costs time that other requests wait for.
MOST_FAULTS: Final = 20
#: The longest [prefix/]name of Kubernetes; what is longer resembles none. A comparison takes time by its length.
NAME_LENGTH: Final = 253 + 1 + 63
#: What stands in a path as it is: names of fields, of labels, of resources.
_PLAIN: Final = re.compile(r"[-A-Za-z0-9_./]{1,100}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason to refuse.

    Attributes:
        path: the field, for instance "spec.count".
        message: what is wrong and what to do, a sentence without the path.
        parts: the same path in parts, to find its line in a file.
    """

    path: str
    message: str
    parts: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged.

    Attributes:
        name: metadata.name; empty while the API server has not generated it yet.
        spec: the spec after defaulting.
        old_spec: the spec that is in force, None on create. What it already had is not refused again (ratcheting).
        policy: the administrator's.
        strict: whether unknown fields are faults.
    """

    name: str
    spec: Mapping[str, Any]
    policy: Policy
    old_spec: Mapping[str, Any] | None = None
    strict: bool = False


@dataclass(slots=True)
class Verdict:
    """Outcome of all checks. Faults refuse; warnings are shown and do not."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """All faults as one line."""
        return "; ".join(map(str, self.faults))


def dotted(parts: tuple[str | int, ...]) -> str:
    """A path in the form of the API server: spec.imagePullSecrets[0].name. A key that is no plain word is quoted."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part if _PLAIN.fullmatch(part) else quoted(part)}"
    return text.removeprefix(".")


def quoted(value: object) -> str:
    """A value as JSON, control characters escaped, cut at 100 characters."""
    try:
        text = json.dumps(value, ensure_ascii=True)
    except RecursionError:  # it could just be decoded, and this stack is deeper
        return "a deeply nested value"
    except (TypeError, ValueError):
        text = repr(value)
    return cut(text, VALUE_LENGTH)


def did_you_mean(name: object, known: Sequence[str]) -> str:
    """A question that names the known word that resembles a name most; empty if none does."""
    text = str(name)
    close = difflib.get_close_matches(text, known, n=1) if len(text) <= NAME_LENGTH else ()
    return f"did you mean {close[0]}?" if close else ""


def cut(text: str, length: int) -> str:
    """A text of at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 3]}..."
