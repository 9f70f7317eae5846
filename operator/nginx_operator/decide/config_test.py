"""What nginx itself says of a configuration, by the init container that tests it in each new pod: pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from nginx_operator.api import names
from nginx_operator.api.types import ContainerTerminated, NginxSpec, Pod
from nginx_operator.children.configuration import written_part
from nginx_operator.children.main_conf import FOLDER, HTTP_CONF, MAIN_CONF

#: A line of nginx's log, for instance "nginx: [emerg] unknown directive "roo" in /etc/nginx/http.conf:3", with or
#: without the time before it. Below these levels nginx accepts the configuration.
_REFUSAL: Final = re.compile(r"\[(?:emerg|alert|crit|error)\] (?:\d+#\d+: )?(.+)")
_PLACE: Final = re.compile(r"(.*) in ([^ ]+):(\d+)", re.DOTALL)


def refusal(pods: Iterable[Pod], spec: NginxSpec, written: str) -> str:
    """Why nginx refuses the configuration that a spec holds, with the field and the line; empty if it does not.

    Args:
        pods: of the Nginx.
        spec: of the Nginx.
        written: the hash of what the user wrote (children/configuration.py).
    """
    ended = next(_failed_tests(pods, written), None)
    if ended is None:
        return ""
    found = _REFUSAL.search(ended.message)
    if found is None:
        last = ended.message.strip().rpartition("\n")[2]
        return last or f"nginx -t ended with exit code {ended.exit_code}{f' ({ended.reason})' if ended.reason else ''}"
    return _with_field(found[1].strip(), spec)


def passed(pods: Iterable[Pod], written: str) -> bool:
    """Whether nginx accepted the configuration in one of the pods."""
    return any(
        pod.status.phase == "Running" and pod.condition("Initialized") is None for pod in _of_revision(pods, written)
    )


def _failed_tests(pods: Iterable[Pod], written: str) -> Iterator[ContainerTerminated]:
    """How the test ended last, of each pod that waits for it."""
    for pod in _of_revision(pods, written):
        for status in pod.status.init_container_statuses:
            if status.name == names.CONFIG_TEST_CONTAINER:
                ended = status.state.terminated or status.last_state.terminated
                if ended is not None and ended.exit_code != 0:
                    yield ended


def _of_revision(pods: Iterable[Pod], written: str) -> Iterator[Pod]:
    return (pod for pod in pods if written_part(pod.metadata.labels.get(names.LABEL_CONFIG, "")) == written)


def _with_field(sentence: str, spec: NginxSpec) -> str:
    """The field and its line in place of the file that the pod has it in."""
    found = _PLACE.fullmatch(sentence)
    config = spec.config
    if found is None or config is None:
        return sentence
    path, field = (HTTP_CONF, "http") if config.http is not None else (MAIN_CONF, "main")
    if found[2] != f"{FOLDER}/{path}":
        return sentence
    return f"spec.config.{field}.inline:{found[3]}: {found[1]}"
