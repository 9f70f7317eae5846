"""What is refused, and what is only warned of: one list of checks for the webhook, the reconcile guard and `lint`.

A check looks at one `Subject` and yields faults and warnings. All of them run, so a user sees everything at once.
The CRD's schema and CEL rules are repeated here, because the guard and `lint` have no API server to ask.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from nginx_operator.api.faults import MOST_FAULTS, Fault, Subject, Verdict, cut
from nginx_operator.api.policy import Policy
from nginx_operator.api.resource_rules import resources
from nginx_operator.api.rules import count, image, name, rules_of_count
from nginx_operator.api.schema_faults import list_types, of_scale, of_schema
from nginx_operator.api.service_rules import service, service_types

#: A warning header of an admission response holds this many characters; more may be cut (KEP-1693).
WARNING_LENGTH: Final = 120
#: More than every list and mapping of the schema holds together.
MOST_ENTRIES: Final = 1000

#: Every rule, in the order in which users read the outcome.
CHECKS: Final[tuple[Callable[[Subject], Iterator[Fault | str]], ...]] = (
    name,
    of_schema,
    list_types,
    of_scale,
    count,
    service_types,
    service,
    resources,
    image,
)


def check(subject: Subject) -> Verdict:
    """Judges a whole Nginx. The time that it takes is bounded, whatever is sent.

    A spec that is stored already is not refused again: a label or a finalizer can be changed whatever a later version
    of the rules thinks of the rest (as KEP-4008 has it for schemas).
    """
    verdict = Verdict()
    if subject.old_spec == subject.spec:
        verdict.warnings = _judge(subject).warnings
        return verdict
    return _judge(subject)


def check_scale(count: object, old_count: object, policy: Policy) -> Verdict:
    """Judges the number of pods in the scale subresource, where it is called spec.replicas.

    Args:
        count: the new number.
        old_count: the one that is in force.
        policy: the administrator's.
    """
    return _verdict(rules_of_count(count, old_count, policy, ("spec", "replicas")))


def _judge(subject: Subject) -> Verdict:
    if not _is_of_human_size(subject.spec):
        fault = Fault("spec", f"has more than {MOST_ENTRIES} fields and entries in all", ("spec",))
        return Verdict(faults=[fault])
    return _verdict(found for rule in CHECKS for found in rule(subject))


def _verdict(outcome: Iterable[Fault | str]) -> Verdict:
    """The first faults, and the warnings until then."""
    verdict = Verdict()
    for found in outcome:
        if not isinstance(found, Fault):
            verdict.warnings.append(cut(found, WARNING_LENGTH))
        elif len(verdict.faults) < MOST_FAULTS:
            verdict.faults.append(found)
        else:
            break
    return verdict


def _is_of_human_size(spec: object) -> bool:
    """Whether a walk over all fields and entries ends soon."""
    left, ahead = MOST_ENTRIES, [spec]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict | list):  # as JSON and YAML are decoded; asking for a Mapping takes thrice as long
            left -= len(value)
            if left < 0:
                return False
            ahead.extend(value.values() if isinstance(value, dict) else value)
    return True
