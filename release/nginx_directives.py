"""Writes the table of nginx's own directives from the C source of nginx: `make directives NGINX_SOURCE=<folder>`.

The folder holds nginx's `src`; the crate nginx-src has it as its folder `nginx`. Each module of nginx lists its
directives in an array of `ngx_command_t`: name, flags for contexts and arguments, and the function that sets it. The
table holds what `ngx_conf_handler` decides by.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "operator/nginx_operator/api/nginx_conf/directives.json"

NOT_ON_LINUX = {"ngx_devpoll_module", "ngx_eventport_module", "ngx_iocp_module", "ngx_kqueue_module"}

CONTEXTS = {
    "NGX_MAIN_CONF": "main",
    "NGX_EVENT_CONF": "events",
    "NGX_HTTP_MAIN_CONF": "http",
    "NGX_HTTP_SRV_CONF": "http/server",
    "NGX_HTTP_LOC_CONF": "http/location",
    "NGX_HTTP_UPS_CONF": "http/upstream",
    "NGX_HTTP_SIF_CONF": "http/server/if",
    "NGX_HTTP_LIF_CONF": "http/location/if",
    "NGX_HTTP_LMT_CONF": "http/location/limit_except",
    "NGX_MAIL_MAIN_CONF": "mail",
    "NGX_MAIL_SRV_CONF": "mail/server",
    "NGX_STREAM_MAIN_CONF": "stream",
    "NGX_STREAM_SRV_CONF": "stream/server",
    "NGX_STREAM_UPS_CONF": "stream/upstream",
}

ARRAY = re.compile(r"ngx_command_t\s+\w+\[\]\s*=\s*\{(.*?)ngx_null_command", re.DOTALL)
COMMAND = re.compile(r'\{\s*ngx_string\("(\w+)"\),\s*([A-Z0-9_|\s]+?),\s*(\w+)', re.DOTALL)
DEPRECATED = re.compile(r'ngx_conf_deprecated,\s*"(\w+)",\s*"(\w+)"')
VERSION = re.compile(r'#define NGINX_VERSION\s+"([\d.]+)"')

Rule = tuple[list[str], str, bool]
"""Contexts, arguments (see `arguments`), and whether a block follows."""


def arguments(flags: set[str]) -> str:
    """Return which numbers of arguments fit: "*" any, "1+" or "2+" at least so many, else each number as a digit.

    The order is the one in which `ngx_conf_handler` looks at the flags.
    """
    if "NGX_CONF_ANY" in flags:
        return "*"
    if "NGX_CONF_FLAG" in flags:
        return "1"
    for more in ("1", "2"):
        if f"NGX_CONF_{more}MORE" in flags:
            return f"{more}+"
    digits = {
        digit for flag in flags if flag.startswith("NGX_CONF_TAKE") for digit in flag.removeprefix("NGX_CONF_TAKE")
    }
    return "".join(sorted(digits | ({"0"} if "NGX_CONF_NOARGS" in flags else set())))


def commands(source: str) -> Iterator[tuple[str, Rule, bool]]:
    """Yield each directive of a C file: its name, its rule, and whether nginx calls it obsolete."""
    for array in ARRAY.findall(source):
        for name, flag_text, setter in COMMAND.findall(array):
            flags = set(re.split(r"[|\s]+", flag_text.strip()))
            contexts = [context for flag, context in CONTEXTS.items() if flag in flags]
            if "NGX_ANY_CONF" in flags:
                contexts = list(CONTEXTS.values())
            yield name, (contexts, arguments(flags), "NGX_CONF_BLOCK" in flags), setter.endswith("_obsolete")


def table(folder: Path) -> dict[str, object]:
    """Return the table of the nginx whose source is in `folder`."""
    directives: dict[str, list[Rule]] = {}
    deprecated: dict[str, str] = {}
    for path in sorted((folder / "src").rglob("*.c")):
        if path.stem in NOT_ON_LINUX:
            continue
        source = path.read_text(encoding="utf-8", errors="replace")
        for name, rule, obsolete in commands(source):
            rules = directives.setdefault(name, [])
            if rule not in rules:
                rules.append(rule)
            if obsolete:
                deprecated.setdefault(name, "")
        deprecated.update(DEPRECATED.findall(source))
    version = VERSION.search((folder / "src/core/nginx.h").read_text(encoding="utf-8"))
    if version is None or not directives:
        sys.exit(f"{folder} does not hold the source of nginx")
    return {"nginx": version[1], "deprecated": deprecated, "directives": directives}


def written(content: dict[str, object]) -> str:
    """Return the table as JSON, one directive a line, so that a new version of nginx is a readable difference."""
    parts = []
    for key, value in content.items():
        if isinstance(value, dict):
            lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value[name])}" for name in sorted(value))
            parts.append(f'"{key}": {{\n{lines}\n}}')
        else:
            parts.append(f'"{key}": {json.dumps(value)}')
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    TABLE.write_text(written(table(Path(sys.argv[1]))), encoding="utf-8")
