"""infra/observability.yaml as data: every metric that an alarm or a dashboard names."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from cratekeeper_local.template import load
from tests.facts.tree import ROOT

OURS = "${Namespace}"
"""The namespace of the product's own metrics."""


class Shown(NamedTuple):
    """A metric as an alarm or a widget names it."""

    where: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str


@cache
def document() -> dict[str, Any]:
    """The nested template."""
    return load(ROOT / "infra/observability.yaml")


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Properties of the alarms, or of the dashboards, by logical id."""
    found = document()["Resources"].items()
    return {name: each["Properties"] for name, each in found if each["Type"] == f"AWS::CloudWatch::{kind}"}


def _text(value: Any) -> str:
    return f"${{{value['Ref']}}}" if isinstance(value, dict) else str(value)


def shown() -> Iterator[Shown]:
    """Each metric as often as it is named."""
    for name, alarm in of_kind("Alarm").items():
        dimensions = tuple((each["Name"], _text(each["Value"])) for each in alarm.get("Dimensions", []))
        yield Shown(name, _text(alarm["Namespace"]), alarm["MetricName"], dimensions, alarm["Statistic"])
    for name, dashboard in of_kind("Dashboard").items():
        for widget in json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]:
            properties = widget["properties"]
            for namespace, metric, *rest in properties["metrics"]:
                dimensions = tuple(zip(rest[::2], rest[1::2], strict=True))
                yield Shown(f"{name}: {properties['title']}", namespace, metric, dimensions, properties["stat"])
