"""The files of a configuration, the revision that names them, and the pods that run them."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx_operator.api import names
from nginx_operator.api.nginx_conf.judge import judge
from nginx_operator.api.nginx_conf.parser import Directive, parse
from nginx_operator.api.nginx_conf.rules import Rules
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.children.config_map import build_config_map
from nginx_operator.children.configuration import FROM_IMAGE, desired_configuration, in_revision, written_hash
from nginx_operator.children.deployment import build_deployment
from nginx_operator.children.main_conf import render_main_conf

OWNER = ObjectMeta(name="web", namespace="shop", uid="uid-1")
HTTP = "server { listen 8080; return 204; }"
GOLDEN = Path(__file__).parent / "golden.nginx.conf"


def spec(config: dict[str, Any] | None = None, **more: Any) -> NginxSpec:
    return NginxSpec.from_dict({"count": 1, "image": "example.com/nginx:1.30", "config": config, **more})


def of_http(text: str) -> NginxSpec:
    return spec({"http": {"inline": text}})


def http_block(text: str, of: NginxSpec) -> list[Directive]:
    (block,) = (each.block for each in parse(render_main_conf(text, of)) if each.name == "http")
    assert block is not None
    return block


def test_the_operators_part_of_nginx_conf() -> None:
    """A release with another text here changes the pods of Nginx that change anyway. UPDATE_GOLDEN=1 rewrites it."""
    found = desired_configuration(of_http(HTTP)).data["nginx.conf"]
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
    assert judge(found, path="nginx.conf", place="main", rules=Rules()).errors == []


@pytest.mark.parametrize("config", [None, {"image": {}}])
def test_without_a_text_nginx_takes_what_is_in_its_image(config: dict[str, Any] | None) -> None:
    assert desired_configuration(spec(config)) == FROM_IMAGE
    assert written_hash(spec(config)) == ""
    assert build_config_map(OWNER, spec(config), FROM_IMAGE) is None


def test_the_users_text_is_a_file_of_its_own() -> None:
    found = desired_configuration(of_http("} http { # closes ours"))
    assert found.data["http.conf"] == "} http { # closes ours\n"
    assert "closes ours" not in found.data["nginx.conf"]


@given(st.text(max_size=200))
def test_whatever_the_text_is_the_operators_part_stays_what_it_is(text: str) -> None:
    block = http_block(text, spec())
    includes = [each.args for each in block if each.name == "include"]
    assert includes[-1] == ["/etc/nginx/http.conf"]
    (server,) = (each.block for each in block if each.name == "server")
    assert [each.args for each in server or () if each.name == "listen"] == [["8081"], ["[::]:8081"]]
    assert {each.name for each in block} <= {each.name for each in http_block("", spec())}


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("access_log off;", "access_log /dev/stdout"),
        ("proxy_temp_path /tmp/mine;", "proxy_temp_path"),
        ("default_type text/plain;", "default_type"),
        ("types { text/html html; }", "mime.types"),
        ("include mime.types;", "mime.types"),
    ],
)
def test_a_directive_that_the_user_gives_is_not_given_twice(text: str, left_out: str) -> None:
    assert left_out in render_main_conf("", spec())
    assert left_out not in render_main_conf(text, spec())
    assert left_out in render_main_conf(f"server {{ {text} }}", spec())


@pytest.mark.parametrize(
    ("resources", "workers"),
    [
        ({}, 2),
        ({"limits": {"cpu": "100m"}}, 1),
        ({"limits": {"cpu": "1500m"}, "requests": {"cpu": 8}}, 2),
        ({"limits": {"cpu": 4}}, 4),
        ({"requests": {"cpu": "3"}}, 3),
        ({"requests": {"cpu": "50m"}}, 2),
        ({"limits": {"memory": "64Mi"}}, 2),
    ],
)
def test_there_are_as_many_workers_as_cpus_may_be_used(resources: dict[str, Any], workers: int) -> None:
    assert f"worker_processes {workers};" in render_main_conf(HTTP, spec(resources=resources))


def test_the_revision_names_the_content() -> None:
    one = desired_configuration(of_http(HTTP))
    assert one == desired_configuration(of_http(f"{HTTP}\n"))
    others = [
        of_http("server {}"),
        spec({"main": {"inline": HTTP}}),
        spec({"http": {"inline": HTTP}}, resources={"limits": {"cpu": 1}}),
    ]
    revisions = {one.revision, *(desired_configuration(each).revision for each in others)}
    assert len(revisions) == 4
    assert all(names.is_label_value(revision) for revision in revisions)
    # With another CPU limit only the operator's part differs.
    assert one.revision.partition("-")[0] == desired_configuration(others[2]).revision.partition("-")[0]


def test_another_revision_of_the_same_text_is_known_by_its_name() -> None:
    desired = desired_configuration(of_http(HTTP))
    written = desired.revision.partition("-")[0]
    earlier = in_revision(desired, f"{written}-000000")
    assert earlier is not None
    assert (earlier.revision, earlier.paths, earlier.data) == (f"{written}-000000", desired.paths, {})
    assert in_revision(desired, "ffffffffff-000000") is None
    assert in_revision(desired, "") is None


def test_the_config_map_is_immutable_and_belongs_to_the_nginx() -> None:
    wanted = of_http(HTTP)
    configuration = desired_configuration(wanted)
    body = build_config_map(OWNER, wanted, configuration)
    assert body is not None
    assert body["metadata"]["name"] == f"web-{configuration.revision}"
    assert body["immutable"] is True
    assert body["metadata"]["ownerReferences"][0]["uid"] == "uid-1"
    assert set(body["data"]) == {"nginx.conf", "http.conf"}


def test_nginx_tests_the_files_that_it_is_to_run_with() -> None:
    wanted = of_http(HTTP)
    configuration = desired_configuration(wanted)
    body = build_deployment(OWNER, wanted, configuration)
    template = body["spec"]["template"]
    pod = template["spec"]
    (test,), (nginx,) = pod["initContainers"], pod["containers"]
    for field in ("image", "imagePullPolicy", "securityContext", "volumeMounts"):
        assert test[field] == nginx[field]
    assert test["command"] == [*nginx["command"], "-t", "-q"]
    assert {mount["mountPath"] for mount in nginx["volumeMounts"]} >= {"/etc/nginx/nginx.conf", "/etc/nginx/http.conf"}
    assert template["metadata"]["labels"][names.LABEL_CONFIG] == configuration.revision
    assert names.LABEL_CONFIG not in body["spec"]["selector"]["matchLabels"]
    assert nginx["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 8081}


def test_the_users_probe_goes_before_the_operators() -> None:
    wanted = spec({"http": {"inline": HTTP}}, probes={"readiness": {"httpGet": {"path": "/up"}}})
    body = build_deployment(OWNER, wanted, desired_configuration(wanted))
    probe = body["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    assert probe["httpGet"] == {"path": "/up", "port": "http"}


def test_a_whole_configuration_has_no_server_of_the_operator() -> None:
    wanted = spec({"main": {"inline": "events {}"}})
    configuration = desired_configuration(wanted)
    assert configuration.data == {"nginx.conf": "events {}\n"}
    container = build_deployment(OWNER, wanted, configuration)["spec"]["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["tcpSocket"] == {"port": "http"}
    assert [port["name"] for port in container["ports"]] == ["http"]


@pytest.mark.parametrize(
    ("families", "listens"),
    [(("IPv4",), ["8081"]), (("IPv6",), ["[::]:8081"]), (("IPv4", "IPv6"), ["8081", "[::]:8081"])],
)
def test_the_operators_server_listens_on_the_families_of_pods(families: tuple[str, ...], listens: list[str]) -> None:
    """A node whose kernel has no IPv6 refuses such a socket, and nginx would end."""
    wanted = NginxSpec.from_dict({"count": 1, "image": "a:1"}, pod_ip_families=families)
    (server,) = (each.block for each in http_block(HTTP, wanted) if each.name == "server")
    assert [each.args[0] for each in server or () if each.name == "listen"] == listens
