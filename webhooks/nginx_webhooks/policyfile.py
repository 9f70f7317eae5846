"""The administrator's policy, as it stands in a file that may change at any time.

A ConfigMap mounted as a directory is replaced by switching a symbolic link; the inode of what the path leads to
tells it, as does the time of a file edited in place.
"""

import logging
from pathlib import Path

import yaml

from nginx_operator.api.policy import Policy, PolicyError
from nginx_webhooks.filewatch import Fingerprint, fingerprint

log = logging.getLogger(__name__)


def read(path: Path) -> Policy:
    """The policy in a YAML file.

    Raises:
        PolicyError: the file cannot be read, is no YAML, or contradicts itself.
    """
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise PolicyError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    try:
        return Policy.parse(document)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error


class PolicyFile:
    """The policy in force. Without a file it is the default policy, for ever.

    Raises:
        PolicyError: the file is unusable at start. Later the last good policy stays in force.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: Fingerprint = None if path is None else fingerprint(path)
        self.current = Policy() if path is None else read(path)

    def refresh(self) -> None:
        """Reads the file again if it has changed since."""
        if self._path is None:
            return
        seen = fingerprint(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            policy = read(self._path)
        except PolicyError as error:
            log.error("the new policy is refused and the old one stays in force: %s", error)
            return
        if policy != self.current:
            self.current = policy
            log.info("new policy in force: %s", policy)
