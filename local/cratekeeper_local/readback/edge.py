"""Readers of what stands around the functions: the API, rules and schedules, buses, logs, alarms."""

import json
from collections.abc import Mapping
from typing import Any, Final

from cratekeeper_local.aws import Aws
from cratekeeper_local.readback.resource import Properties, Reader, Resource


def api(aws: Aws, resource: Resource) -> Properties:
    """An HTTP API: {route: function and payload format} and its CORS."""
    found = aws.apis.get_api(ApiId=resource.physical)
    integrations = {
        item.get("IntegrationId"): {
            "Function": function_in(item.get("IntegrationUri", "")),
            "PayloadFormatVersion": item.get("PayloadFormatVersion"),
        }
        for item in aws.apis.get_integrations(ApiId=resource.physical, MaxResults="500")["Items"]
    }
    routes = {
        item["RouteKey"]: integrations.get(item.get("Target", "").removeprefix("integrations/"))
        for item in aws.apis.get_routes(ApiId=resource.physical, MaxResults="500")["Items"]
    }
    # Compared as a list: a route that the template does not have is a difference, too.
    return {**found, "Routes": [{"Key": key, **(target or {})} for key, target in routes.items()]}


def stage(aws: Aws, resource: Resource) -> Properties:
    """A stage with its throttling and access log."""
    name = str(resource.expected["StageName"])
    found = aws.apis.get_stage(ApiId=str(resource.expected["ApiId"]), StageName=name)
    return {**found, "ApiId": resource.expected["ApiId"]}


def rule(aws: Aws, resource: Resource) -> Properties:
    """A rule on a bus, with its targets; its pattern, which comes as text, as what it means."""
    bus = str(resource.expected.get("EventBusName", "default"))
    name = resource.physical.rpartition("|")[2]
    found = aws.events.describe_rule(Name=name, EventBusName=bus)
    targets = aws.events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
    return {**found, "EventPattern": json.loads(found.get("EventPattern") or "{}"), "Targets": list(targets)}


def schedule(aws: Aws, resource: Resource) -> Properties:
    """A schedule with its target."""
    group = str(resource.expected.get("GroupName", "default"))
    return {**aws.schedules.get_schedule(Name=resource.physical, GroupName=group)}


def bus(aws: Aws, resource: Resource) -> Properties:
    """An event bus."""
    return {**aws.events.describe_event_bus(Name=resource.physical)}


def log_group(aws: Aws, resource: Resource) -> Properties:
    """A log group with its retention."""
    groups = aws.logs.describe_log_groups(logGroupNamePrefix=resource.physical)["logGroups"]
    found: Mapping[str, Any] = next((group for group in groups if group.get("logGroupName") == resource.physical), {})
    return {"LogGroupName": found.get("logGroupName"), "RetentionInDays": found.get("retentionInDays")}


def alarm(aws: Aws, resource: Resource) -> Properties:
    """An alarm on one metric."""
    found = aws.alarms.describe_alarms(AlarmNames=[resource.physical])["MetricAlarms"]
    return {**found[0]} if found else {}


def dashboard(aws: Aws, resource: Resource) -> Properties:
    """A dashboard; its body as it was given, if it means the same."""
    found = aws.alarms.get_dashboard(DashboardName=resource.physical)
    given = resource.expected["DashboardBody"]
    is_same = json.loads(found["DashboardBody"]) == json.loads(given)
    return {**found, "DashboardBody": given if is_same else None}


def function_in(uri: str) -> str:
    """The function's name in an integration's URI, which is its ARN or API Gateway's path to it."""
    return uri.removesuffix("/invocations").rpartition(":")[2]


READERS: Final[Mapping[str, Reader]] = {
    "AWS::ApiGatewayV2::Api": api,
    "AWS::ApiGatewayV2::Stage": stage,
    "AWS::Events::Rule": rule,
    "AWS::Events::EventBus": bus,
    "AWS::Scheduler::Schedule": schedule,
    "AWS::Logs::LogGroup": log_group,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CloudWatch::Dashboard": dashboard,
}
