"""What others set in a child and an apply of ours would take away, unless it names it too: pure."""

import msgspec

from nginx_operator.api.types import Child
from nginx_operator.children import Body


def carry_over(desired: Body, live: Child) -> Body:
    """The desired child with the node selector's keys of others.

    Server-side apply takes `nodeSelector` as one value (core/v1, mapType=atomic): whoever applies one key removes the
    rest.
    """
    template = desired.get("spec", {}).get("template")
    if template is None:
        return desired
    pod = template["spec"]
    there = (msgspec.json.decode(live.spec).get("template") or {}).get("spec") or {}
    merged = {**(there.get("nodeSelector") or {}), **pod["nodeSelector"]}
    if merged == pod["nodeSelector"]:
        return desired
    return {
        **desired,
        "spec": {**desired["spec"], "template": {**template, "spec": {**pod, "nodeSelector": merged}}},
    }
