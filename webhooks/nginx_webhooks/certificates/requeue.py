"""Why a reconcile of the certificate ends early, and when it is tried again."""

from nginx_webhooks.certificates.watched_object import ObjectWatch


class RequeueError(Exception):
    """Something is missing that somebody else must bring, or that comes by itself; the text says what.

    Attributes:
        quiet: whether it is no news: it passes within moments, or has been logged where it was noticed.
        requeue_after: seconds after which to reconcile again if nothing changes; 0 where there is no hurry.
    """

    def __init__(self, text: str, *, quiet: bool = False, requeue_after: float = 0.0) -> None:
        super().__init__(text)
        self.quiet = quiet
        self.requeue_after = requeue_after


def require_synced(watch: ObjectWatch) -> None:
    """Raises RequeueError until the first list has been answered."""
    if not watch.seen:
        raise RequeueError(watch.fault or f"the first look at {watch}", quiet=True)
