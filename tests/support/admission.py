"""Admission as the webhooks do it, for an API server that is a double."""

from collections.abc import Callable

from nginx_operator.api import names
from nginx_operator.api.policy import MAX_INT32
from tests.support.apiserver.request_info import RequestInfo
from tests.support.apiserver.status_errors import Object, StatusError


def admitting(webhook: str = names.VALIDATING_WEBHOOK) -> Callable[[RequestInfo, Object], Object]:
    """Fills in spec.count, and refuses the greatest one in a webhook's name."""

    def admit(_: RequestInfo, body: Object) -> Object:
        spec = {"count": 1} | body["spec"]
        if spec["count"] == MAX_INT32:
            why = f"spec.count: {MAX_INT32} is more than this cluster allows"
            raise StatusError(422, "Invalid", f'admission webhook "{webhook}" denied the request: {why}')
        return {**body, "spec": spec}

    return admit
