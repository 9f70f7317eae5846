"""How a child differs from what the spec asks for, in words: which field, who changed it, what to do. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from nginx_operator.decide.compare import HASH, IMAGE, REPLICAS, Difference, shown
from nginx_operator.decide.plan import Action, Apply, Delete

#: How many fields a sentence names; the others are counted.
_NAMED: Final = 3
_CONTAINER: Final = IMAGE.rpartition(".")[0]
#: By the path of a field, or of what it is in, what to do instead of changing it in the child. First match wins.
_REMEDIES: Final = (
    ("Deployment", REPLICAS, "scale the Nginx, or point the autoscaler at it"),
    ("Deployment", IMAGE, "set spec.image of the Nginx"),
    ("Deployment", f"{_CONTAINER}.imagePullPolicy", "set spec.imagePullPolicy of the Nginx"),
    ("Deployment", f"{_CONTAINER}.resources", "set spec.resources of the Nginx"),
    ("Deployment", f"{_CONTAINER}.ports", "set spec.containerPort of the Nginx"),
    ("Deployment", f"{_CONTAINER}.readinessProbe", "set spec.probes.readiness of the Nginx"),
    ("Deployment", f"{_CONTAINER}.command", "set spec.config of the Nginx"),
    ("Deployment", f"{_CONTAINER}.volumeMounts", "set spec.config of the Nginx"),
    ("Deployment", "spec.template.spec.initContainers[config-test]", "set spec.config of the Nginx"),
    ("Deployment", "spec.template.spec.volumes[config]", "set spec.config of the Nginx"),
    ("Deployment", "spec.template.spec.imagePullSecrets", "set spec.imagePullSecrets of the Nginx"),
    ("Service", "spec.selector", ""),
    ("Service", "spec", "set spec.service of the Nginx"),
)
_NO_REMEDY: Final = "the operator sets this field, and the Nginx has none for it"


def repaired(kind: str, name: str, drift: Sequence[Difference], changed_by: Mapping[str, str]) -> str:
    """What is put back in a child, such as
    "Deployment web: spec.replicas 7 -> 5, changed by kubectl (scale): scale the Nginx, or point the autoscaler at it".

    Args:
        kind: of the child.
        name: of the child.
        drift: the fields that are not as desired.
        changed_by: the field manager by path, where it is known.
    """
    fields = [each for each in drift if each.path != HASH] or list(drift)
    # Who has no name beside one that has is the API server, by its defaults.
    who = " and ".join(dict.fromkeys(filter(None, (changed_by.get(each.path) for each in fields)))) or "somebody"
    remedies = "; ".join(dict.fromkeys(_remedy(kind, each.path) for each in fields))
    return f"{kind} {name}: {_changes(fields)}, changed by {who}: {remedies}"


def waiting(action: Action) -> str:
    """What an action changes that is not carried out, such as "Deployment web: spec.replicas 1 -> 3"."""
    what = f"{action.kind.kind} {action.name}"
    match action:
        case Apply(creates=True):
            return f"{what} is to be created"
        case Apply(drift=drift):
            fields = [each for each in drift if each.path != HASH]
            return f"{what}: {_changes(fields)}" if fields else f"{what}: fields removed from the spec"
        case Delete():
            return f"{what} is to be deleted"
        case _:
            return what


def _changes(fields: Sequence[Difference]) -> str:
    """Each field with its value and the one that it is to have."""
    named = ", ".join(f"{each.path} {_value(each.live)} -> {_value(each.desired)}" for each in fields[:_NAMED])
    return named + (f" and {len(fields) - _NAMED} more" if len(fields) > _NAMED else "")


def _value(value: object) -> str:
    return "none" if value is None else shown(value)


def _remedy(kind: str, path: str) -> str:
    for of_kind, above, remedy in _REMEDIES:
        if kind == of_kind and (path == above or path.startswith((f"{above}.", f"{above}["))):
            return remedy or _NO_REMEDY
    return _NO_REMEDY
