"""What to do about the children: pure, from what is desired and what was observed.

    plan(owner, spec, observed) -> Plan(actions, conflicts)

A child that is as desired needs no action, so a settled Nginx costs no write.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec.structs import replace

from nginx_operator.api import names
from nginx_operator.api.types import Child, NginxSpec, ObjectMeta
from nginx_operator.children import CHILDREN, CONFIG_MAP, Body, ChildKind
from nginx_operator.children.config_map import config_map_name
from nginx_operator.children.service import as_cluster_ip
from nginx_operator.decide.carry_over import carry_over
from nginx_operator.decide.compare import (
    HASH,
    REPLICAS,
    Difference,
    differences,
    is_owned,
    same_hash,
    with_hash,
    with_second_family,
)
from nginx_operator.decide.configuration_in_force import choose_configuration

#: By plural, the fields of a child that the cluster stored otherwise than they were sent: its admission rewrites them.
Rewrites = Mapping[str, Collection[Difference]]
_NONE: Final[Rewrites] = {}
_NO_CONFIG_MAPS: Final[Mapping[str, Child]] = {}


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply `body`.

    Attributes:
        creates: the child does not exist yet; then fields of other managers must not be forced.
        repairs: somebody changed the child; what we want did not change.
        drift: the fields of the child that are not as desired.
        changed_by: by path of such a field, the field manager that it was changed by, where that is known.
        scaled_from: the number of pods before, if that changes.
        resource_version: of the child as it is; an answer of the same version has changed nothing.
        via: a body to apply first where the API server refuses `body` for its load balancer class. A Service cannot
            change its class while it is of type LoadBalancer; as a ClusterIP in between it keeps its cluster IP.
    """

    kind: ChildKind
    name: str
    body: Body
    creates: bool = False
    repairs: bool = False
    drift: tuple[Difference, ...] = ()
    changed_by: Mapping[str, str] = field(default_factory=dict)
    scaled_from: int | None = None
    resource_version: str = ""
    via: Body | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete exactly this child in exactly this version."""

    kind: ChildKind
    name: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take over exactly this child in exactly this version, which nobody controls, and apply `body`.

    It is what we would write, by its labels and its hash: a backup was restored without ownerReferences, or somebody
    removed them.
    """

    kind: ChildKind
    name: str
    body: Body
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


Action = Apply | Delete | Adopt | UpdateOwnerReference


@dataclass(frozen=True, slots=True)
class NameConflict:
    """Something else stands under a child's name.

    Attributes:
        kind, name: of the child.
        owner: who controls what stands there, in words.
        leftover: it belongs to an earlier Nginx of the same name; the garbage collector is about to remove it.
        deleting: it is being deleted, whoever controls it; the name will be free.
        finalizers: what holds it then.
        orphaned: it bears the labels of a child of this Nginx, and nobody controls it; it was made for another spec.
    """

    kind: str
    name: str
    owner: str
    leftover: bool = False
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    orphaned: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in the order of execution, and what stands in the way of others."""

    actions: tuple[Action, ...] = ()
    name_conflicts: tuple[NameConflict, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the children are as they should be."""
        return not (self.actions or self.name_conflicts)


def plan(
    owner: ObjectMeta,
    spec: NginxSpec,
    observed: Mapping[str, Child],
    applied: Collection[str] = frozenset(),
    rewrites: Rewrites = _NONE,
    config_maps: Mapping[str, Child] = _NO_CONFIG_MAPS,
) -> Plan:
    """What makes the children what an Nginx asks for.

    Args:
        owner: metadata of the Nginx.
        spec: its defaulted and valid spec.
        observed: the children under the Nginx's name, by plural ("deployments", "services").
        applied: plurals of the children that this very spec was applied to before. Another number of pods is drift
            there; elsewhere the Nginx is being scaled.
        rewrites: what the cluster stored otherwise than it was sent. That is how the cluster wants it, and no drift.
        config_maps: the ConfigMaps that hold its configurations, by name.
    """
    if spec.paused:
        return plan_paused(owner, observed, config_maps)
    deployment = observed.get("deployments")
    configuration = choose_configuration(
        owner,
        spec,
        deployment if deployment is not None and is_owned(deployment.metadata, owner) else None,
        config_maps,
        rewrites.get("deployments", ()),
    )
    name = config_map_name(owner, configuration)
    built = CONFIG_MAP.build(owner, spec, configuration)
    files = None if built is None else _for_child(CONFIG_MAP, built, config_maps.get(name), owner)
    if isinstance(files, NameConflict):
        return _plan([files])  # pods must not get what somebody else wrote
    others = (each for each in config_maps.values() if files is None or each.metadata.name != name)
    return _plan(
        [
            files,
            *(
                _for_child(
                    *(kind, kind.build(owner, spec, configuration), observed.get(kind.plural), owner),
                    applied=kind.plural in applied,
                    rewrites=rewrites.get(kind.plural, ()),
                )
                for kind in CHILDREN
            ),
            *(update_owner_reference(CONFIG_MAP, each, owner) for each in others),
        ]
    )


def plan_paused(
    owner: ObjectMeta, observed: Mapping[str, Child], config_maps: Mapping[str, Child] = _NO_CONFIG_MAPS
) -> Plan:
    """What an Nginx needs that is paused or invalid: its children stay as they are, and stay its own."""
    return _plan(
        [
            *(update_owner_reference(kind, observed.get(kind.plural), owner) for kind in CHILDREN),
            *(update_owner_reference(CONFIG_MAP, each, owner) for each in config_maps.values()),
        ]
    )


