"""The bodies of the writes that are not simply the desired child: pure."""

from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.types import ObjectMeta
from nginx_operator.children import Body, ChildKind

#: What the API server gave a Service, or lets nobody change.
_ALLOCATED: Final = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort")
#: What nobody may change as long as it is a load balancer.
_OF_LOAD_BALANCER: Final = ("loadBalancerClass",)

#: Lists of a pod in which others may have items of their own.
_LISTS: Final = ("initContainers", "containers", "volumes")


def only_if_absent(body: Body) -> Body:
    """The same apply, which the API server refuses with 409 if there is an object of that name: none has version 1."""
    return {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}


def adoption(desired: Body, live: Body, resource_version: str) -> Body:
    """A strategic merge patch: a child that nobody controls is controlled as `desired` says, in this version of it.

    Whoever restored it owns its fields by update, and a field that leaves the spec would stay with them; so these
    entries go. One entry of ours stays: where there is none, an apply hands all fields to a manager
    "before-first-apply". The hash goes until the apply that follows has brought it back: if that fails, the child
    differs, and is applied.
    """
    ours = {
        "manager": names.FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": desired["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {f"f:{key}": {} for key in desired["metadata"]["labels"]}}},
    }
    kept = [
        entry
        for entry in live["metadata"].get("managedFields", [])
        if entry.get("subresource")
        or (entry.get("operation") == "Apply" and entry.get("manager") != names.FIELD_MANAGER)
    ]
    return {
        "metadata": {
            "uid": desired["metadata"]["uid"],
            "resourceVersion": resource_version,
            "ownerReferences": desired["metadata"]["ownerReferences"],
            "annotations": {names.APPLIED_HASH_ANNOTATION: None},
            "managedFields": [*kept, ours],
        }
    }


def owner_reference(owner: ObjectMeta, resource_version: str) -> Body:
    """A strategic merge patch: the child's reference to `owner` names our version of the API."""
    references = [{"uid": owner.uid, "apiVersion": names.API_VERSION}]
    return {"metadata": {"resourceVersion": resource_version, "ownerReferences": references}}


def force_spec(kind: ChildKind, desired: Body, live: Body) -> Body:
    """The spec of a live child with ours put in its place, and the rest of it left.

    Server-side apply leaves what others add in lists and beside our fields: another port of the same name, a second
    handler of a probe, the source ranges of a load balancer that is one no more. Where both together are invalid,
    only replacing what we set helps.
    """
    if kind.plural == "services":
        kept = _ALLOCATED + (_OF_LOAD_BALANCER if desired["spec"]["type"] == "LoadBalancer" else ())
        allocated = {key: live["spec"][key] for key in kept if key in live["spec"]}
        return {**allocated, **desired["spec"]}
    pod, wanted = live["spec"]["template"]["spec"], desired["spec"]["template"]["spec"]
    lists = {key: _with_ours(pod.get(key) or [], wanted[key]) for key in _LISTS if key in wanted}
    return {**live["spec"], "template": {**live["spec"]["template"], "spec": {**pod, **wanted, **lists}}}


def immutable(kind: ChildKind, desired: Body, live: Body) -> str:
    """Why the live child can never become the desired one; empty if it can."""
    wanted, present = (body["spec"].get("ipFamilies", [])[:1] for body in (desired, live))
    if kind.plural != "services" or not wanted or wanted == present:
        return ""
    return (
        f"a Service keeps its first IP family for life, and this one has {', '.join(present) or 'none'}; delete the "
        f"Service, and it is created again with {wanted[0]}"
    )


def without_our_updates(live: Body) -> list[Any]:
    """The managers of a child's fields, but for us as one that updates and does not apply (KEP-555)."""
    return [
        entry
        for entry in live["metadata"].get("managedFields", [])
        if (entry.get("manager"), entry.get("operation")) != (names.FIELD_MANAGER, "Update") or entry.get("subresource")
    ]


def _with_ours(live: list[Body], ours: list[Body]) -> list[Body]:
    taken = {item["name"] for item in ours}
    return [*ours, *(item for item in live if item["name"] not in taken)]
