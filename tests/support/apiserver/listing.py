"""Lists: selectors, pages and their tokens, metadata alone."""

import base64
import json
from collections.abc import Mapping

from tests.support.apiserver import objects
from tests.support.apiserver.request_info import RequestInfo
from tests.support.apiserver.selectors import selected
from tests.support.apiserver.status_errors import Object, expired
from tests.support.apiserver.store import Store


def listed(store: Store, info: RequestInfo, query: Mapping[str, str]) -> Object:
    """A collection, or a page of it. An item of a built-in kind does not say what it is, as Go's types have it.

    Raises:
        StatusError: 410, the page's token is of a version that is compacted; 400, a field is not selectable.
    """
    matches = selected(query)
    found = [(path, one) for path, one in sorted(store.objects.items()) if info.holds(path) and matches(one)]
    metadata: Object = {"resourceVersion": str(store.version)} | ({"continue": ""} if info.custom else {})
    if token := query.get("continue"):
        version, start = json.loads(base64.b64decode(token))
        if version < store.oldest:
            raise expired(version, store.oldest)
        metadata["resourceVersion"] = str(version)
        found = [(path, one) for path, one in found if path >= start]
    limit = int(query.get("limit", 0)) or len(found)
    if rest := found[limit:]:
        start = [int(metadata["resourceVersion"]), rest[0][0]]
        metadata["continue"] = base64.b64encode(json.dumps(start).encode()).decode()
        if not {"labelSelector", "fieldSelector"} & query.keys():
            metadata["remainingItemCount"] = len(rest)
    items = [one for _, one in found[:limit]]
    if not info.custom:
        items = [{key: value for key, value in one.items() if key not in ("apiVersion", "kind")} for one in items]
    kind = f"{objects.kind(info, *(one for _, one in found))}List"
    return {"kind": kind, "apiVersion": info.api_version, "metadata": metadata, "items": items}


def metadata_of(found: Object) -> Object:
    """The same list as meta.k8s.io/v1 PartialObjectMetadataList."""
    of = {"apiVersion": "meta.k8s.io/v1"}
    items = [partial(item) for item in found["items"]]
    return {"kind": "PartialObjectMetadataList", **of, "metadata": found["metadata"], "items": items}


def partial(found: Object) -> Object:
    """The object as meta.k8s.io/v1 PartialObjectMetadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": found["metadata"]}
