"""`nginx-webhooks rotate`: asks for a new certificate authority, and waits until it signs.

The command only begins the rotation, by putting the next authority into the Secret; the webhooks do the rest, as they
do when the time has come by itself.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from nginx_operator.kube.errors import ApiError
from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.authority import Authorities, RotationError
from nginx_webhooks.certificates.store import AuthorityStore, MalformedSecretError


async def rotate(
    store: AuthorityStore, changed: asyncio.Event, now: Callable[[], datetime], tell: Callable[[str], None]
) -> None:
    """Rotates once, gap-free. One that is under way already is waited for.

    Args:
        store: the Secret; its watch runs, and sets `changed`.
        changed: see there.
        now: the time.
        tell: takes a line for people at each step.

    Raises:
        RotationError: it cannot begin.
        ApiError: the API server refused.
    """
    kept = await _begin(store, changed, now)
    wanted = (kept.upcoming or kept.current).certificate
    tell(f"published: authority {wanted.serial_number:x}; it signs once both webhook configurations trust it")
    while kept.current.certificate != wanted:
        kept = await _seen(store, changed)
        if wanted not in kept.trusted:
            raise RotationError(f"{store.watch} has been changed by somebody else; try again")
    tell(f"signing: authority {wanted.serial_number:x}, until {wanted.not_valid_after_utc.isoformat()}")
    for found in kept.retired:
        tell(f"still trusted: authority {found.certificate.serial_number:x}, until {found.until.isoformat()}")


async def _begin(store: AuthorityStore, changed: asyncio.Event, now: Callable[[], datetime]) -> Authorities:
    """Puts the next authority into the Secret, unless one is there already."""
    while True:
        kept = await _seen(store, changed)
        if kept.upcoming is not None:
            return kept
        begun = authority.begun(kept, now())
        if await store.write(begun):
            return begun


async def _seen(store: AuthorityStore, changed: asyncio.Event) -> Authorities:
    """The authorities after the next change; at once the first time, when `changed` is set already."""
    await changed.wait()
    changed.clear()
    watch = store.watch
    if not watch.seen:
        raise ApiError(0, "Unwatched", watch.fault)
    try:
        kept = store.read()
    except MalformedSecretError as error:
        raise RotationError(f"{watch} is malformed: {error}") from error
    if kept is None:
        why = "is empty" if watch.object else "does not exist"
        raise RotationError(f"{watch} {why}: the webhooks, in mode auto, make the first authority by themselves")
    return kept
