"""What to do about the children: pure, from what is desired and what was observed.

    plan(desired, observed) -> Plan(actions, conflicts)

A child that is as desired needs no action, so a settled Nginx costs no write.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from nginx_operator.api import names, quantity
from nginx_operator.api.types import Child, NginxSpec, ObjectMeta
from nginx_operator.children import CHILDREN, ChildKind

Body = dict[str, Any]

#: Keys of maps that the API treats as one value.
_ATOMIC: Final = ("labelSelector", "selector")


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply `body`.

    Attributes:
        creates: the child does not exist yet; then foreign fields must not be forced.
        repairs: somebody changed the child; what we want did not change.
        scaled_from: the number of pods before, if only that changes for the user.
    """

    kind: ChildKind
    name: str
    body: Body
    creates: bool = False
    repairs: bool = False
    scaled_from: int | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete exactly this child in exactly this version."""

    kind: ChildKind
    name: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class UpdateOwnerReference:
    """Have a child's ownerReference name our version of the API, in exactly this version of the child.

    The garbage collector takes an owner for gone whose version is not served any more, and deletes the child; later, it
    keeps the child whose owner is gone (kubernetes/kubernetes#102641). An apply with another hash would do, too, but
    each annotation of a Deployment that changes makes a generation of it.
    """

    kind: ChildKind
    name: str
    resource_version: str


Action = Apply | Delete | UpdateOwnerReference


@dataclass(frozen=True, slots=True)
class Conflict:
    """An object of another owner stands under a child's name.

    Attributes:
        leftover: it belongs to an earlier Nginx of the same name; the garbage collector is about to remove it.
        goes: it is ours, and is being deleted; finalizers of others hold it.
    """

    kind: str
    name: str
    owner: str
    leftover: bool = False
    goes: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in the order of execution, and what stands in the way of others."""

    actions: tuple[Action, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def plan(owner: ObjectMeta, spec: NginxSpec, observed: Mapping[str, Child]) -> Plan:
    """Compares.

    Args:
        owner: metadata of the Nginx.
        spec: its defaulted and valid spec.
        observed: the children under the Nginx's name, by plural ("deployments", "services").
    """
    if spec.paused:
        return plan_paused(owner, observed)
    actions: list[Action] = []
    conflicts: list[Conflict] = []
    for kind in CHILDREN:
        desired, live = kind.build(owner, spec), observed.get(kind.plural)
        if live is not None and not is_owned(live.metadata, owner):
            if desired is not None:
                conflicts.append(conflict(kind, live.metadata, owner))
        elif live is not None and live.metadata.deletion_timestamp is not None:
            if desired is not None:
                conflicts.append(Conflict(kind.kind, live.metadata.name, owner="this Nginx", goes=True))
        elif desired is None:
            if live is not None:
                meta = live.metadata
                actions.append(Delete(kind, meta.name, meta.uid, meta.resource_version))
        else:
            action = _apply(kind, with_hash(desired), live) or _readdress(kind, live, owner)
            if action is not None:
                actions.append(action)
    return Plan(tuple(actions), tuple(conflicts))


def plan_paused(owner: ObjectMeta, observed: Mapping[str, Child]) -> Plan:
    """What there is to do for an Nginx that is paused or invalid: that its children stay and go with it."""
    actions = (_readdress(kind, observed.get(kind.plural), owner) for kind in CHILDREN)
    return Plan(tuple(action for action in actions if action is not None))


def _readdress(kind: ChildKind, live: Child | None, owner: ObjectMeta) -> UpdateOwnerReference | None:
    reference = live.metadata.controller if live is not None else None
    if live is None or reference is None or reference.uid != owner.uid or reference.api_version == names.API_VERSION:
        return None
    return UpdateOwnerReference(kind, live.metadata.name, live.metadata.resource_version)


def is_owned(child: ObjectMeta, owner: ObjectMeta) -> bool:
    """Whether the child is controlled by exactly this Nginx, not by an earlier one of the same name."""
    return child.controller is not None and child.controller.uid == owner.uid


def with_hash(body: Body) -> Body:
    """The same child with the hash of itself as an annotation.

    A field that leaves the spec changes the hash, and so leads to an apply that takes it from the child. In which
    version of the API the owner is named makes no difference.
    """
    meta = body["metadata"]
    owners = [{**owner, "apiVersion": names.GROUP} for owner in meta.get("ownerReferences", ())]
    text = msgspec.json.encode({**body, "metadata": {**meta, "ownerReferences": owners}}, order="deterministic")
    digest = hashlib.sha256(text).hexdigest()[:16]
    annotations = {**meta.get("annotations", {}), names.APPLIED_HASH_ANNOTATION: digest}
    return {**body, "metadata": {**meta, "annotations": annotations}}


def covers(desired: Any, live: Any, *, quantities: bool = False) -> bool:
    """Whether everything desired is in `live`. What else is there belongs to others and is left alone.

    Selectors and lists of plain values are atomic in the API (KEP-555): there, what else is there is drift.
    """
    if isinstance(desired, Mapping):
        return isinstance(live, Mapping) and all(
            live.get(key) == value
            if key in _ATOMIC
            else covers(value, live.get(key), quantities=quantities or key == "resources")
            for key, value in desired.items()
        )
    if isinstance(desired, list):
        if not isinstance(live, list):
            return False
        if not all(isinstance(item, Mapping) for item in desired):
            return desired == live
        return all(any(covers(item, other, quantities=quantities) for other in live) for item in desired)
    return bool(desired == live) or (quantities and _same_quantity(desired, live))


def only_if_absent(body: Body) -> Body:
    """The same apply, which the API server refuses with 409 if there is an object of that name: none has version 1."""
    return {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}


def force_spec(kind: ChildKind, desired: Body, live: Body) -> Body:
    """The spec of a live child with ours put in its place, and the rest of it left.

    Server-side apply leaves what others add in lists and beside our fields: another port of the same name, a second
    handler of a probe, the source ranges of a load balancer that is one no more. Where both together are invalid,
    only replacing what we set helps.
    """
    if kind.plural == "services":
        allocated = {key: live["spec"][key] for key in _ALLOCATED if key in live["spec"]}
        return {**allocated, **desired["spec"]}
    pod, wanted = live["spec"]["template"]["spec"], desired["spec"]["template"]["spec"]
    lists = {key: _with_ours(pod.get(key) or [], wanted[key]) for key in ("containers", "volumes")}
    return {**live["spec"], "template": {**live["spec"]["template"], "spec": {**pod, **wanted, **lists}}}


#: What the API server gave a Service, or lets nobody change.
_ALLOCATED: Final = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort")


def _with_ours(live: list[Body], ours: list[Body]) -> list[Body]:
    taken = {item["name"] for item in ours}
    return [*ours, *(item for item in live if item["name"] not in taken)]


def without_our_updates(live: Body) -> list[Body]:
    """The managers of a child's fields, but for us as one that updates and does not apply (KEP-555)."""
    return [
        entry
        for entry in live["metadata"].get("managedFields", [])
        if (entry.get("manager"), entry.get("operation")) != (names.FIELD_MANAGER, "Update") or entry.get("subresource")
    ]


def _apply(kind: ChildKind, desired: Body, live: Child | None) -> Apply | None:
    name = desired["metadata"]["name"]
    if live is None:
        return Apply(kind, name, desired, creates=True)
    same_hash = (
        live.metadata.annotations.get(names.APPLIED_HASH_ANNOTATION)
        == desired["metadata"]["annotations"][names.APPLIED_HASH_ANNOTATION]
    )
    live_spec = msgspec.json.decode(live.spec)
    if same_hash and _covers_metadata(desired["metadata"], live.metadata) and covers(desired["spec"], live_spec):
        return None
    before, after = live_spec.get("replicas"), desired["spec"].get("replicas")
    # A precondition: another's object that took the name meanwhile answers 409, and is not forced.
    body = {**desired, "metadata": {**desired["metadata"], "uid": live.metadata.uid}}
    return Apply(kind, name, body, repairs=same_hash, scaled_from=before if before != after else None)


def _covers_metadata(desired: Body, live: ObjectMeta) -> bool:
    return bool(
        desired["labels"].items() <= live.labels.items() and desired["annotations"].items() <= live.annotations.items()
    )


def _same_quantity(one: object, other: object) -> bool:
    if not isinstance(one, str | int) or not isinstance(other, str | int):
        return False
    try:
        return quantity.stored(one) == quantity.stored(other)
    except ValueError:
        return False


def conflict(kind: ChildKind, live: ObjectMeta, owner: ObjectMeta) -> Conflict:
    """What stands in the way: the object `live`, which is not controlled by `owner`."""
    other = live.controller
    if other is None:
        return Conflict(kind.kind, live.name, "no Nginx")
    ours = (other.api_version.partition("/")[0], other.kind) == (names.GROUP, names.KIND)
    leftover = ours and other.name == owner.name
    return Conflict(kind.kind, live.name, f"{other.kind} {other.name}", leftover=leftover)
