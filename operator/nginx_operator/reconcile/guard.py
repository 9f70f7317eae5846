"""The reconciler's own check of a stored spec, so that behaviour does not depend on the webhooks being up: pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from nginx_operator.api import defaults, names, validation
from nginx_operator.api.policy import Policy
from nginx_operator.api.types import Child, Nginx, NginxSpec
from nginx_operator.api.validation.field_errors import aggregate
from nginx_operator.decide.compare import IMAGE, is_owned
from nginx_operator.decide.observation import Guarded
from nginx_operator.decide.plan import Rewrites
from nginx_operator.decide.status import stored_condition
from nginx_operator.kube.resources import DEPLOYMENTS


class Checked(NamedTuple):
    """What the guard found, and what it looked at.

    Attributes:
        asked: uid and generation of the Nginx, which stand for its spec, and the policy.
        running: what its pods ran.
        guarded: the spec to act on.
    """

    asked: tuple[str, int, Policy]
    running: dict[str, Any] | None
    guarded: Guarded


def check(
    nginx: Nginx,
    observed: Mapping[str, Child],
    policy: Policy,
    last: Checked | None = None,
    rewrites: Rewrites | None = None,
) -> Checked:
    """Defaults a stored spec and checks it; returns `last` itself if it still holds.

    A count that a policy came to forbid stays in force, a new one that it forbids is not acted on. In force is what
    was found valid before, as the status and the last result tell, and what the pods run. An image that the cluster
    put in the place of ours stands for ours.
    """
    # The generation stands for the spec: the API server raises it with every change.
    asked = (nginx.metadata.uid, nginx.metadata.generation, policy)
    if last is not None and last.asked == asked and _holds_whatever_runs(last.guarded, nginx, policy):
        return last
    deployment = owned_deployment(nginx, observed)
    running = _running(deployment, rewrites or {}) if deployment is not None else None
    if last is not None and (last.asked, last.running) == (asked, running):
        return last
    before = last.guarded.spec if last is not None and last.asked[0] == nginx.metadata.uid else None
    return Checked(asked, running, _guarded(nginx, running, before, policy))


def owned_deployment(nginx: Nginx, observed: Mapping[str, Child]) -> Child | None:
    """The Deployment, if it is this Nginx's own."""
    child = observed.get(DEPLOYMENTS.plural)
    return child if child is not None and is_owned(child.metadata, nginx.metadata) else None


def _holds_whatever_runs(guarded: Guarded, nginx: Nginx, policy: Policy) -> bool:
    """Whether the result does not depend on what the pods run: that excuses a count, and stands in for an image."""
    spec = guarded.spec
    return (
        spec is not None and nginx.spec.get("image") is not None and policy.min_count <= spec.count <= policy.max_count
    )


def _guarded(nginx: Nginx, running: dict[str, Any] | None, before: NginxSpec | None, policy: Policy) -> Guarded:
    if not isinstance(nginx.spec, dict):
        return Guarded(None, "spec: must be a mapping")
    if running is not None and nginx.spec.get("image") is None:
        # A new default restarts no pod.
        policy = replace(policy, default_image=running["image"] or policy.default_image)
    spec = defaults.with_defaults(nginx.spec, policy)
    in_force = running
    if _was_valid(nginx):
        in_force = spec
    elif before is not None:
        in_force = {**(running or {}), **_found_valid(before, spec)}
    errors = validation.validate(nginx.metadata.name, spec, policy, old_spec=in_force).errors
    if errors:
        return Guarded(None, aggregate(errors))
    return Guarded(NginxSpec.from_dict(spec, fixed_ids=policy.fixed_ids, pod_ip_families=policy.pod_ip_families))


def _found_valid(before: NginxSpec, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What an earlier spec was found valid with, and this one still has. To judge a long text again takes its time."""
    count, config = spec.get("count"), spec.get("config")
    same_config = before.config is not None and config == msgspec.to_builtins(before.config)
    return {
        **({"count": count} if before.count == count else {}),
        **({"config": config} if same_config else {}),
    }


def _was_valid(nginx: Nginx) -> bool:
    """Whether this generation was acted on before. A Deployment that is gone or drifted does not take that away."""
    ready = stored_condition(nginx.status, "Ready")
    return ready.get("observedGeneration") == nginx.metadata.generation and ready.get("reason") != "InvalidSpec"


def _running(deployment: Child, rewrites: Rewrites) -> dict[str, Any]:
    """The spec in force, as far as the Deployment tells."""
    spec = msgspec.json.decode(deployment.spec)
    containers = spec["template"]["spec"]["containers"]
    image = next((c["image"] for c in containers if c["name"] == names.CONTAINER), None)
    for each in rewrites.get(DEPLOYMENTS.plural, ()):
        if (each.path, each.live) == (IMAGE, image):
            image = each.desired
    return {"count": spec.get("replicas"), "image": image}
