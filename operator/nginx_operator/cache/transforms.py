"""What the caches keep of each kind of object: pure. The rest would be most of the operator's memory."""

import sys
from typing import Final

from msgspec.structs import replace

from nginx_operator.api import names
from nginx_operator.api.types import (
    Child,
    Condition,
    ContainerStatus,
    Namespace,
    Nginx,
    ObjectMeta,
    OwnerReference,
    Pod,
    PodSpec,
    PodStatus,
)

_CHILD_CONDITIONS: Final = frozenset({"ReplicaFailure", "Progressing"})
_POD_LABELS: Final = (names.LABEL_INSTANCE, names.LABEL_POD_HASH, names.LABEL_CONFIG)
#: Of a pod, Ready is kept always, and these only while they are not True.
_POD_STEPS: Final = frozenset({"PodScheduled", "Initialized"})


def nginx(found: Nginx) -> Nginx:
    """Without its labels and annotations: the operator reads none of them."""
    return replace(found, metadata=replace(found.metadata, labels={}, annotations={}))


def child(found: Child) -> Child:
    """With the conditions that are read, and without the message that it came in: a msgspec.Raw is a view of it."""
    conditions = tuple(each for each in found.status.conditions if each.type in _CHILD_CONDITIONS)
    return replace(found, spec=found.spec.copy(), status=replace(found.status, conditions=conditions))


def config_map(found: Child) -> Child:
    """Its metadata: the answer to a write of ours has the texts, too."""
    return Child(found.metadata)


def pod(found: Pod) -> Pod:
    """What a status is computed from. Strings that many pods share are held once.

    A cluster has several pods for each Nginx, so they are most of what the caches hold.
    """
    meta, status, once = found.metadata, found.status, sys.intern
    return Pod(
        metadata=ObjectMeta(
            name=meta.name,
            uid=meta.uid,
            namespace=once(meta.namespace),
            resource_version=meta.resource_version,
            deletion_timestamp=meta.deletion_timestamp,
            labels={label: once(meta.labels[label]) for label in _POD_LABELS if label in meta.labels},
            owner_references=tuple(
                OwnerReference(once(owner.kind), once(owner.name), once(owner.uid), once(owner.api_version), True)
                for owner in meta.owner_references
                if owner.controller
            ),
        ),
        spec=PodSpec(
            tuple(
                replace(container, name=names.CONTAINER, image=once(container.image))
                for container in found.spec.containers
                if container.name == names.CONTAINER
            )
        ),
        status=PodStatus(
            phase=once(status.phase),
            conditions=tuple(
                Condition(once(each.type), once(each.status), once(each.reason), each.message)
                for each in status.conditions
                if each.type == "Ready" or (each.type in _POD_STEPS and each.status != "True")
            ),
            init_container_statuses=tuple(filter(_tells, status.init_container_statuses)),
            container_statuses=tuple(filter(_tells, status.container_statuses)),
        ),
    )


def _tells(status: ContainerStatus) -> bool:
    """Whether a status depends on the container: it waits, was restarted, or ended with an error."""
    ended = status.state.terminated
    failed = ended is not None and ended.exit_code != 0
    return failed or status.state.waiting is not None or status.last_state.terminated is not None


def namespace(found: Namespace) -> Namespace:
    """Its labels, by which classes of a policy select namespaces."""
    meta = found.metadata
    return Namespace(ObjectMeta(meta.name, uid=meta.uid, resource_version=meta.resource_version, labels=meta.labels))
