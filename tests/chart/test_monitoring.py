"""What Prometheus and Grafana are told: only metrics that there are, by expressions that Prometheus understands."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from nginx_operator.metrics import Metrics as OperatorMetrics
from nginx_operator.metrics import State
from nginx_webhooks.metrics import Metrics as WebhooksMetrics
from tests.support.rendering import CHART, NAMESPACE, ROOT, VALUES, Object, Render, Rendering

#: What the Prometheus operator adds to everything that it has scraped by a ServiceMonitor.
SCRAPED = {"namespace", "job", "pod", "service", "endpoint", "container", "instance"}
#: Suffixes of what a metric is exposed as -> the labels that they add.
SUFFIXES: Mapping[str, Mapping[str, set[str]]] = {
    "counter": {"_total": set()},
    "gauge": {"": set()},
    "histogram": {"_bucket": {"le"}, "_count": set(), "_sum": set()},
}
ALERTS = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text(encoding="utf-8"))
ON: dict[str, Any] = {
    "monitoring": {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboard")}
}
each_alert = pytest.mark.parametrize("name", [alert["alert"] for part in ALERTS.values() for alert in part])


@dataclass(frozen=True)
class Selected:
    """One vector selector of an expression."""

    metric: str
    labels: frozenset[str]


@cache
def exposed() -> dict[str, set[str]]:
    """What both processes expose: name -> labels, by their own registries."""
    operator, webhooks = OperatorMetrics(), WebhooksMetrics()
    operator.expose(State)
    return {
        f"{family.name}{suffix}": labels_of(family, registry) | more
        for registry in (operator.registry, webhooks.registry)
        for family in registry.collect()
        for suffix, more in SUFFIXES[family.type].items()
    }


def labels_of(family: Metric, registry: CollectorRegistry) -> set[str]:
    """Names of the labels. Before a metric has a value they are known to what makes it alone, and not publicly."""
    maker = registry._names_to_collectors.get(family.name)  # None for a collector of several, such as process_*
    return {*getattr(family, "_labelnames", ()), *getattr(maker, "_labelnames", ())}


def selected(expression: str) -> list[Selected]:
    """All vector selectors of an expression.

    Raises:
        ValueError: Prometheus would not understand it.
    """
    found: list[Selected] = []

    def note(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(Selected(node.name, frozenset(matcher.name for matcher in node.matchers.matchers)))

    promql_parser.walk(promql_parser.parse(expression), note)
    return found


def grouped(expression: str) -> set[str]:
    """Labels that an expression groups or joins by."""
    return set(re.findall(r"\w+", " ".join(re.findall(r"\b(?:by|on) \(([^)]*)\)", expression))))


def check(expression: str) -> None:
    """It parses, and asks for metrics and labels that there are."""
    found = selected(expression)
    assert found, expression
    known = set(SCRAPED)
    for selector in found:
        assert selector.metric in exposed(), selector.metric
        assert selector.labels <= exposed()[selector.metric] | SCRAPED, expression
        known |= exposed()[selector.metric]
    assert grouped(expression) <= known, expression


def rules(rendered: Rendering) -> dict[str, Object]:
    (rule,) = rendered.of_kind("PrometheusRule")
    return {rule["alert"]: rule for group in rule["spec"]["groups"] for rule in group["rules"]}


def test_there_is_nothing_of_it_unless_asked_for(default: Rendering) -> None:
    assert "monitoring" not in default.text
    assert len(default.of_kind("Service")) == 1


def test_each_alert_can_be_left_out(schema: dict[str, Any]) -> None:
    rule = schema["properties"]["monitoring"]["properties"]["prometheusRule"]["properties"]
    assert rule["disabled"]["items"]["enum"] == [alert["alert"] for part in ALERTS.values() for alert in part]


@each_alert
def test_an_alert_asks_for_what_there_is(name: str, render: Render) -> None:
    for values in (ON, {"monitoring": {"prometheusRule": {"enabled": True}}}):
        expression = rules(render(values))[name]["expr"]
        check(expression)
        for selector in selected(expression):
            assert "namespace" in selector.labels
            assert ("job" in selector.labels) is (values is ON)


@each_alert
def test_an_alert_says_what_it_means_and_where_to_read_on(name: str, render: Render) -> None:
    rule = rules(render(ON))[name]
    known = {label for metric in exposed().values() for label in metric} | SCRAPED

    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    told = rule["annotations"]["summary"] + rule["annotations"]["description"]
    assert set(re.findall(r"\$labels\.(\w+)", told)) <= known & (grouped(rule["expr"]) | {"namespace", "job"})
    assert not re.search(r"<\w+>", str(rule))
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor in [heading.lower() for heading in headings]


def test_every_heading_of_an_alert_has_its_alert() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    names = {alert["alert"] for part in ALERTS.values() for alert in part}
    assert set(re.findall(r"^### (Nginx\w+)$", page, re.MULTILINE)) == names


def test_alerts_can_be_labelled_left_out_and_explained_elsewhere(render: Render) -> None:
    found = rules(render(VALUES / "monitoring.yaml"))
    assert "NginxNotReady" not in found
    assert {rule["labels"]["team"] for rule in found.values()} == {"web"}
    for name, rule in found.items():
        assert rule["annotations"]["runbook_url"] == f"https://wiki.example.com/nginx#{name.lower()}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "a spec is refused. The nginx"),
        ({"failurePolicy": "Ignore"}, "a spec is stored unchecked. The nginx"),
    ],
)
def test_an_alert_tells_the_consequence(values: dict[str, Any], words: str, render: Render) -> None:
    assert words in rules(render(ON | {"webhooks": values}))["NginxWebhooksDown"]["annotations"]["description"]


def test_a_renewal_is_missed_only_after_it_was_due(render: Render) -> None:
    for file, days in (("default", 2), ("cert-manager", 14), ("existing-secret", 14)):
        rendered = render(VALUES / f"{file}.yaml", "--set", "monitoring.prometheusRule.enabled=true")
        assert rules(rendered)["NginxWebhooksCertificateNotRenewed"]["expr"].endswith(f"< {days} * 86400")


def test_without_webhooks_nothing_is_measured_of_them(render: Render) -> None:
    rendered = render(ON | {"webhooks": {"enabled": False}})
    assert {name for name in rules(rendered) if "Webhooks" in name} == set()
    assert [found["metadata"]["name"] for found in rendered.of_kind("ServiceMonitor")] == ["nginx-operator"]


@pytest.mark.parametrize("name", ["nginx-operator", "nginx-operator-webhooks"])
def test_each_component_is_scraped_where_it_tells(name: str, render: Render) -> None:
    rendered = render(VALUES / "monitoring.yaml")
    monitor = rendered.one("ServiceMonitor", name)
    (endpoint,) = monitor["spec"]["endpoints"]
    wanted = monitor["spec"]["selector"]["matchLabels"]
    ports = [
        (service, port)
        for service in rendered.of_kind("Service")
        if wanted.items() <= service["metadata"]["labels"].items()
        for port in service["spec"]["ports"]
        if port["name"] == endpoint["port"]
    ]
    ((service, port),) = ports
    (container,) = rendered.pod(name)["spec"]["containers"]
    (target,) = (found for found in container["ports"] if found["name"] == port["targetPort"])

    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert port["port"] == target["containerPort"]
    assert container["readinessProbe"]["httpGet"]["port"] == target["name"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("15s", "5s")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    for found in rules(rendered).values():
        jobs = re.findall(r'job="([^"]+)"', found["expr"])
        assert set(jobs) <= {
            f"{monitored['metadata']['name']}-metrics" for monitored in rendered.of_kind("ServiceMonitor")
        }


def test_the_dashboard_is_the_file(render: Render) -> None:
    found = render(VALUES / "monitoring.yaml").one("ConfigMap", "nginx-operator-dashboard")
    assert json.loads(found["data"]["nginx-operator.json"]) == DASHBOARD
    assert found["metadata"]["namespace"] == NAMESPACE
    assert found["metadata"]["labels"]["dashboards"] == "yes"
    assert found["metadata"]["annotations"]["grafana_folder"] == "nginx"
    plain = render(ON).one("ConfigMap", "nginx-operator-dashboard")
    assert plain["metadata"]["labels"]["grafana_dashboard"] == "1"


def expressions() -> list[str]:
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [expression.replace("$__rate_interval", "5m") for expression in found]


@pytest.mark.parametrize("expression", expressions())
def test_a_panel_asks_for_what_there_is(expression: str) -> None:
    check(expression)
    assert 'namespace="$namespace"' in expression


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {selector.metric for expression in expressions() for selector in selected(expression)}
    families = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in exposed()}
    found = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in shown}
    assert found <= families
    assert {name for name in families - found if not name.startswith("process_")} == set()  # every client has those


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
