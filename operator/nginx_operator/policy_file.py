"""The administrator's policy in a file that may change at any time, as a mounted ConfigMap does."""

import logging
from pathlib import Path

import yaml

from nginx_operator.api.kubectl_yaml import PARSE_ERRORS
from nginx_operator.api.policy import Policies, Policy, PolicyError
from nginx_operator.logs import LogOnChange

log = logging.getLogger(__name__)


class PolicyFile:
    """The policy in force. Without a file it is the built-in one.

    Args:
        path: the file.
        base: what the file does not say. The release is no part of it, because the pods of an earlier version refuse
            a key that they do not know.

    Attributes:
        current: the last valid policy that was read.

    Raises:
        PolicyError: the file is unusable at start; the text names it and the errors.
    """

    def __init__(self, path: Path | None, base: Policy | None = None) -> None:
        self._path = path
        self._base = base or Policy()
        self._content: bytes | None = None
        self._refusals = LogOnChange(log)
        self.current = Policies(self._base)
        if path is not None:
            self.current = self._read(path)

    def refresh(self) -> bool:
        """Reads the file again. Returns whether the policy changed; an unusable file is logged and changes nothing."""
        if self._path is None:
            return False
        before = self.current
        try:
            self.current = self._read(self._path)
        except PolicyError as error:
            self._refusals.log(logging.ERROR, f"the new policy is refused and the old one stays in force: {error}")
            return False
        self._refusals.reset()
        if self.current == before:
            return False
        log.info("new policy in force: %s", self.current.summary)
        return True

    def _read(self, path: Path) -> Policies:
        """The file's policy; the current one if the content, valid or not, is that of the last read."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PolicyError(f"cannot read {path}: {error.strerror}") from error
        if content == self._content:
            return self.current
        self._content = content
        try:
            document = yaml.safe_load(content)
            if document is None:
                raise PolicyError("is empty; a policy of defaults alone is {}")
            return Policies.parse(document, self._base)
        except PolicyError as error:
            raise PolicyError(f"{path}: {error}") from error
        except PARSE_ERRORS as error:
            raise PolicyError(f"{path} is not readable YAML: {' '.join(str(error).split())}") from error
