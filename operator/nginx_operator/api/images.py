"""References of container images, as runtimes parse them.

Source of the rule: github.com/distribution/reference, [host[:port]/]path[:tag][@digest], and of the digest
github.com/opencontainers/go-digest.
"""

import re
from typing import Final

#: Characters, as in the schema.
MAX_LENGTH: Final = 512
#: What a reference looks like, for messages.
FORMAT: Final = (
    "[host/]name[:tag][@sha256:...], the name has lower-case letters only, and the digest 64 digits from 0 to f"
)

_DOMAIN_COMPONENT: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN: Final = rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*(?::[0-9]+)?/)?"
_PATH_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_DIGEST: Final = r"(?:@(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}))?"
#: The chart has the same pattern in values.schema.json.
PATTERN: Final = rf"{_DOMAIN}{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]{{0,127}})?{_DIGEST}"
_REFERENCE: Final = re.compile(PATTERN)


def is_reference(text: str) -> bool:
    """Whether a container runtime can parse it."""
    return len(text) <= MAX_LENGTH and _REFERENCE.fullmatch(text) is not None
