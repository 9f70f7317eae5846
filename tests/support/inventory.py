"""Lists all objects in a cluster, of every kind that the API server's discovery names."""

from collections.abc import Iterator
from typing import Any

from testbed import Bed
from testbed.waiting import PATIENCE, until

_DISCOVERY = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
#: Kinds left out: events expire, and componentstatuses are not stored.
_PASSING = {"events", "events.events.k8s.io", "componentstatuses"}
#: Objects that controllers create in every namespace.
_OF_NAMESPACES = {"kube-root-ca.crt", "default"}


def kinds(bed: Bed) -> dict[str, str]:
    """Path of each collection, by PLURAL.GROUP, in the version that the API server prefers."""
    found: dict[str, str] = {}
    for root in ("/api", "/apis"):
        status, answer = bed.request("GET", root, headers=_DISCOVERY)
        assert status == 200, answer
        for group in answer["items"]:
            name = group["metadata"].get("name", "")
            version = group["versions"][0]
            base = f"{root}/{name}/{version['version']}" if name else f"{root}/{version['version']}"
            for resource in version.get("resources", ()):
                if "list" in resource["verbs"]:
                    found[".".join(filter(None, (resource["resource"], name)))] = f"{base}/{resource['resource']}"
    return found


def objects(bed: Bed, selector: str = "") -> set[str]:
    """All objects that match a label selector, as KIND NAMESPACE/NAME, without those that come and go by themselves."""
    return {name for name, _ in _all(bed, selector)}


def states(bed: Bed, selector: str) -> dict[str, dict[str, Any]]:
    """The content of each object that matches, with its field managers and without its status, by the same name."""
    return {name: _written(found) for name, found in _all(bed, selector)}


def _written(found: dict[str, Any]) -> dict[str, Any]:
    meta = {key: value for key, value in found["metadata"].items() if key != "resourceVersion"}
    meta["managedFields"] = [entry for entry in meta["managedFields"] if entry.get("subresource") != "status"]
    return {key: value for key, value in found.items() if key != "status"} | {"metadata": meta}


def _all(bed: Bed, selector: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, path in kinds(bed).items():
        if kind in _PASSING:
            continue
        for item in _listed(bed, f"{path}?labelSelector={selector}" if selector else path):
            meta = item["metadata"]
            if kind in ("configmaps", "serviceaccounts") and meta["name"] in _OF_NAMESPACES:
                continue
            yield f"{kind} {meta.get('namespace', '')}/{meta['name']}", item


def _listed(bed: Bed, path: str) -> list[dict[str, Any]]:
    """The objects of a collection; none if its kind has been deleted meanwhile."""

    def ask() -> tuple[int, dict[str, Any]] | None:
        status, answer = bed.request("GET", path)
        return None if status == 429 else (status, answer)  # the storage of a new kind is being set up

    status, answer = until(ask, seconds=PATIENCE, what=f"an answer to GET {path}")
    assert status in (200, 404), answer
    found: list[dict[str, Any]] = answer.get("items", [])
    return found
