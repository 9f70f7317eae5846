"""OpenShift's restricted-v2, imitated by admission policies.

Its rules on what a pod may have, and what it gives a pod that says nothing: the ids of the namespace's range. Source:
the manifest of the SCC in openshift/cluster-kube-apiserver-operator. It has no rule on runAsGroup.
"""

import json
from typing import Any

from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace

NAME = "restricted-v2"
#: The first id of the range, and how many there are: the annotation openshift.io/sa.scc.uid-range of a namespace.
FIRST, SIZE = 1_000_650_000, 10_000
_LABEL = "example.com/scc"
_IN_RANGE = f"{{}} >= {FIRST} && {{}} < {FIRST + SIZE}"
_SELECTED = {
    "matchConstraints": {
        "namespaceSelector": {"matchLabels": {_LABEL: NAME}},
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
        ],
    },
    "failurePolicy": "Fail",
}
_POD = "object.spec.?securityContext"
_RULES = {
    "must be in the ranges: [1000650000, 1000659999]": (
        f"[{_POD}.?runAsUser].all(id, !id.hasValue() || {_IN_RANGE.format('id.value()', 'id.value()')})"
        " && object.spec.containers.all(c, !c.?securityContext.?runAsUser.hasValue())"
    ),
    "fsGroup: Invalid value: is not an allowed group": (
        f"[{_POD}.?fsGroup].all(id, !id.hasValue() || {_IN_RANGE.format('id.value()', 'id.value()')})"
    ),
    "capabilities: must drop ALL": (
        "object.spec.containers.all(c, 'ALL' in c.?securityContext.?capabilities.?drop.orValue([])"
        " && c.?securityContext.?capabilities.?add.orValue([]).all(name, name == 'NET_BIND_SERVICE'))"
    ),
    "allowPrivilegeEscalation: must be false": (
        "object.spec.containers.all(c, c.?securityContext.?allowPrivilegeEscalation.orValue(true) == false"
        " && c.?securityContext.?privileged.orValue(false) == false)"
    ),
    "seccomp: must be runtime/default": f"{_POD}.?seccompProfile.?type.orValue('') == 'RuntimeDefault'",
    "host access is not allowed": (
        "[object.spec.?hostNetwork, object.spec.?hostPID, object.spec.?hostIPC].all(h, !h.orValue(false))"
        " && object.spec.containers.all(c, c.?ports.orValue([]).all(p, !has(p.hostPort)))"
        " && object.spec.?volumes.orValue([]).all(v, !has(v.hostPath))"
    ),
}


def enforce(bed: Bed) -> None:
    """Makes the policy, which is about namespaces that `select` has labelled."""
    rules = [{"expression": rule, "message": message} for message, rule in _RULES.items()]
    _apply(bed, _policy("Validating", {**_SELECTED, "validations": rules}))
    _apply(bed, _policy("ValidatingBinding", {"policyName": NAME, "validationActions": ["Deny"]}))


def assign(bed: Bed) -> None:
    """Gives pods of these namespaces an id of the range and its group, as the SCC does to pods that have none."""
    ids = f"runAsUser: {FIRST}, fsGroup: {FIRST}"
    expression = f"Object{{spec: Object.spec{{securityContext: Object.spec.securityContext{{{ids}}}}}}}"
    mutations = [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}]
    given = f"{_POD}.?runAsUser.hasValue() || {_POD}.?fsGroup.hasValue()"
    condition = [{"name": "says-nothing", "expression": f"!({given})"}]
    more = {"reinvocationPolicy": "Never", "mutations": mutations, "matchConditions": condition}
    _apply(bed, _policy("Mutating", {**_SELECTED, **more}))
    _apply(bed, _policy("MutatingBinding", {"policyName": NAME}))


def select(namespace: Namespace) -> None:
    """Puts a namespace under the policy, and waits until it is in force there."""
    namespace.bed.kubectl("label", "namespace", namespace.name, f"{_LABEL}={NAME}")
    confined = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}  # PodSecurity is asked first
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe"},
        "spec": {
            "containers": [{"name": "probe", "image": "a:1", "securityContext": confined}],
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 101},
        },
    }

    def refused() -> bool:
        done = namespace.kubectl("create", "--dry-run=server", "-f", "-", input=json.dumps(pod), check=False)
        return "is not an allowed group" in done.stderr

    until(refused, seconds=PATIENCE, what=f"{NAME} in force")


def remove(bed: Bed) -> None:
    """Removes all of it."""
    for kind in ("Validating", "Mutating"):
        for part in ("Policy", "PolicyBinding"):
            bed.kubectl("delete", f"{kind.lower()}admission{part.lower()}", NAME, "--ignore-not-found", check=False)


def _policy(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    kind = f"{kind.removesuffix('Binding')}AdmissionPolicy{'Binding' if kind.endswith('Binding') else ''}"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": NAME},
        "spec": spec,
    }


def _apply(bed: Bed, body: dict[str, Any]) -> None:
    bed.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(body))
