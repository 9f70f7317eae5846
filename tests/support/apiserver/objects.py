"""How Go's types write an object: kinds, structs that are always present, fields that are omitted when empty."""

from typing import Any

from nginx_operator.kube import resources
from tests.support.apiserver.request_info import RequestInfo
from tests.support.apiserver.status_errors import Object

_KINDS = {found.plural: found.kind for found in vars(resources).values() if isinstance(found, resources.Resource)}
_POD: Object = {"containers": []}
#: What a Go struct without values is as JSON: nobody owns these for having created the object.
_STRUCTS: dict[str, Object] = {
    "deployments": {"spec": {"strategy": {}, "template": {"metadata": {}, "spec": _POD}}, "status": {}},
    "events": {"involvedObject": {}, "source": {}, "reportingComponent": "", "reportingInstance": ""},
    "leases": {"spec": {}},
    "pods": {"spec": _POD, "status": {}},
    "podtemplates": {"template": {"metadata": {}, "spec": _POD}},
    "services": {"spec": {}, "status": {"loadBalancer": {}}},
}
#: Maps that are left out when they are empty; of a struct, such as emptyDir, {} has a meaning.
_LEFT_OUT = ("annotations", "data", "labels", "nodeSelector", "stringData")


def blank(info: RequestInfo, name: str) -> Object:
    """An object with nothing in it."""
    namespace = {"namespace": info.namespace} if info.namespace else {}
    return {**_STRUCTS.get(info.plural, {}), "metadata": {"name": name, **namespace}}


def typed(info: RequestInfo, found: Object) -> Object:
    """An object without nulls and without those of its maps and lists that Go leaves out when they are empty."""
    found = {key: _present(value, lists=not info.custom or key == "metadata") for key, value in found.items()}
    return {key: value for key, value in found.items() if not _left_out(key, value, lists=not info.custom)}


def _present(value: Any, *, lists: bool) -> Any:
    if isinstance(value, dict):
        parts = {key: _present(part, lists=lists) for key, part in value.items()}
        return {key: part for key, part in parts.items() if not _left_out(key, part, lists=lists)}
    return [_present(part, lists=lists) for part in value] if isinstance(value, list) else value


def _left_out(key: str, value: Any, *, lists: bool) -> bool:
    return value is None or (lists and (value == [] or (value == {} and key in _LEFT_OUT)))


def kind(info: RequestInfo, *found: Object) -> str:
    """The kind of an object or of a collection's."""
    return next((one["kind"] for one in found if "kind" in one), _KINDS.get(info.plural, ""))
