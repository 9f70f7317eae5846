"""A token bucket (client-go: flowcontrol): a burst at once, then one in a period."""


class TokenBucket:
    """Tokens for one thing that may be done again only so often. It begins full.

    Args:
        burst: tokens in a full bucket.
        period: seconds in which one token is added.

    Times are seconds of any one clock. A clock that is set back adds nothing and takes nothing away.
    """

    __slots__ = ("_at", "_burst", "_period", "_tokens")

    def __init__(self, burst: int, period: float) -> None:
        self._burst, self._period = burst, period
        self._tokens, self._at = float(burst), 0.0

    def tokens(self, now: float) -> float:
        """The tokens that are there at this moment."""
        return min(self._tokens + max(now - self._at, 0.0) / self._period, self._burst)

    def take(self, now: float) -> float:
        """Takes one token. Returns 0, or the seconds until one is free."""
        tokens = self.tokens(now)
        if tokens < 1:
            return (1 - tokens) * self._period
        self._tokens, self._at = tokens - 1, now
        return 0.0
