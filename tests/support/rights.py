"""The rights of a ServiceAccount: those its roles grant, and those it used, by the API server's audit log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from testbed import Bed

#: (namespace or "" for the whole cluster, "group/resource[/subresource]", verb)
Right = tuple[str, str, str]

#: Rights of the operator that none of its requests names. The API server checks them for a patch that creates an
#: object, and OpenShift's for one that writes an ownerReference (also to an object that exists: delete).
IMPLIED = {
    ("apps/deployments", "create"),
    ("apps/deployments", "delete"),
    ("/services", "create"),
    ("/configmaps", "create"),
    ("proxy.example.com/nginxes/finalizers", "update"),
}
#: Rights that it uses only where an API version comes or goes (tests/faults/test_ladder.py). The second one is granted
#: only there.
MIGRATION = {
    ("apiextensions.k8s.io/customresourcedefinitions/status", "patch"),
    ("proxy.example.com/nginxes", "patch"),
}


@dataclass
class Used:
    """What an account has done.

    Attributes:
        allowed: the rights that it used.
        forbidden: what it was refused, as audit entries.
    """

    allowed: set[Right] = field(default_factory=set)
    forbidden: list[dict[str, Any]] = field(default_factory=list)


def used(bed: Bed, namespace: str, account: str) -> Used:
    """All that a ServiceAccount did since it was created. Discovery, which everybody may do, is left out."""
    existing = bed.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}")
    assert existing is not None, f"no ServiceAccount {namespace}/{account}"
    uid = existing["metadata"]["uid"]
    found = Used()
    with bed.audit_log.open() as lines:
        for line in lines:
            if uid not in line:
                continue
            entry = json.loads(line)
            target = entry.get("objectRef", {})
            if entry["user"].get("uid") != uid or "resource" not in target:
                continue
            resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
            if entry.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid":
                found.forbidden.append(entry)
            else:
                what = f"{target.get('apiGroup', '')}/{resource}"
                found.allowed.add((target.get("namespace", ""), what, entry["verb"]))
    return found


def granted(bed: Bed, namespace: str, account: str) -> set[Right]:
    """The rules of all roles that are bound to a ServiceAccount by name."""
    group = "/apis/rbac.authorization.k8s.io/v1"
    found: set[Right] = set()
    for kind in ("rolebindings", "clusterrolebindings"):
        for binding in _items(bed, f"{group}/{kind}"):
            subjects = binding.get("subjects", [])
            if not any((s.get("namespace"), s["name"]) == (namespace, account) for s in subjects):
                continue
            where = binding["metadata"].get("namespace", "")
            role = binding["roleRef"]["name"]
            path = f"{group}/clusterroles/{role}"
            if binding["roleRef"]["kind"] == "Role":
                path = f"{group}/namespaces/{where}/roles/{role}"
            answer = bed.get(path)
            assert answer is not None, path
            found |= set(_rights(where, answer["rules"]))
    return found


def _rights(namespace: str, rules: list[dict[str, Any]]) -> Iterator[Right]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield namespace, f"{group}/{resource}", verb


def _items(bed: Bed, path: str) -> list[dict[str, Any]]:
    answer = bed.get(path)
    assert answer is not None, path
    items: list[dict[str, Any]] = answer["items"]
    return items
