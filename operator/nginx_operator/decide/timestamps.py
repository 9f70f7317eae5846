"""Times as the API server writes them (metav1.Time): RFC 3339, in UTC, whole seconds."""

import time
from datetime import datetime


def parse(text: object) -> float | None:
    """Seconds since 1970; None where the text is no time."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def render(seconds: float) -> str:
    """The time as the API server would write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
