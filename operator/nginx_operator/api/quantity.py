"""Kubernetes quantities as exact numbers.

Source of the rule: apimachinery's resource.Quantity. The API server stores a canonical form ("0.5" becomes
"500m"), so quantities are compared by value, never by text.
"""

import re
from decimal import ROUND_CEILING, Decimal
from typing import Final

_PATTERN = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?"
)
_SCALE: dict[str, Decimal] = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(10) ** (3 * power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(2) ** (10 * power) for power, suffix in enumerate("KMGTPE", start=1)},
}


#: The largest int64; the API server caps what is larger.
MAX: Final = Decimal(2**63 - 1)


def parse(value: str | int) -> Decimal:
    """The number that a quantity stands for.

    Raises:
        ValueError: it is no quantity.
    """
    match = _PATTERN.fullmatch(str(value))
    if match is None:
        raise ValueError(f"{value!r} is not a quantity such as 50m, 0.5 or 64Mi")
    number, suffix = Decimal(match["number"]), match["suffix"]
    if suffix is None:
        return number
    if suffix in _SCALE:
        return number * _SCALE[suffix]
    return number * Decimal(10) ** int(suffix[1:])


def stored(value: str | int) -> Decimal:
    """The number that the API server makes of a quantity in a container's resources.

    It rounds up to a thousandth (k8s.io/kubernetes/pkg/apis/core/v1, SetDefaults_ResourceList).

    Raises:
        ValueError: it is no quantity.
    """
    number = max(-MAX, min(parse(value), MAX))
    return number.quantize(Decimal("0.001"), rounding=ROUND_CEILING)
