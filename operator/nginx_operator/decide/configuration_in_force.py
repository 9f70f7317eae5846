"""Which revision of its configuration a Deployment is to run: pure.

The operator writes nginx.conf around what the user wrote, and a later release may write it otherwise. That alone must
restart no pod. So what a Deployment runs stays, until its pod template changes for another reason.
"""

from collections.abc import Collection
from typing import Final

import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import Child, NginxSpec, ObjectMeta
from nginx_operator.children.config_map import config_map_name
from nginx_operator.children.configuration import Configuration, desired_configuration, in_revision
from nginx_operator.children.deployment import build_deployment
from nginx_operator.decide.compare import Difference, differences

_TEMPLATE: Final = "spec.template"


def choose_configuration(
    owner: ObjectMeta,
    spec: NginxSpec,
    deployment: Child | None,
    config_maps: Collection[str],
    rewrites: Collection[Difference] = (),
) -> Configuration:
    """What the spec asks for, in the revision that the Deployment runs already where nothing else changes its pods.

    Args:
        owner: metadata of the Nginx.
        spec: its defaulted and valid spec.
        deployment: its own Deployment, if there is one.
        config_maps: names of its ConfigMaps that are there.
        rewrites: fields of the Deployment that the cluster stored otherwise than they were sent.
    """
    desired = desired_configuration(spec)
    if not desired.revision or deployment is None:
        return desired
    earlier = in_revision(desired, revision_of(deployment))
    if earlier is None or earlier.revision == desired.revision or config_map_name(owner, earlier) not in config_maps:
        return desired
    found = differences(build_deployment(owner, spec, earlier), deployment)
    changes_pods = any(each.path.startswith(_TEMPLATE) for each in found if each not in rewrites)
    return desired if changes_pods else earlier


def revision_of(deployment: Child) -> str:
    """The revision of the configuration that a Deployment's pods run; empty if they take what is in their image."""
    return _DEPLOYMENT.decode(deployment.spec).template.metadata.labels.get(names.LABEL_CONFIG, "")


class _Metadata(msgspec.Struct):
    labels: dict[str, str] = {}


class _Template(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _DeploymentSpec(msgspec.Struct):
    template: _Template


_DEPLOYMENT: Final = msgspec.json.Decoder(_DeploymentSpec)
