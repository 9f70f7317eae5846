"""A client for one API server: small, typed, and its errors say what went wrong.

Bodies go in as Python values and come out as bytes, so that the caller decodes only what it needs.
"""

import copy
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

import msgspec

from nginx_operator.api import names
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.connection_pool import ConnectionPool
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import Resource, plural_of

#: Seconds that a request may take. The API server itself gives up after 60.
REQUEST_TIMEOUT: Final = 30.0
#: Seconds without a byte after which a watch counts as dead. Bookmarks arrive about every minute.
WATCH_SILENCE: Final = 90.0
#: Seconds after which the API server is asked to end a watch by itself.
WATCH_SECONDS: Final = 300

APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
MERGE: Final = "application/merge-patch+json"
STRATEGIC_MERGE: Final = "application/strategic-merge-patch+json"
JSON: Final = "application/json"
#: Objects, or a list of them, with their metadata alone (API concepts, "Metadata-only fetches").
METADATA: Final = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

Params = Mapping[str, str]


class Client:
    """Requests to one API server. Use as an async context manager.

    Args:
        config: where the API server is, and the credentials for it.
        user_agent: what the API server's audit log calls this client.
        answered: called with the method, the resource (plural) and the status code of each response; 0 if none came.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        user_agent: str = "nginx-operator",
        answered: Callable[[str, str, int], None] = lambda *_: None,
    ) -> None:
        self._answered = answered
        self.config = config
        self._user_agent = user_agent
        self._http: ConnectionPool | None = None
        self._may_write: Callable[[], bool] = lambda: True

    def fenced(self, may_write: Callable[[], bool]) -> "Client":
        """The same client, but with writes refused (ApiError 0, "Fenced") unless `may_write()` as they are sent."""
        fenced = copy.copy(self)
        fenced._may_write = may_write
        return fenced

    async def __aenter__(self) -> Self:
        self._http = ConnectionPool(self.config, {"User-Agent": self._user_agent}, response_timeout=REQUEST_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> bytes:
        """One object, read from etcd (a quorum read)."""
        return await self.request("GET", resource.path(namespace, name))

    async def list(
        self, resource: Resource, namespace: str | None = None, *, metadata_only: bool = False, **params: str
    ) -> bytes:
        """A collection, or a page of it; of each object its metadata alone where that is enough."""
        accept = METADATA_LIST if metadata_only else JSON
        return await self.request("GET", resource.path(namespace), params=params, accept=accept)

    async def create(self, resource: Resource, namespace: str | None, body: object, *, dry_run: bool = False) -> bytes:
        """Creates an object; 409 AlreadyExists if the name is taken."""
        params = {"fieldManager": names.FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        return await self.request("POST", resource.path(namespace), body, params=params)

    async def update(self, resource: Resource, namespace: str | None, name: str, body: object) -> bytes:
        """Replaces an object; 409 Conflict unless metadata.resourceVersion is the stored one."""
        params = {"fieldManager": names.FIELD_MANAGER}
        return await self.request("PUT", resource.path(namespace, name), body, params=params)

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: object,
        *,
        force: bool,
        manager: str = names.FIELD_MANAGER,
    ) -> bytes:
        """Server-side apply (KEP-555). Without force, 409 with cause FieldManagerConflict if others own a field."""
        params = {"fieldManager": manager, "force": str(force).lower()}
        return await self.request("PATCH", resource.path(namespace, name), body, params=params, content_type=APPLY)

    async def merge(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: object,
        subresource: str = "",
        *,
        manager: str = names.FIELD_MANAGER,
    ) -> bytes:
        """JSON merge patch (RFC 7386). metadata.uid and metadata.resourceVersion in the body are preconditions."""
        path = resource.path(namespace, name, subresource)
        return await self.request("PATCH", path, body, params={"fieldManager": manager}, content_type=MERGE)

    async def merge_by_key(self, resource: Resource, namespace: str | None, name: str, body: object) -> bytes:
        """Strategic merge patch: an entry of a list is found by its key, such as the uid of an ownerReference.

        Preconditions as in `merge`. The API server knows the keys of its own kinds, and has none for custom ones.
        """
        params = {"fieldManager": names.FIELD_MANAGER}
        path = resource.path(namespace, name)
        return await self.request("PATCH", path, body, params=params, content_type=STRATEGIC_MERGE)

    async def replace(
        self, resource: Resource, namespace: str | None, name: str, field: str, value: object, *, resource_version: str
    ) -> bytes:
        """Replaces one field of exactly this version (JSON Patch, RFC 6902); 422 if it has changed since."""
        body = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version},
            {"op": "replace", "path": field, "value": value},
        ]
        path, params = resource.path(namespace, name), {"fieldManager": names.FIELD_MANAGER}
        return await self.request("PATCH", path, body, params=params, content_type=JSON_PATCH)

    async def delete(
        self, resource: Resource, namespace: str | None, name: str, *, uid: str, resource_version: str
    ) -> bytes:
        """Deletes exactly this version of this object; 409 if it has changed since, or is another of the same name."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
        }
        return await self.request("DELETE", resource.path(namespace, name), body)

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Params | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> bytes:
        """Any request; returns the body of a 2xx response.

        Raises:
            ApiError: any other response, or none.
        """
        headers = self._headers() | {"Accept": accept}
        target = f"{path}?{urlencode(params)}" if params else path
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else msgspec.json.encode(body)
            headers["Content-Type"] = content_type

        def fence() -> None:
            if method != "GET" and not self._may_write():
                raise ApiError(
                    0,
                    "Fenced",
                    f"no {method} of {path}: this process does not hold the Lease, or could not renew it in time",
                )

        try:
            answer = await self._open.request(method, target, headers, data, before_send=fence)
        except OSError as error:
            self._answered(method, plural_of(path), 0)
            raise self._unreachable(error) from error
        self._answered(method, plural_of(path), answer.status)
        if answer.status >= 400:
            raise ApiError.from_response(*answer)
        return answer.body

    async def watch(
        self, resource: Resource, namespace: str | None, params: Params, *, metadata_only: bool = False
    ) -> AsyncIterator[bytes]:
        """The lines of a watch, each a JSON WatchEvent, until the server ends it or falls silent.

        Raises:
            ApiError: the watch was refused, or broke.
        """
        query = {**params, "watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        target = f"{resource.path(namespace)}?{urlencode(query)}"
        try:
            async with self._open.stream(
                target, self._headers() | {"Accept": METADATA if metadata_only else JSON}
            ) as stream:
                if stream.status >= 400:
                    raise ApiError.from_response(*await stream.read())
                rest = b""
                # Silence ends it: the connection may be dead, and a new watch goes on where this one was.
                async for chunk in stream.iter_bytes(WATCH_SILENCE):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        if line:
                            yield line
        except OSError as error:
            raise self._unreachable(error) from error

    @property
    def _open(self) -> ConnectionPool:
        if self._http is None:
            raise RuntimeError("the client is not open; use 'async with'")
        return self._http

    def _headers(self) -> dict[str, str]:
        token = self.config.token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _unreachable(self, error: BaseException) -> ApiError:
        why = str(error) or type(error).__name__  # a TimeoutError says nothing
        return ApiError(0, "Unreachable", f"cannot reach the API server {self.config.server}: {why}")
