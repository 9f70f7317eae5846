"""Our programs as they run in their pods: with a ServiceAccount's files, and without the package `kubernetes`.

The command `serve` is that of the webhooks, and all others are the operator's. The image has no such package
(docs/decisions/0002), and kopf takes 18 MB more where it finds it. Expects the folder of the ServiceAccount's files in
SERVICE_ACCOUNT, and KUBERNETES_SERVICE_HOST and _PORT as the kubelet sets them.
"""

import os
import sys
from pathlib import Path

sys.modules["kubernetes"] = None  # type: ignore[assignment]  # an import of it fails from here on

from nginx_operator.kube import client_config as connection  # noqa: E402

os.environ.pop("KUBECONFIG", None)  # which is the other contenders' way
connection._in_cluster.__defaults__ = (Path(os.environ["SERVICE_ACCOUNT"]),)  # what a kubelet mounts elsewhere
if sys.argv[1] == "serve":
    from nginx_webhooks.__main__ import main as webhooks

    sys.exit(webhooks(sys.argv[1:]))

from nginx_operator.__main__ import main  # noqa: E402

main(sys.argv[1:])
