"""The chart's roles, right by right, and a way to take one away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from testbed import Bed
from testbed.waiting import PATIENCE, until

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
Rule = dict[str, list[str]]


@dataclass(frozen=True)
class Right:
    """One verb on one resource, as one role grants it.

    Attributes:
        path: of the role.
        resource: with its subresource.
        names: resourceNames; empty means any.
    """

    path: str
    group: str
    resource: str
    names: tuple[str, ...]
    verb: str

    def __str__(self) -> str:
        of = f" {', '.join(self.names)}" if self.names else ""
        role = self.path.removeprefix(f"{_RBAC}/")
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}{of} of {role}"

    @property
    def namespace(self) -> str:
        """The role's namespace; empty for a ClusterRole."""
        return self.path.split("/namespaces/")[1].split("/")[0] if "/namespaces/" in self.path else ""

    @property
    def rule(self) -> Rule:
        """The rule that grants this and nothing else."""
        rule = {"apiGroups": [self.group], "resources": [self.resource], "verbs": [self.verb]}
        return rule | ({"resourceNames": list(self.names)} if self.names else {})

    @property
    def refusal(self) -> str:
        """The API server's message to an account that lacks it."""
        if self.resource.endswith("/finalizers"):
            return "cannot set blockOwnerDeletion"
        if (self.resource, self.verb) == ("deployments", "delete"):
            return "cannot set an ownerRef on a resource you can't delete"
        return f'cannot {self.verb} resource "{self.resource}" in API group "{self.group}"'


def rights(bed: Bed, release: str) -> list[Right]:
    """All rights that the roles of a release grant."""
    found = []
    for kind in ("clusterroles", "roles"):
        answer = bed.get(f"{_RBAC}/{kind}?labelSelector=app.kubernetes.io/instance={release}")
        assert answer is not None
        for role in answer["items"]:
            where = role["metadata"].get("namespace")
            path = "/".join(filter(None, (_RBAC, where and f"namespaces/{where}", kind, role["metadata"]["name"])))
            found += [right for rule in role["rules"] for right in _single(path, rule)]
    return found


def _single(path: str, rule: Rule) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield Right(path, group, resource, tuple(rule.get("resourceNames", ())), verb)


@contextmanager
def without(bed: Bed, right: Right, user: str, namespace: str = "") -> Iterator[None]:
    """Removes a right from its role within the block, and waits until the API server denies it to the user."""
    role = bed.get(right.path)
    assert role is not None
    kept = [single.rule for rule in role["rules"] for single in _single(right.path, rule) if single != right]
    _put(bed, right, kept)
    try:
        until(lambda: not may(bed, user, right, namespace), seconds=PATIENCE, what=f"{user} without {right}")
        yield
    finally:
        _put(bed, right, role["rules"])
        until(lambda: may(bed, user, right, namespace), seconds=PATIENCE, what=f"{user} with {right}")


def may(bed: Bed, user: str, right: Right, namespace: str = "") -> bool:
    """Whether the API server authorises a user, in the role's namespace or in the given one."""
    resource, _, subresource = right.resource.partition("/")
    asked = {
        **{"group": right.group, "resource": resource, "subresource": subresource, "verb": right.verb},
        **{"namespace": namespace or right.namespace, "name": right.names[0] if right.names else ""},
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": asked},
    }
    status, answer = bed.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert status == 201, answer
    allowed: bool = answer["status"]["allowed"]
    return allowed


def _put(bed: Bed, right: Right, rules: list[Any]) -> None:
    """Replaces the rules by a merge patch, and nothing else."""
    body = json.dumps({"rules": rules}).encode()
    status, answer = bed.request("PATCH", right.path, body, {"Content-Type": "application/merge-patch+json"})
    assert status == 200, answer
