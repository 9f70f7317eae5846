"""What Prometheus reads."""

from prometheus_client import generate_latest

from nginx_operator import __version__
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, SERVICES, plural_of
from nginx_operator.metrics import Metrics, State


def lines(metrics: Metrics) -> set[str]:
    return set(generate_latest(metrics.registry).decode().splitlines())


def test_the_state_is_that_of_the_scrape() -> None:
    metrics, states = Metrics(), iter([State(), State(True, 7, {("True", "Ready"): 3}, {"pods": 2}, 42.5)])
    metrics.expose(lambda: next(states))
    assert "nginx_operator_leader 0.0" in lines(metrics)
    assert lines(metrics) >= {
        "nginx_operator_leader 1.0",
        "nginx_operator_workqueue_depth 7.0",
        "nginx_operator_progressing_seconds 42.5",
        'nginx_operator_nginxes{ready="True",reason="Ready"} 3.0',
        'nginx_operator_watch_starts_total{resource="pods"} 2.0',
    }


def test_who_does_not_try_whether_admission_works_says_nothing_of_it() -> None:
    metrics = Metrics()
    broken = State(admission=False, failing={"pods": True, "nginxes": False})
    states = iter([State(), broken, State(admission=True)])
    metrics.expose(lambda: next(states))
    assert not [line for line in lines(metrics) if line.startswith("nginx_operator_admission_works")]
    assert lines(metrics) >= {
        "nginx_operator_admission_works 0.0",
        'nginx_operator_watch_failing{resource="pods"} 1.0',
        'nginx_operator_watch_failing{resource="nginxes"} 0.0',
    }
    assert "nginx_operator_admission_works 1.0" in lines(metrics)


def test_the_build_and_the_process_are_told() -> None:
    told = lines(Metrics())
    build = f'version="{__version__}"'
    assert [line for line in told if line.startswith("nginx_operator_build_info{") and build in line]
    names = {line.split()[0] for line in told}
    assert names >= {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}


def test_answers_are_counted_by_method_resource_and_code() -> None:
    metrics = Metrics()
    metrics.count_api_request("PATCH", "deployments", 409)
    metrics.count_api_request("PATCH", "deployments", 409)
    wanted = 'nginx_operator_api_requests_total{code="409",method="PATCH",resource="deployments"} 2.0'
    assert wanted in lines(metrics)


def test_the_resource_of_a_path() -> None:
    for resource in (NGINXES, DEPLOYMENTS, SERVICES):
        assert plural_of(resource.path()) == resource.plural
        assert plural_of(resource.path("shop")) == resource.plural
        assert plural_of(resource.path("shop", "web", "status")) == resource.plural
    assert plural_of("/api/v1/namespaces/shop") == "namespaces"
