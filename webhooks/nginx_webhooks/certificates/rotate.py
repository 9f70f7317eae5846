"""`nginx-webhooks rotate`: asks for a rotation of the CA, and waits until the next CA issues.

The command only begins the rotation, by putting the next CA into the Secret; the webhooks do the rest, as they do when
the time has come by itself.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from nginx_operator.kube.errors import ApiError
from nginx_webhooks.certificates import ca_rotation
from nginx_webhooks.certificates.ca_rotation import CaSet, RotationError
from nginx_webhooks.certificates.ca_secret import CaSecret, MalformedSecretError


async def rotate(
    secret: CaSecret, changed: asyncio.Event, now: Callable[[], datetime], report: Callable[[str], None]
) -> None:
    """Rotates once, gap-free. A rotation that is under way already is waited for.

    Args:
        secret: holds the CAs; its watch runs, and sets `changed`.
        changed: see there.
        now: the time.
        report: takes a line for people at each step.

    Raises:
        RotationError: it cannot begin.
        ApiError: the API server refused.
    """
    cas = await _begin(secret, changed, now)
    new = (cas.next or cas.issuing).certificate
    report(f"published: authority {new.serial_number:x}; it signs once both webhook configurations trust it")
    while cas.issuing.certificate != new:
        cas = await _next_state(secret, changed)
        if new not in cas.trust_anchors:
            raise RotationError(f"{secret.watch} has been changed by somebody else; try again")
    report(f"signing: authority {new.serial_number:x}, until {new.not_valid_after_utc.isoformat()}")
    for ca in cas.retired:
        report(f"still trusted: authority {ca.certificate.serial_number:x}, until {ca.trusted_until.isoformat()}")


async def _begin(secret: CaSecret, changed: asyncio.Event, now: Callable[[], datetime]) -> CaSet:
    """Puts the next CA into the Secret, unless one is there already."""
    while True:
        cas = await _next_state(secret, changed)
        if cas.next is not None:
            return cas
        rotating = ca_rotation.begin(cas, now())
        if await secret.write(rotating):
            return rotating


async def _next_state(secret: CaSecret, changed: asyncio.Event) -> CaSet:
    """The CAs after the next change; at once the first time, when `changed` is set already."""
    await changed.wait()
    changed.clear()
    watch = secret.watch
    if not watch.seen:
        raise ApiError(0, "Unwatched", watch.fault)
    try:
        cas = secret.read()
    except MalformedSecretError as error:
        raise RotationError(f"{watch} is malformed: {error}") from error
    if cas is None:
        why = "is empty" if watch.object else "does not exist"
        raise RotationError(f"{watch} {why}: the webhooks, in mode auto, make the first authority by themselves")
    return cas
