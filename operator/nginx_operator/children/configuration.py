"""The configuration that nginx runs with, as files in its pods: pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from nginx_operator.api.types import NginxSpec
from nginx_operator.children.main_conf import HTTP_CONF, MAIN_CONF, render_main_conf

#: Hexadecimal digits of a revision: of what the user wrote, and of all files, with what the operator wrote around it.
_WRITTEN_DIGITS: Final = 10
_FILES_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Configuration:
    """Files below /etc/nginx.

    Attributes:
        revision: names the content, "3f2a9c81d0-7be01c": a hash of what the user wrote, and one of all files. Empty
            where nginx takes what is in its image.
        paths: of the files, below /etc/nginx.
        data: the text of each path; empty where it is known by its revision alone.
    """

    revision: str = ""
    paths: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_health_server(self) -> bool:
        """Whether the operator's own server is in it, which answers on names.HEALTH_PORT."""
        return HTTP_CONF in self.paths


#: nginx takes what is in its image.
FROM_IMAGE: Final = Configuration()


def desired_configuration(spec: NginxSpec) -> Configuration:
    """What a spec asks for, as this release of the operator writes it."""
    source = _source(spec)
    if source is None:
        return FROM_IMAGE
    path, text = source
    data = {path: text} if path == MAIN_CONF else {MAIN_CONF: render_main_conf(text, spec), path: text}
    files = _hash("\n".join(f"{path}\n{text}" for path, text in data.items()))
    return Configuration(f"{written_hash(spec)}-{files[:_FILES_DIGITS]}", tuple(data), data)


def written_hash(spec: NginxSpec) -> str:
    """A hash of what the user wrote; empty where nginx takes what is in its image."""
    source = _source(spec)
    return "" if source is None else _hash("\n".join(source))[:_WRITTEN_DIGITS]


def written_part(revision: str) -> str:
    """The hash of what the user wrote that is in a revision."""
    return revision.partition("-")[0]


def in_revision(desired: Configuration, revision: str) -> Configuration | None:
    """The same configuration by an earlier release of the operator; None where the user wrote something else."""
    if not revision or written_part(revision) != written_part(desired.revision):
        return None
    return Configuration(revision, desired.paths)


def _source(spec: NginxSpec) -> tuple[str, str] | None:
    """The path of the file that the user's text goes to, and the text; None if there is none."""
    config = spec.config
    if config is not None and config.http is not None:
        return HTTP_CONF, _with_line_end(config.http.inline)
    if config is not None and config.main is not None:
        return MAIN_CONF, _with_line_end(config.main.inline)
    return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _with_line_end(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
