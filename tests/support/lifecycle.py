"""The objects of a release, by kind and label, as docs/lifecycle.md lists them."""

from collections.abc import Callable
from contextlib import AbstractContextManager

#: All that the chart creates.
OURS = "app.kubernetes.io/part-of=nginx-operator"
#: Kinds without a namespace, apart from the CRD.
OUTSIDE = (
    "clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations,"
    "validatingadmissionpolicies,validatingadmissionpolicybindings"
)
#: Kinds in the release's namespace.
INSIDE = "deployments,services,secrets,configmaps,serviceaccounts,roles,rolebindings,poddisruptionbudgets"
#: Both processes run within the block, and admission works.
Running = Callable[[], AbstractContextManager[None]]
