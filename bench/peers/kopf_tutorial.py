"""kopf as its tutorial teaches it: handlers of creation and change, the synchronous client, kopf's own persistence."""

import asyncio
import datetime
from collections.abc import Mapping
from typing import Any

import kopf
import kubernetes
import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children import CHILDREN
from nginx_operator.children.configuration import FROM_IMAGE

MANAGER = "kopf-tutorial"


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """As many handlers at once as the others have workers."""
    settings.execution.max_workers = 32
    settings.posting.enabled = False
    kubernetes.config.load_kube_config()  # type: ignore[no-untyped-call]


@kopf.on.create(names.GROUP, names.VERSION, names.PLURAL)
@kopf.on.update(names.GROUP, names.VERSION, names.PLURAL, field="spec")
def apply(body: kopf.Body, **_: Any) -> None:
    """Applies the children."""
    owner = msgspec.convert(dict(body.metadata), ObjectMeta)
    spec = NginxSpec.from_dict(dict(body.spec))
    how: dict[str, Any] = {"field_manager": MANAGER, "force": True, "_content_type": "application/apply-patch+yaml"}
    for child in CHILDREN:
        wanted: Any = child.build(owner, spec, FROM_IMAGE)
        if child.plural == "deployments":
            kubernetes.client.AppsV1Api().patch_namespaced_deployment(owner.name, owner.namespace, wanted, **how)
        else:
            kubernetes.client.CoreV1Api().patch_namespaced_service(owner.name, owner.namespace, wanted, **how)


@kopf.on.event("", "v1", "pods", labels={names.LABEL_MANAGED_BY: "nginx-operator"})
def report(namespace: str | None, labels: Mapping[str, str], **_: Any) -> None:
    """Writes the status from a list of the pods."""
    assert namespace is not None
    name = labels[names.LABEL_INSTANCE]
    pods: list[Any] = (
        kubernetes.client.CoreV1Api().list_namespaced_pod(namespace, label_selector=names.selector(name)).items
    )
    ready: list[str] = [
        pod.metadata.name
        for pod in pods
        if any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())
    ]
    api = kubernetes.client.CustomObjectsApi()
    where = (names.GROUP, names.VERSION, namespace, names.PLURAL, name)
    nginx: Any = api.get_namespaced_custom_object(*where)
    served = len(ready) == nginx["spec"]["count"]
    status = {
        "nodes": sorted(pod.metadata.name for pod in pods),
        "count": len(pods),
        "readyCount": len(ready),
        "observedGeneration": nginx["metadata"]["generation"],
        "conditions": [
            {
                "type": "Ready",
                "status": "True" if served else "False",
                "reason": "Ready" if served else "Progressing",
                "message": f"{len(ready)} of {nginx['spec']['count']} pods are ready",
                "lastTransitionTime": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        ],
    }
    api.patch_namespaced_custom_object_status(*where, {"status": status})


if __name__ == "__main__":
    asyncio.run(kopf.operator(clusterwide=True, standalone=True))
