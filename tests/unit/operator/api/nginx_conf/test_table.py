"""How the table of directives is read out of nginx's source."""

import pytest

from nginx_operator.api.nginx_conf.directives import table
from release.nginx_directives import arguments, commands

SOURCE = """
static ngx_command_t  ngx_x_commands[] = {
    { ngx_string("x"), NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12, ngx_x, 0, 0, NULL },
#if (NGX_X)
    { ngx_string("y"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_NOARGS,
      ngx_y_obsolete, 0, 0, NULL },
#endif
      ngx_null_command
};
"""


def test_an_array_of_commands_is_read() -> None:
    assert list(commands(SOURCE)) == [
        ("x", (["http/server", "http/location"], "12", False), False),
        ("y", (["http"], "0", True), True),
    ]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"NGX_CONF_FLAG"}, "1"),
        ({"NGX_CONF_1MORE"}, "1+"),
        ({"NGX_CONF_ANY", "NGX_CONF_TAKE1"}, "*"),
        ({"NGX_CONF_NOARGS", "NGX_CONF_TAKE13"}, "013"),
    ],
)
def test_the_number_of_arguments(flags: set[str], expected: str) -> None:
    assert arguments(flags) == expected


def test_a_directive_has_a_rule_in_each_of_its_contexts() -> None:
    rule = table().rule("server", "http/upstream")
    assert rule is not None
    assert (rule.block, rule.counts) == (False, "at least 1 argument")
    assert table().rule("server", "http/location") is None
