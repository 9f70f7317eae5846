"""When alerts fire, by Prometheus's own tool: each for its cause alone, and none while all is well."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed import promtool
from testbed.progress import Progress
from tests.support.rendering import CHART, NAMESPACE, Render

#: What Prometheus adds by the two ServiceMonitors, but for the pod.
SCRAPED = {
    "nginx_operator": f'namespace="{NAMESPACE}",job="nginx-operator-metrics"',
    "nginx_webhooks": f'namespace="{NAMESPACE}",job="nginx-operator-webhooks-metrics"',
}
DAY = 86400
#: Minutes; longer than any alert waits.
END = 90
#: metric{labels} -> its value at first, and what each minute adds, or values that take turns, a minute each.
#: Prometheus counts seconds from 0 here.
Series = Mapping[str, tuple[float, float] | str]
WELL: Series = {
    'nginx_operator_leader{pod="a"}': (1, 0),
    'nginx_operator_leader{pod="b"}': (0, 0),
    'nginx_operator_reconcile_total{pod="a",result="success"}': (0, 10),
    'nginx_operator_reconcile_total{pod="a",result="error"}': (7, 0),
    'nginx_operator_api_requests_total{pod="a",method="PATCH",resource="deployments",code="200"}': (0, 99),
    'nginx_operator_api_requests_total{pod="a",method="PATCH",resource="deployments",code="500"}': (0, 1),
    'nginx_operator_workqueue_queue_duration_seconds_bucket{pod="a",le="0.01"}': (0, 10),
    'nginx_operator_workqueue_queue_duration_seconds_bucket{pod="a",le="60.0"}': (0, 10),
    'nginx_operator_workqueue_queue_duration_seconds_bucket{pod="a",le="+Inf"}': (0, 10),
    'nginx_operator_contested{pod="a"}': (0, 0),
    'nginx_operator_namespaces_left_out{pod="a"}': (0, 0),
    'nginx_operator_stored_versions{pod="a",version="v1alpha1"}': (1, 0),
    'nginx_operator_stored_versions{pod="b",version="v1alpha1"}': (1, 0),
    'nginx_operator_nginxes{pod="a",ready="True",reason="Ready"}': (20, 0),
    'nginx_operator_nginxes{pod="a",ready="False",reason="Progressing"}': (1, 0),
    'nginx_operator_nginxes{pod="a",ready="True",reason="Stopped"}': (1, 0),
    'nginx_operator_progressing_seconds{pod="a"}': (600, 0),
    'nginx_operator_watch_failing{pod="a",resource="nginxes"}': (0, 0),
    'nginx_operator_watch_failing{pod="b",resource="nginxes"}': (0, 0),
    'nginx_operator_admission_works{pod="a"}': (1, 0),
    'nginx_webhooks_watch_failing{pod="c",kind="Secret"}': (0, 0),
    'nginx_webhooks_object_faults{pod="c",kind="Secret"}': (0, 0),
    'nginx_webhooks_object_faults{pod="c",kind="MutatingWebhookConfiguration"}': (0, 0),
    'nginx_webhooks_connections{pod="c"}': (2, 0),
    'nginx_webhooks_connections{pod="d"}': (1, 0),
    'nginx_webhooks_certificate_expiry_timestamp_seconds{pod="c"}': (7 * DAY, 0),
    'nginx_webhooks_certificate_expiry_timestamp_seconds{pod="d"}': (0, 0),
    'nginx_webhooks_ca_expiry_timestamp_seconds{pod="c"}': (365 * DAY, 0),
    'nginx_webhooks_certificate_refused{pod="c"}': (0, 0),
    'nginx_webhooks_cabundle_writes_total{pod="c",kind="ValidatingWebhookConfiguration"}': (2, 0),
    'nginx_webhooks_admissions_total{pod="c",webhook="validate",verdict="allowed"}': (0, 50),
    'nginx_webhooks_admissions_total{pod="c",webhook="validate",verdict="malformed"}': (3, 0),
    'nginx_webhooks_admission_seconds_bucket{pod="c",webhook="validate",le="0.001"}': (0, 50),
    'nginx_webhooks_admission_seconds_bucket{pod="c",webhook="validate",le="1.0"}': (0, 50),
    'nginx_webhooks_admission_seconds_bucket{pod="c",webhook="validate",le="+Inf"}': (0, 50),
    'nginx_webhooks_limited_total{pod="c",limit="handshake"}': (0, 30),
    'nginx_webhooks_clients_refused_total{pod="c"}': (5, 0),
}


@dataclass(frozen=True)
class Trouble:
    """What makes alerts fire.

    Attributes:
        series: what is otherwise than it should be.
        gone: beginnings of the names of metrics that there are none of.
        fire: the alerts.
    """

    fire: set[str]
    series: Series = field(default_factory=dict)
    gone: str = "nothing"


TROUBLES = [
    Trouble(set()),
    Trouble({"NginxOperatorDown"}, gone="nginx_operator"),
    Trouble({"NginxOperatorLeaders"}, {'nginx_operator_leader{pod="a"}': (0, 0)}),
    Trouble({"NginxOperatorLeaders"}, {'nginx_operator_leader{pod="b"}': (1, 0)}),
    Trouble({"NginxOperatorReconcileErrors"}, {'nginx_operator_reconcile_total{pod="a",result="error"}': (0, 1)}),
    Trouble(
        {"NginxOperatorApiErrors"},
        {'nginx_operator_api_requests_total{pod="a",method="PATCH",resource="deployments",code="0"}': (0, 20)},
    ),
    Trouble(
        {"NginxOperatorBehind"},
        {'nginx_operator_workqueue_queue_duration_seconds_bucket{pod="a",le="0.01"}': (0, 5)},
    ),
    Trouble({"NginxNotReady"}, {'nginx_operator_nginxes{pod="a",ready="False",reason="ApplyFailed"}': (2, 0)}),
    Trouble(
        {"NginxNotReady"},
        {  # one Nginx whose reason alternates: each series alone is 0 every other minute
            'nginx_operator_nginxes{pod="a",ready="False",reason="CrashLooping"}': "0 1",
            'nginx_operator_nginxes{pod="a",ready="False",reason="PodsNotReady"}': "1 0",
        },
    ),
    Trouble({"NginxProgressing"}, {'nginx_operator_progressing_seconds{pod="a"}': "0 2000"}),
    Trouble({"NginxOperatorWatchFailing"}, {'nginx_operator_watch_failing{pod="b",resource="nginxes"}': (1, 0)}),
    Trouble({"NginxAdmissionFailing"}, {'nginx_operator_admission_works{pod="a"}': (0, 0)}),
    Trouble(
        {"NginxWebhooksObjectFault"},
        {'nginx_webhooks_object_faults{pod="c",kind="MutatingWebhookConfiguration"}': (1, 0)},
    ),
    Trouble({"NginxWebhooksWatchFailing"}, {'nginx_webhooks_watch_failing{pod="c",kind="Secret"}': (1, 0)}),
    Trouble({"NginxWithoutStatus"}, {'nginx_operator_nginxes{pod="a",ready="Unknown",reason=""}': (1, 0)}),
    Trouble({"NginxOperatorContested"}, {'nginx_operator_contested{pod="a"}': (1, 0)}),
    Trouble({"NginxNamespaceLeftOut"}, {'nginx_operator_namespaces_left_out{pod="a"}': (1, 0)}),
    Trouble({"NginxNotMigrated"}, {'nginx_operator_stored_versions{pod="a",version="v1beta1"}': (1, 0)}),
    Trouble({"NginxWebhooksDown"}, gone="nginx_webhooks"),
    Trouble(
        {"NginxWebhooksCertificateExpires", "NginxWebhooksCertificateNotRenewed"},
        {'nginx_webhooks_certificate_expiry_timestamp_seconds{pod="c"}': (DAY, 0)},
    ),
    Trouble(
        {"NginxWebhooksCertificateNotRenewed"},
        {'nginx_webhooks_certificate_expiry_timestamp_seconds{pod="d"}': (2 * DAY, 0)},
    ),
    Trouble({"NginxWebhooksAuthorityExpires"}, {'nginx_webhooks_ca_expiry_timestamp_seconds{pod="c"}': (30 * DAY, 0)}),
    Trouble({"NginxWebhooksCertificateRefused"}, {'nginx_webhooks_certificate_refused{pod="c"}': (1, 0)}),
    Trouble(
        {"NginxWebhooksBundleContested"},
        {'nginx_webhooks_cabundle_writes_total{pod="c",kind="ValidatingWebhookConfiguration"}': (2, 1)},
    ),
    Trouble(
        {"NginxWebhooksMalformedReviews"},
        {'nginx_webhooks_admissions_total{pod="c",webhook="validate",verdict="malformed"}': (0, 1)},
    ),
    Trouble(
        {"NginxWebhooksSlow"},
        {'nginx_webhooks_admission_seconds_bucket{pod="c",webhook="validate",le="0.001"}': (0, 25)},
    ),
    Trouble({"NginxWebhooksLimited"}, {'nginx_webhooks_limited_total{pod="c",limit="handshake"}': (0, 61)}),
    Trouble({"NginxWebhooksClientsRefused"}, {'nginx_webhooks_clients_refused_total{pod="c"}': (0, 1)}),
]


@pytest.fixture(scope="module")
def tool() -> Path:
    """promtool."""
    if sentence := promtool.missing():
        pytest.skip(sentence)
    return promtool.program(Progress(sys.__stderr__))


@pytest.fixture
def rules(render: Render, tmp_path: Path) -> Path:
    """The alerts as Prometheus reads them."""
    rendered = render({"monitoring": {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule")}})
    (rule,) = rendered.of_kind("PrometheusRule")
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rule["spec"]), encoding="utf-8")
    return path


def run(tool: Path, *arguments: str) -> None:
    done = subprocess.run([str(tool), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_alerts(tool: Path, rules: Path) -> None:
    run(tool, "check", "rules", str(rules))


def test_every_alert_is_seen_to_fire() -> None:
    alerts = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
    assert {alert["alert"] for part in alerts.values() for alert in part} == {
        name for trouble in TROUBLES for name in trouble.fire
    }


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: "-".join(sorted(trouble.fire)) or "well")
def test_alerts_fire_for_their_cause_alone(trouble: Trouble, tool: Path, rules: Path, tmp_path: Path) -> None:
    series = {name: value for name, value in (WELL | trouble.series).items() if not name.startswith(trouble.gone)}
    case: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": scraped(name), "values": values(value)} for name, value in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{END}m",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(trouble.fire)],
            }
        ],
    }
    path = tmp_path / "case.yaml"
    path.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [case]}))
    run(tool, "test", "rules", str(path))


def values(value: tuple[float, float] | str) -> str:
    """A series in promtool's notation."""
    if isinstance(value, str):
        return f"{value} " * (END // 2)
    first, more = value
    return f"{first}+{more}x{END}"


def scraped(name: str) -> str:
    """A series of a process with the labels that Prometheus adds."""
    (labels,) = (found for prefix, found in SCRAPED.items() if name.startswith(prefix))
    return name.replace("{", f"{{{labels},", 1)
