"""nginx.conf around what spec.config.http holds: what an nginx without root and with a read-only file system needs.

The text of the user is included as a file of its own, never spliced between braces of ours: a text that closes the
http block and opens another one is refused by nginx, with its line.

A changed text here reaches the pods of an Nginx only together with another change of their template
(decide/configuration_in_force.py).
"""

from collections.abc import Collection
from decimal import ROUND_CEILING
from typing import Final

from nginx_operator.api import names, quantity
from nginx_operator.api.nginx_conf.lexer import ConfigSyntaxError
from nginx_operator.api.nginx_conf.parser import parse
from nginx_operator.api.types import NginxSpec

#: Where the user's text is mounted, and what includes name it by.
HTTP_CONF: Final = "http.conf"
MAIN_CONF: Final = "nginx.conf"
FOLDER: Final = "/etc/nginx"

#: Directives of the http block that stand there unless the user's text has them: nginx refuses a second one.
_HTTP_DEFAULTS: Final = {
    "default_type": "application/octet-stream",
    "access_log": "/dev/stdout",
    "client_body_temp_path": "/tmp/client_temp",  # noqa: S108 - a path in the pod, not here
    "proxy_temp_path": "/tmp/proxy_temp",  # noqa: S108
    "fastcgi_temp_path": "/tmp/fastcgi_temp",  # noqa: S108
    "uwsgi_temp_path": "/tmp/uwsgi_temp",  # noqa: S108
    "scgi_temp_path": "/tmp/scgi_temp",  # noqa: S108
}
_LISTEN: Final = {"IPv4": f"listen {names.HEALTH_PORT};", "IPv6": f"listen [::]:{names.HEALTH_PORT};"}
#: Processes of nginx where no limit says how many can run at once; `auto` would take the node's cores.
_WORKERS: Final = 2

_FRAME: Final = """\
# Made by nginx-operator. {folder}/{http_conf} is spec.config.http of the Nginx.
worker_processes {workers};
pid /tmp/nginx.pid;
error_log stderr notice;

events {{
    worker_connections 1024;
}}

http {{
{defaults}
    include {folder}/{http_conf};

    # For the kubelet and for metrics. No Service leads here.
    server {{
{listens}
        access_log off;
        auth_basic off;

        location = {ready} {{
            return 200;
        }}

        location = /stub_status {{
            stub_status;
            allow 127.0.0.1;
            allow ::1;
            deny all;
        }}

        location / {{
            return 404;
        }}
    }}
}}
"""


def render_main_conf(http: str, spec: NginxSpec) -> str:
    """The whole nginx.conf, which includes http.conf.

    Args:
        http: the content of http.conf.
        spec: of the Nginx; its CPU limit decides how many workers there are.
    """
    given = _top_level(http)
    defaults = [f"    {name} {value};" for name, value in _HTTP_DEFAULTS.items() if name not in given]
    if "types" not in given:
        defaults.insert(0, f"    include {FOLDER}/mime.types;")
    return _FRAME.format(
        folder=FOLDER,
        http_conf=HTTP_CONF,
        workers=_workers(spec),
        defaults="\n".join(defaults),
        listens="\n".join(f"        {_LISTEN[family]}" for family in spec.pod_ip_families),
        ready=names.READY_PATH,
    )


def _top_level(text: str) -> Collection[str]:
    """The directives that a text has outside any block; "types" too where it includes a file of MIME types."""
    try:
        directives = parse(text)
    except ConfigSyntaxError:  # nginx will say so
        return ()
    includes = (each.args for each in directives if each.name == "include")
    types = {"types" for args in includes if args and args[0].endswith("mime.types")}
    return {each.name for each in directives} | types


def _workers(spec: NginxSpec) -> int:
    """As many as CPUs may be used at once."""
    for kind, least in (("limits", 1), ("requests", _WORKERS)):
        amount = spec.resources.get(kind, {}).get("cpu")
        if amount is not None:
            return max(least, int(quantity.parse(amount).to_integral_value(ROUND_CEILING)))
    return _WORKERS
