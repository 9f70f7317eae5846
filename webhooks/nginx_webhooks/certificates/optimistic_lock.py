"""Writes that name the resourceVersion that they were decided upon, so that no change in between is overwritten.

They are made as the webhooks' field manager. The API server answers 409 to a write that comes too late.
"""

from collections.abc import Awaitable

import msgspec

from nginx_operator.api import names
from nginx_operator.kube.errors import ApiError
from nginx_webhooks.certificates.watched_object import Object, ObjectWatch


async def apply(watch: ObjectWatch, body: Object) -> Object | None:
    """Server-side apply of a body with a resourceVersion. Returns what is stored; None if the object has changed since.

    Raises:
        ApiError: the API server refused for another reason.
    """
    request = watch.client.apply(
        watch.resource, watch.namespace, watch.name, body, force=True, manager=names.CA_BUNDLE_FIELD_MANAGER
    )
    return await _stored(watch, request)


async def merge(watch: ObjectWatch, body: Object) -> Object | None:
    """Merge patch (RFC 7386) with a resourceVersion. Returns what is stored; None if the object has changed since.

    Raises:
        ApiError: the API server refused for another reason.
    """
    request = watch.client.merge(
        watch.resource, watch.namespace, watch.name, body, manager=names.CA_BUNDLE_FIELD_MANAGER
    )
    return await _stored(watch, request)


async def _stored(watch: ObjectWatch, request: Awaitable[bytes]) -> Object | None:
    try:
        answer = await request
    except ApiError as error:
        if error.code == 409:
            return None
        raise
    stored: Object = msgspec.json.decode(answer)
    watch.observed(stored)
    return stored
