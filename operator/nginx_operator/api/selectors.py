"""One requirement of a label selector, as Kubernetes evaluates it (apimachinery, labels.Requirement.Matches).

A class of namespaces has exactly one, because its negation is again one: the chart writes that into the webhook entries
of all later classes. The negation of two would be an "or", which a label selector cannot express.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nginx_operator.api.names import is_qualified_name

WITH_VALUES: Final = ("In", "NotIn")
OPERATORS: Final = (*WITH_VALUES, "Exists", "DoesNotExist")
_LABEL_VALUE: Final = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on labels (metav1.LabelSelectorRequirement).

    Attributes:
        operator: one of OPERATORS.
        values: for In and NotIn.
    """

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it selects these labels. NotIn also selects where the label is not there."""
        match self.operator:
            case "In":
                return self.key in labels and labels[self.key] in self.values
            case "NotIn":
                return self.key not in labels or labels[self.key] not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


def validate(document: Mapping[Any, Any]) -> Iterator[str]:
    """What is wrong with a requirement as it stands in a file, one sentence each."""
    if unknown := sorted(map(str, document.keys() - {"key", "operator", "values"})):
        yield f"unknown key {unknown[0]!r}; the keys are key, operator, values"
    key, operator, values = (document.get(name) for name in ("key", "operator", "values"))
    if not is_qualified_name(key):
        yield f"key must be a label's, such as example.com/tier, not {key!r}"
    if operator not in OPERATORS:
        yield f"operator must be one of {', '.join(OPERATORS)}, not {operator!r}"
    elif operator in WITH_VALUES:
        if not isinstance(values, list) or not values or not all(map(_is_value, values)):
            yield f"values must be a list of values of a label, as strings, not {values!r}"
    elif values:
        yield f"operator {operator} takes no values"


def requirement(document: Mapping[Any, Any]) -> Requirement:
    """The typed form of a valid requirement."""
    values: Collection[str] = document.get("values") or ()
    return Requirement(document["key"], document["operator"], frozenset(values))


def _is_value(value: object) -> bool:
    return isinstance(value, str) and _LABEL_VALUE.fullmatch(value) is not None
