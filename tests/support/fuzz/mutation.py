"""Mutated reviews: bytes and values of the corpus, changed at random, reproducible by seed.

A generator of our own beside hypothesis, because it makes a case in 30 µs where hypothesis takes a millisecond.
"""

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

CORPUS: Final = [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "fuzz/corpus").iterdir())]

#: Values of unexpected types and sizes.
STRANGE: Final[list[Any]] = [
    None, True, False, 0, -1, 1, 3.0, 0.5, 100, 101, 2**31 - 1, 2**31, 2**53 + 1, 2**63, 2**64, 10**400, -(10**30),
    float("nan"), float("inf"), 1e308, "", "x", "3", "\x00", "\ud800", "\udfff\ud800", "\u202e", "a" * 300, "../../etc",
    "{{7*7}}", "$(id)", "; load_module x;", "50m", "-1", "1Ki", "1e99", "9" * 400, [], [[]], [None], {}, {"": {}},
    {"count": 3}, {"name": "NOT A NAME"}, ["10.0.0.0/33", "::/0"], {"a b": "c"}, "nginx", "nginx:latest", "UPPER/case",
]  # fmt: skip
#: Field names of reviews and specs, also put where they do not belong.
NAMES: Final = [
    "uid", "kind", "operation", "object", "oldObject", "spec", "count", "image", "imagePullPolicy", "imagePullSecrets",
    "containerPort", "resources", "requests", "limits", "cpu", "memory", "service", "type", "port", "nodePort",
    "annotations", "externalTrafficPolicy", "loadBalancerClass", "loadBalancerSourceRanges", "paused", "metadata",
    "labels", "deployment",
    "ipFamilyPolicy", "ipFamilies", "probes", "readiness", "httpGet", "tcpSocket", "path", "timeoutSeconds",
    "deletionTimestamp", "generateName", "replicas", "namespace", "group", "version", "apiVersion", "subResource",
    "__class__", "constructor", "\ud800",
]  # fmt: skip
OPERATIONS: Final = ["CREATE", "UPDATE", "DELETE", "CONNECT", "create", ""]
#: Sizes around the bounds of lists and mappings.
SIZES: Final = [1, 2, 16, 17] * 8 + [64, 65, 1100]
KINDS: Final = ["Nginx", "Scale", "Pod", "AdmissionReview", "nginx"]


def bodies(seed: int) -> Callable[[], bytes]:
    """A source of bodies."""
    chance = random.Random(seed)
    values = [body for body in CORPUS if _is_mapping(body)]

    def one() -> bytes:
        if chance.random() < 0.15:
            return bent_bytes(chance, chance.choice(CORPUS))
        value = json.loads(chance.choice(values))
        for _ in range(chance.randrange(4)):
            _bend(chance, value)
        return json.dumps(value).encode()

    return one


def bent_bytes(chance: random.Random, body: bytes) -> bytes:
    """The same bytes with one to four changes."""
    found = bytearray(body)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(found) + 1)
        match chance.randrange(6):
            case 0:
                found[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
            case 1:
                del found[at : at + chance.randrange(1, 40)]
            case 2:
                del found[at:]
            case 3:
                found[at : at + 1] = chance.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b"\\ud800", b"\n"])
            case 4:
                found[at:at] = found[: chance.randrange(200)]
            case _:
                found[at:at] = chance.choice([b"[", b"{", b'"', b"}", b"]", b","]) * chance.choice([1, 2, 3000])
    return bytes(found)


def _bend(chance: random.Random, root: Any) -> None:
    """One change somewhere inside of a value."""
    holder = chance.choice(_holders(root))
    strange = copy.deepcopy(chance.choice(STRANGE))  # it may be bent itself
    if isinstance(holder, list):
        holder.insert(chance.randrange(len(holder) + 1), strange)
        return
    key = chance.choice([*holder] or NAMES) if chance.random() < 0.7 else chance.choice(NAMES)
    match chance.randrange(8):
        case 0:
            holder.pop(key, None)
        case 1:
            holder[key] = holder.get(chance.choice(NAMES), strange)
        case 2:
            holder[key] = chance.choice(OPERATIONS + KINDS)
        case 3:
            holder[key] = {str(number): strange for number in range(chance.choice(SIZES))}
        case 4:
            holder[key] = [strange] * chance.choice(SIZES)
        case _:
            holder[key] = strange


def _holders(root: Any) -> list[Any]:
    """All mappings and lists of a value; those of the spec several times, so that most mutations hit it."""
    found, ahead = [], [(root, 1)]
    while ahead:
        value, weight = ahead.pop()
        if isinstance(value, dict | list) and len(found) < 500:
            found += [value] * weight
            items = value.items() if isinstance(value, dict) else enumerate(value)
            ahead += [(item, 8 if key == "spec" else weight) for key, item in items]
    return found or [{}]


def _is_mapping(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
