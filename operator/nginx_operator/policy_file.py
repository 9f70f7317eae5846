"""The administrator's policy as a file that may change under us, as a mounted ConfigMap does."""

import logging
from pathlib import Path

import yaml

from nginx_operator.api.policy import Policy, PolicyError

log = logging.getLogger(__name__)


class PolicyFile:
    """Reads the file when it has changed. A broken change keeps the policy that holds, and is logged once.

    Args:
        path: YAML; None means the built-in policy, which never changes.

    Raises:
        PolicyError: the first reading failed; the text names the file and the fault.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._text = ""
        self.policy = Policy()
        if path is not None:
            self.policy = self._read(path)

    def refresh(self) -> bool:
        """Reads again. Returns whether the policy changed."""
        if self._path is None:
            return False
        before = self.policy
        try:
            self.policy = self._read(self._path)
        except PolicyError as error:
            log.error("%s; the policy before stays in force", error)
        return self.policy != before

    def _read(self, path: Path) -> Policy:
        try:
            text = path.read_text(encoding="utf-8")
            if text == self._text:
                return self.policy
            self._text = text
            return Policy.parse(yaml.safe_load(text))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, PolicyError) as error:
            raise PolicyError(f"policy file {path}: {error}") from error
