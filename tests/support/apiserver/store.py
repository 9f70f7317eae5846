"""The objects of an API server by their paths, their history, and what each verb does to them. No HTTP."""

import random
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nginx_operator.kube import resources
from tests.support.apiserver import fields, objects
from tests.support.apiserver import server_side_apply as ssa
from tests.support.apiserver.request_info import RequestInfo
from tests.support.apiserver.server_side_apply import Manager, Managers
from tests.support.apiserver.status_errors import (
    Object,
    StatusError,
    already_exists,
    bad_request,
    conflict,
    invalid,
    not_found,
    wrong_uid,
)

#: What a write cannot change in metadata.
_FIXED = ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion")


@dataclass(frozen=True, slots=True)
class Event:
    """A change: the object after it (after a deletion, as it was last), and before it."""

    version: int
    type: str
    path: str
    object: Object
    before: Object | None


class Store:
    """Objects by path.

    Attributes:
        stored_as: the API version that each object is stored in. A write that changes nothing still stores an object
            whose definition has another storage version by now.
        admit: mutates or refuses (StatusError) an object before it is stored, as admission plugins do.
        version: the last resourceVersion; no object has version 1.
        oldest: the version up to which the history is compacted.
        listeners: called with each event.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.stored_as: dict[str, str] = {}
        self.history: list[Event] = []
        self.listeners: list[Callable[[Event], None]] = []
        self.admit: Callable[[RequestInfo, Object], Object] = lambda _, body: body
        self.version = self.oldest = 100

    def get(self, info: RequestInfo) -> Object:
        if info.path() not in self.objects:
            raise not_found(info)
        return self.objects[info.path()]

    def create(self, info: RequestInfo, body: Object, manager: str, *, dry_run: bool = False) -> Object:
        metadata = body.get("metadata", {})
        name = metadata.get("name") or ""
        if not name and (base := metadata.get("generateName")):
            name = base + "".join(random.choices(string.ascii_lowercase + string.digits, k=5))
        if not name:
            raise invalid(
                info, objects.kind(info, body), "metadata.name", "Required value: name or generateName is required"
            )
        path = info.path(name)
        if path in self.objects:
            raise already_exists(info, name)
        if metadata.get("resourceVersion"):
            raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
        new = self._scoped(info, objects.blank(info, name), body)
        managers = ssa.update(objects.blank(info, name), new, {}, Manager(manager, "Update", info.api_version))
        return self._store(info, path, None, new, managers, dry_run=dry_run)

    def update(self, info: RequestInfo, body: Object, manager: str, *, dry_run: bool = False) -> Object:
        live = self.get(info)
        if (uid := body["metadata"].get("uid") or live["metadata"]["uid"]) != live["metadata"]["uid"]:
            raise wrong_uid(info, uid, live["metadata"]["uid"])
        if not info.unconditional and not body["metadata"].get("resourceVersion"):
            why = "Invalid value: 0: must be specified for an update"
            raise invalid(info, info.plural, "metadata.resourceVersion", why)
        return self._write(info, live, body, manager, dry_run=dry_run)

    def patch(
        self, info: RequestInfo, change: Callable[[Object], Object], manager: str, *, dry_run: bool = False
    ) -> Object:
        live = self.get(info)
        return self._write(info, live, change(live), manager, dry_run=dry_run)

    def apply(
        self, info: RequestInfo, config: Object, manager: str, *, force: bool = False, dry_run: bool = False
    ) -> Object:
        if not config.get("apiVersion") or not config.get("kind"):
            raise bad_request(f"invalid object type: {config.get('apiVersion', '')}, Kind={config.get('kind', '')}")
        metadata = config.get("metadata", {})
        if metadata.get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        live = self.objects.get(info.path())
        if live is None and info.subresource:
            raise not_found(info)
        if live is not None:
            _check_preconditions(info, live, metadata)
        elif uid := metadata.get("uid"):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(info, why)
        base = _unmanaged(live or objects.blank(info, info.name))
        config = {**config, "metadata": {k: v for k, v in config.get("metadata", {}).items() if k not in _FIXED}}
        if info.subresource:
            config = {key: config[key] for key in ("apiVersion", "kind", info.subresource) if key in config}
        elif info.has_status:
            config.pop("status", None)
        me = Manager(manager, "Apply", info.api_version, info.subresource)
        managers = _managers(live)
        if live and not managers:
            first = Manager("before-first-apply", "Update", info.api_version)
            managers = ssa.update(objects.blank(info, info.name), base, {}, first)
        wanted = fields.applied(config)
        new, managers = ssa.apply(base, objects.typed(info, config), wanted, managers, me, force=force)
        return self._store(info, info.path(), live, new, managers, dry_run=dry_run)

    def delete(self, info: RequestInfo, preconditions: Mapping[str, str]) -> Object:
        live = self.get(info)
        for name, key, since in (
            ("UID", "uid", "deleted and then recreated"),
            ("ResourceVersion", "resourceVersion", "modified"),
        ):
            known = live["metadata"][key]
            if (asked := preconditions.get(key, known)) != known:
                why = f"the {name} in the precondition ({asked}) does not match the {name} in record ({known}). "
                kind = f"{live['kind']}.{info.group}" if info.group else live["kind"]
                raise conflict(info, f"{why}The object might have been {since}", kind)
        self.remove(info.path())
        details = {"name": info.name, "group": info.group, "kind": info.plural, "uid": live["metadata"]["uid"]}
        details = {key: value for key, value in details.items() if value}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def put(self, path: str, body: Object, manager: str = "test") -> Object:
        """Stores an object, status included, without preconditions. `manager` owns what it changes."""
        info, live = RequestInfo.of(path), self.objects.get(path)
        new = {"apiVersion": info.api_version, "kind": objects.kind(info, body)} | objects.typed(info, body)
        blank = objects.blank(info, info.name)
        metadata = {key: value for key, value in new.get("metadata", {}).items() if key != "resourceVersion"}
        new["metadata"] = metadata | blank["metadata"]
        base = live or blank
        me = Manager(manager, "Update", info.api_version)
        managers = ssa.update(_unmanaged(base), _unmanaged(new), _managers(live), me)
        return self._store(info, path, live, new, managers, admitted=True)

    def touch(self, path: str) -> None:
        """Changes an annotation, so that the object has a new version."""
        live = self.objects[path]
        annotations = live["metadata"].get("annotations", {}) | {"touched": str(self.version)}
        self.put(path, {**live, "metadata": {**live["metadata"], "annotations": annotations}}, "toucher")

    def remove(self, path: str) -> None:
        """Deletes the object at a path."""
        live = self.objects.pop(path)
        self.version += 1
        gone = {**live, "metadata": {**live["metadata"], "resourceVersion": str(self.version)}}
        self._record("DELETED", path, gone, live)

    def compact(self) -> None:
        """Drops the history."""
        self.oldest = self.version
        self.history.clear()

    def _write(self, info: RequestInfo, live: Object, wanted: Object, manager: str, *, dry_run: bool) -> Object:
        """Stores the result of an update or of any patch but apply."""
        _check_preconditions(info, live, wanted.get("metadata", {}))
        named = None if info.subresource else wanted.get("metadata", {}).get("managedFields")
        new = self._scoped(info, live, wanted)
        me = Manager(manager, "Update", info.api_version, info.subresource)
        managers = ssa.update(_unmanaged(live), _unmanaged(new), ssa.decode(named) if named else _managers(live), me)
        return self._store(info, info.path(), live, new, managers, dry_run=dry_run)

    def _scoped(self, info: RequestInfo, live: Object, wanted: Object) -> Object:
        """`live` with what a write to this object, or to this subresource, may change."""
        wanted = objects.typed(info, wanted)
        if info.subresource:
            rest = {key: value for key, value in live.items() if key != info.subresource}
            return rest | {key: wanted[key] for key in (info.subresource,) if key in wanted}
        fixed = {key: live["metadata"][key] for key in _FIXED if key in live["metadata"]}
        metadata = {key: value for key, value in wanted.get("metadata", {}).items() if key not in _FIXED}
        new = {**wanted, "metadata": metadata | fixed}
        if info.has_status:
            new.pop("status", None)
            new |= {key: live[key] for key in ("status",) if key in live}
        return new

    def _store(
        self,
        info: RequestInfo,
        path: str,
        live: Object | None,
        new: Object,
        managers: Managers,
        *,
        dry_run: bool = False,
        admitted: bool = False,
    ) -> Object:
        if not admitted:
            new = self.admit(info, new)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        made: Object = live["metadata"] if live else {"uid": str(uuid.uuid4()), "creationTimestamp": now}
        kept = {key: made[key] for key in ("uid", "creationTimestamp", "resourceVersion") if key in made}
        metadata = kept | _unmanaged(new)["metadata"] | ({"managedFields": ssa.encode(managers)} if managers else {})
        if info.has_generation:
            known, asked = made.get("generation"), metadata.get("generation")
            grown = live is not None and _desired(live) != _desired(new)
            metadata["generation"] = asked if asked not in (None, known) else (known or 1) + grown
        new = {**new, "metadata": metadata}
        storage = self._storage_version(info)
        if dry_run or (new == live and self.stored_as[path] == storage):
            return new
        self.version += 1
        self.stored_as[path] = storage
        new = {**new, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        self.objects[path] = new
        self._record("MODIFIED" if live else "ADDED", path, new, live)
        return new

    def _storage_version(self, info: RequestInfo) -> str:
        definition = self.objects.get(resources.DEFINITIONS.path(None, info.qualified))
        versions = definition["spec"]["versions"] if definition else ()
        return next((one["name"] for one in versions if one["storage"]), info.api_version.rpartition("/")[2])

    def _record(self, kind: str, path: str, found: Object, before: Object | None) -> None:
        event = Event(self.version, kind, path, found, before)
        self.history.append(event)
        for listener in tuple(self.listeners):
            listener(event)


def _check_preconditions(info: RequestInfo, live: Object, wanted: Object) -> None:
    metadata = live["metadata"]
    if (wanted.get("resourceVersion") or metadata["resourceVersion"]) != metadata["resourceVersion"]:
        raise conflict(info)
    if (uid := wanted.get("uid") or metadata["uid"]) != metadata["uid"]:
        raise invalid(info, live["kind"], "metadata.uid", f'Invalid value: "{uid}": field is immutable')


def _managers(live: Object | None) -> Managers:
    return ssa.decode(live["metadata"].get("managedFields", ())) if live else {}


def _unmanaged(found: Object) -> Object:
    """Without managedFields, which own themselves."""
    return {**found, "metadata": {key: value for key, value in found["metadata"].items() if key != "managedFields"}}


def _desired(found: Object) -> Object:
    """The desired state, whose changes metadata.generation counts."""
    return {key: value for key, value in found.items() if key not in ("metadata", "status")}
