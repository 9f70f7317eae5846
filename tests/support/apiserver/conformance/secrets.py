"""Secrets: the verbs, the patches but for apply, selectors, pages, preconditions, watches."""

from typing import Any

from nginx_operator.kube.client import JSON_PATCH, MERGE, METADATA, METADATA_LIST, STRATEGIC_MERGE
from nginx_operator.kube.resources import SECRETS
from tests.support.apiserver.conformance.steps import (
    CONTINUE,
    STALE,
    UID,
    VERSION,
    Object,
    create,
    delete,
    fails,
    find,
    get,
    patch,
    update,
    watch,
)


def secret(name: str, data: dict[str, str], **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}, "type": "Opaque", "data": data}


def owner(name: str, **more: bool) -> Object:
    """A Secret of the script as an owner: the garbage collector takes away what has none that exists."""
    return {"apiVersion": "v1", "kind": "Secret", "name": name, "uid": f"{{uid of {name}}}", **more}


_REPLACED = [
    {"op": "test", "path": "/metadata/resourceVersion", "value": VERSION},
    {"op": "replace", "path": "/data/a", "value": "Zg=="},
]
_ADDED = [{"op": "remove", "path": "/data/d"}, {"op": "add", "path": "/data/g", "value": "Zw=="}]
VERBS = [
    fails(404, get(SECRETS, "a")),
    find(SECRETS, labelSelector="double"),
    create(SECRETS, secret("a", {"a": "YQ==", "b": "Yg=="}, labels={"double": "1", "of": "a"}), fieldManager="one"),
    fails(409, create(SECRETS, secret("a", {}))),
    fails(422, create(SECRETS, {"metadata": {}})),
    create(SECRETS, secret("dry", {}), dryRun="All"),
    fails(404, get(SECRETS, "dry")),
    create(SECRETS, secret("b", {}, labels={"double": "2"}), fieldManager="one"),
    create(SECRETS, secret("c", {}, labels={"double": "3", "of": "a"}), fieldManager="one"),
    get(SECRETS, "a"),
    find(SECRETS, labelSelector="double"),
    find(SECRETS, labelSelector="double=1"),
    find(SECRETS, labelSelector="double!=1,of"),
    find(SECRETS, labelSelector="double in (1, 2),!of"),
    find(SECRETS, labelSelector="double notin (1),double"),
    find(SECRETS, fieldSelector="metadata.name=b"),
    fails(400, find(SECRETS, fieldSelector="metadata.color=b")),
    find(SECRETS, labelSelector="double", limit="2"),
    find(SECRETS, limit="1"),
    find(SECRETS, **{"limit": "1", "continue": CONTINUE}),
    find(SECRETS, METADATA_LIST, labelSelector="double=2"),
    # Updates.
    update(SECRETS, secret("a", {"a": "YQ==", "c": "Yw=="}, resourceVersion=VERSION), fieldManager="two"),
    update(SECRETS, secret("a", {"a": "YQ==", "c": "Yw=="}, resourceVersion=VERSION), fieldManager="two"),
    fails(409, update(SECRETS, secret("a", {"a": "eA=="}, resourceVersion=STALE), fieldManager="two")),
    fails(409, update(SECRETS, secret("a", {"a": "eA=="}, uid="another"), fieldManager="two")),
    update(SECRETS, secret("a", {"a": "eA=="}), fieldManager="three", dryRun="All"),
    fails(404, update(SECRETS, secret("gone", {}), fieldManager="two")),
    # JSON merge patches.
    patch(SECRETS, "a", MERGE, {"data": {"c": None, "d": "ZA=="}}, fieldManager="one"),
    patch(SECRETS, "a", MERGE, {"data": {"d": "ZA=="}}, fieldManager="four"),
    patch(SECRETS, "a", MERGE, {"metadata": {"uid": UID, "resourceVersion": VERSION}, "data": {"e": "ZQ=="}}),
    fails(409, patch(SECRETS, "a", MERGE, {"metadata": {"resourceVersion": STALE}, "data": {"e": "eA=="}})),
    fails(422, patch(SECRETS, "a", MERGE, {"metadata": {"uid": "another"}, "data": {"e": "eA=="}})),
    fails(404, patch(SECRETS, "gone", MERGE, {"data": {"e": "eA=="}})),
    # JSON patches.
    patch(SECRETS, "a", JSON_PATCH, _REPLACED, fieldManager="two"),
    fails(422, patch(SECRETS, "a", JSON_PATCH, [{**_REPLACED[0], "value": STALE}, _REPLACED[1]], fieldManager="two")),
    patch(SECRETS, "a", JSON_PATCH, _ADDED),
    # Strategic merge patches: owners by their uid.
    patch(SECRETS, "a", STRATEGIC_MERGE, {"metadata": {"ownerReferences": [owner("b"), owner("c")]}}),
    patch(
        SECRETS,
        "a",
        STRATEGIC_MERGE,
        {"metadata": {"resourceVersion": VERSION, "ownerReferences": [{"uid": "{uid of c}", "controller": True}]}},
        fieldManager="two",
    ),
    fails(409, patch(SECRETS, "a", STRATEGIC_MERGE, {"metadata": {"resourceVersion": STALE}})),
    # Deletions.
    fails(409, delete(SECRETS, "a", uid="another")),
    fails(409, delete(SECRETS, "a", resourceVersion=STALE)),
    delete(SECRETS, "a", uid=UID, resourceVersion=VERSION),
    fails(404, delete(SECRETS, "a")),
    fails(404, get(SECRETS, "a")),
]
WATCHES = [
    find(SECRETS, labelSelector="watched"),
    create(SECRETS, secret("w", {}, labels={"watched": "1"})),
    create(SECRETS, secret("unwatched", {})),
    patch(SECRETS, "w", MERGE, {"data": {"a": "YQ=="}}),
    patch(SECRETS, "w", MERGE, {"metadata": {"labels": {"watched": None}}}),
    patch(SECRETS, "w", MERGE, {"metadata": {"labels": {"watched": "2"}}}),
    delete(SECRETS, "w"),
    watch(SECRETS, 5, labelSelector="watched", resourceVersion=VERSION),
    watch(SECRETS, 2, labelSelector="watched=2", resourceVersion=VERSION),
    watch(SECRETS, 5, METADATA, labelSelector="watched", resourceVersion=VERSION),
    watch(SECRETS, 5, fieldSelector="metadata.name=w", resourceVersion=VERSION),
]
