"""Dashboards and alarms show what there is: metrics of ours, or facts about AWS's own."""

import json
import re

import pytest

from cratekeeper.domain.metrics import METRICS
from tests.facts import template
from tests.facts.observability import OURS, Shown, document, of_kind, shown
from tests.facts.tree import ROOT

SIMPLE = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}
VENDORS = {
    ("AWS/Lambda", "FunctionName"): {"Invocations", "Errors", "Throttles", "Duration", "IteratorAge"},
    ("AWS/SQS", "QueueName"): {"ApproximateNumberOfMessagesVisible"},
    ("AWS/ApiGateway", "ApiId"): {"Latency", "Count", "4xx", "5xx"},
    ("AWS/DynamoDB", "TableName"): {"ConsumedWriteCapacityUnits", "WriteThrottleEvents"},
}
"""Metrics of AWS by namespace and dimension, as its documentation lists them."""

VALUES = {
    "Kind": {"album", "track", "album_image", "artist_image"},
    "Result": {"completed", "failed", "cancelled", "retried"},
    "Status": {"PENDING", "IN_PROGRESS", "RETRY_WAITING", "PAUSED", "2xx", "3xx", "4xx", "5xx"},
    "Lane": {"high", "normal", "low"},
    "Window": {"hour", "day"},
}


each = pytest.mark.parametrize("found", list(shown()), ids=lambda found: f"{found.where}-{found.name}")


@each
def test_a_metric_of_ours_is_one_that_the_code_knows(found: Shown) -> None:
    if found.namespace != OURS:
        return
    (metric,) = [metric for metric in METRICS if metric.name == found.name]
    assert {name for name, _ in found.dimensions} == {*metric.dimensions}
    assert [(name, value) for name, value in found.dimensions if value not in VALUES.get(name, {value})] == []


@each
def test_a_metric_of_aws_is_one_that_there_is_and_of_a_resource_of_ours(found: Shown) -> None:
    if found.namespace == OURS:
        return
    ((dimension, value),) = found.dimensions
    assert found.name in VENDORS[found.namespace, dimension]
    name = value.removeprefix("${").removesuffix("}")
    given = template.properties("Observability")["Parameters"][name]
    assert template.target(given) == name.replace("ApiId", "HttpApi")


@each
def test_a_statistic_is_one_of_cloudwatch(found: Shown) -> None:
    assert found.statistic in SIMPLE or re.fullmatch(r"p\d{1,2}(\.\d+)?", found.statistic)


def test_every_parameter_is_given_and_used() -> None:
    declared = document()["Parameters"].keys()
    assert template.properties("Observability")["Parameters"].keys() == declared
    used = {name.removeprefix("${").removesuffix("}") for each in shown() for _, name in each.dimensions}
    assert declared - used == {"Namespace", "AlarmTopicArn"}


def test_its_names_are_those_of_the_functions_metrics() -> None:
    told = template.document()["Globals"]["Function"]["Environment"]["Variables"]["METRICS_NAMESPACE"]
    assert template.properties("Observability")["Parameters"]["Namespace"] == told


@pytest.mark.parametrize("name", of_kind("Alarm"))
def test_an_alarm_says_what_to_do_and_tells_who_wants_to_know(name: str) -> None:
    alarm = of_kind("Alarm")[name]
    page, _, heading = alarm["AlarmDescription"].rpartition("(")[2].removesuffix(")").partition(": ")
    headings = {
        line.lstrip("# ").lower() for line in (ROOT / page).read_text("utf-8").splitlines() if line.startswith("#")
    }
    assert heading.lower() in headings
    told = {"Fn::If": ["HasTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert alarm["AlarmActions"] == alarm["OKActions"] == told
    assert alarm["TreatMissingData"] in {"notBreaching", "breaching"}


@pytest.mark.parametrize("name", of_kind("Alarm"))
def test_an_alarm_looks_no_further_back_than_cloudwatch_can(name: str) -> None:
    alarm = of_kind("Alarm")[name]
    longest_s = 7 * 86_400 if alarm["Period"] >= 3600 else 86_400
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= longest_s


def test_every_dead_letter_queue_has_an_alarm() -> None:
    dead = {name for name in template.ids("AWS::SQS::Queue") if name.endswith("DeadLetterQueue")}
    watched = {
        value
        for found in shown()
        if found.where in of_kind("Alarm")
        for name, value in found.dimensions
        if name == "QueueName"
    }
    assert watched == {f"${{{name}}}" for name in dead}


def test_every_function_is_on_the_dashboard() -> None:
    named = {value for found in shown() for name, value in found.dimensions if name == "FunctionName"}
    assert named == {f"${{{function.id}}}" for function in template.functions()}


def test_there_is_an_alarm_for_each_way_to_fail() -> None:
    watched = {found.name for found in shown() if found.where in of_kind("Alarm")}
    assert {"OldestWaiting", "StaleInProgress", "FailureRate", "JobRuns", "ApiRequests", "Throttles"} <= watched


@pytest.mark.parametrize("name", of_kind("Dashboard"))
def test_the_widgets_of_a_dashboard_do_not_overlap(name: str) -> None:
    cells = [
        (x, y)
        for widget in json.loads(of_kind("Dashboard")[name]["DashboardBody"]["Fn::Sub"])["widgets"]
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len({*cells})
    assert max(x for x, _ in cells) < 24


def test_every_metric_of_ours_is_shown_somewhere() -> None:
    assert {metric.name for metric in METRICS} == {found.name for found in shown() if found.namespace == OURS}