def held_changes(
    owner: ObjectMeta,
    spec: NginxSpec | None,
    observed: Mapping[str, Child],
    rewrites: Rewrites = _NONE,
    config_maps: Mapping[str, Child] = _NO_CONFIG_MAPS,
) -> tuple[Action, ...]:
    """What would be done to the children of a paused Nginx if it were not paused."""
    if spec is None or not spec.paused:
        return ()
    held = plan(owner, replace(spec, paused=False), observed, rewrites=rewrites, config_maps=config_maps).actions
    return tuple(action for action in held if action.kind is not CONFIG_MAP)  # the Deployment's change says it


def name_conflict(kind: ChildKind, live: ObjectMeta, owner: ObjectMeta) -> NameConflict:
    """What stands in the way: the object `live`, which is being deleted, or is not controlled by `owner`."""
    if live.deletion_timestamp is not None:
        whose = "this Nginx" if is_owned(live, owner) else "somebody else"
        return NameConflict(kind.kind, live.name, whose, deleting=True, finalizers=live.finalizers)
    other = live.controller
    if other is None:
        orphaned = names.labels(owner.name).items() <= live.labels.items()
        return NameConflict(kind.kind, live.name, "no Nginx", orphaned=orphaned)
    ours = (other.api_version.partition("/")[0], other.kind) == (names.GROUP, names.KIND)
    leftover = ours and other.name == owner.name
    return NameConflict(kind.kind, live.name, f"{other.kind} {other.name}", leftover=leftover)


def update_of(creation: Apply, live: Child) -> Apply:
    """What a creation is that finds its child there, and ours."""
    drift = tuple(differences(creation.body, live))
    repairs = HASH not in {each.path for each in drift}
    return dataclasses.replace(
        creation, creates=False, repairs=repairs, drift=drift, resource_version=live.metadata.resource_version
    )


def update_owner_reference(kind: ChildKind, live: Child | None, owner: ObjectMeta) -> UpdateOwnerReference | None:
    """What a child of this Nginx needs that names it in another version of the API; None if it does not."""
    if live is None or not is_owned(live.metadata, owner):
        return None
    controller = live.metadata.controller
    if controller is None or controller.api_version == names.API_VERSION:
        return None
    return UpdateOwnerReference(kind, live.metadata.name, live.metadata.resource_version)


def _plan(steps: Iterable[Action | NameConflict | None]) -> Plan:
    found = [step for step in steps if step is not None]
    return Plan(
        tuple(step for step in found if not isinstance(step, NameConflict)),
        tuple(step for step in found if isinstance(step, NameConflict)),
    )


def _for_child(
    kind: ChildKind,
    desired: Body | None,
    live: Child | None,
    owner: ObjectMeta,
    *,
    applied: bool = False,
    rewrites: Collection[Difference] = (),
) -> Action | NameConflict | None:
    """What one child needs: an action, that somebody makes room for it, or nothing."""
    if live is None:
        return None if desired is None else Apply(kind, desired["metadata"]["name"], with_hash(desired), creates=True)
    meta = live.metadata
    if meta.deletion_timestamp is not None or not is_owned(meta, owner):
        if desired is None:
            return None
        return _adopt(kind, with_hash(desired), live) or name_conflict(kind, meta, owner)
    if desired is None:
        return Delete(kind, meta.name, meta.uid, meta.resource_version)
    return _update(kind, with_hash(desired), live, applied, rewrites) or update_owner_reference(kind, live, owner)


def _adopt(kind: ChildKind, desired: Body, live: Child) -> Adopt | None:
    """The adoption of a child that nobody controls and that we would write just so; None for any other."""
    meta = live.metadata
    if meta.controller is not None or meta.deletion_timestamp is not None or not same_hash(desired, meta):
        return None
    if not desired["metadata"]["labels"].items() <= meta.labels.items():
        return None
    return Adopt(kind, meta.name, _of_child(desired, live), meta.resource_version)


def _update(
    kind: ChildKind, desired: Body, live: Child, applied: bool, rewrites: Collection[Difference]
) -> Apply | None:
    if "ipFamilies" in desired.get("spec", {}):
        desired = {**desired, "spec": with_second_family(desired["spec"], msgspec.json.decode(live.spec))}
    drift = {found.path: found for found in differences(desired, live) if found not in rewrites}
    if not drift:
        return None
    live_spec = msgspec.json.decode(live.spec)
    body = _of_child(desired, live)
    return Apply(
        kind,
        live.metadata.name,
        body,
        repairs=HASH not in drift and (REPLICAS not in drift or applied),
        drift=tuple(drift.values()),
        scaled_from=drift[REPLICAS].live if REPLICAS in drift else None,
        resource_version=live.metadata.resource_version,
        via=with_hash(as_cluster_ip(body)) if _changes_class(desired.get("spec", {}), live_spec) else None,
    )


def _of_child(desired: Body, live: Child) -> Body:
    """What is applied to a child that is there.

    Its uid is a precondition: another's object that took the name meanwhile answers 409, and is not forced.
    """
    return carry_over({**desired, "metadata": {**desired["metadata"], "uid": live.metadata.uid}}, live)


def _changes_class(desired: Body, live: Body) -> bool:
    """Whether a load balancer may need another class. A class that somebody else set stays where we name none."""
    balanced = desired.get("type") == live.get("type") == "LoadBalancer"
    return balanced and desired.get("loadBalancerClass") != live.get("loadBalancerClass")
