"""Steps of the script: a request, or a watch, as data."""

from dataclasses import dataclass, field, replace
from typing import Any

from nginx_operator.kube.client import APPLY, JSON
from nginx_operator.kube.resources import Resource

Object = dict[str, Any]

#: Stand for what the last answer of the same path says, or, of a collection's path, its last list.
UID, VERSION, CONTINUE = "{uid}", "{version}", "{continue}"
#: A version that no object has.
STALE = "1"


@dataclass(frozen=True, slots=True)
class Step:
    """A request, or a watch of so many events; `code` is that of its refusal, or 0."""

    resource: Resource
    method: str
    name: str = ""
    body: Any = None
    params: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    accept: str = JSON
    subresource: str = ""
    events: int = 0
    code: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.resource.plural} {self.name} {self.subresource} {self.params}"


def get(resource: Resource, name: str) -> Step:
    return Step(resource, "GET", name)


def find(resource: Resource, accept: str = JSON, **params: str) -> Step:
    return Step(resource, "GET", params=params, accept=accept)


def watch(resource: Resource, events: int, accept: str = JSON, **params: str) -> Step:
    return Step(resource, "WATCH", params=params, events=events, accept=accept)


def create(resource: Resource, body: Object, **params: str) -> Step:
    return Step(resource, "POST", body.get("metadata", {}).get("name", ""), typed(resource, body), params)


def update(resource: Resource, body: Object, **params: str) -> Step:
    return Step(resource, "PUT", body["metadata"]["name"], typed(resource, body), params)


def apply(resource: Resource, manager: str, body: Object, subresource: str = "", **params: str) -> Step:
    params = {"fieldManager": manager} | params
    name = body["metadata"]["name"]
    return Step(resource, "PATCH", name, typed(resource, body), params, APPLY, subresource=subresource)


def patch(resource: Resource, name: str, content_type: str, body: Any, subresource: str = "", **params: str) -> Step:
    return Step(resource, "PATCH", name, body, params, content_type, subresource=subresource)


def delete(resource: Resource, name: str, **preconditions: str) -> Step:
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
    return Step(resource, "DELETE", name, options)


def fails(code: int, step: Step) -> Step:
    """A step that is refused."""
    return replace(step, code=code)


def typed(resource: Resource, body: Object) -> Object:
    """A body that says what it is."""
    return {"apiVersion": resource.api_version, "kind": resource.kind} | body
