"""What each role may do, and what none may."""

from collections import Counter
from typing import Any

import pytest

from tests.facts import template
from tests.facts.template import Function, listed

REASONED_ACTIONS = {"sqs:SendMessage*": "one action on AWS; the local emulator knows SendMessageBatch as another"}
"""Actions with a star that a role may be given, and why."""

ENTRY_BY_INVOCATION_ONLY: set[str] = set()
"""Functions without an event: who may invoke them is said by IAM."""

VARIABLES = {
    "QUEUE_TABLE": "QueueTable",
    "CATALOG_TABLE": "CatalogTable",
    "HISTORY_TABLE": "HistoryTable",
    "IDENTITY_TABLE": "IdentityTable",
    "PLAYS_TABLE": "PlaysTable",
    "MEDIA_BUCKET": "MediaBucket",
    "HIGH_QUEUE_URL": "HighQueue",
    "NORMAL_QUEUE_URL": "NormalQueue",
    "LOW_QUEUE_URL": "LowQueue",
    "EVENT_BUS_NAME": "EventBus",
    "PEPPER_SECRET_ID": "PepperSecret",
    "PROCESSOR_FUNCTION": "ProcessorFunction",
    "JOBS_FUNCTION": "JobsFunction",
    "WATCHDOG_FUNCTION": "WatchdogFunction",
}
"""Which resource a variable names."""

STREAM = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}
"""What Lambda's own poller asks for in the name of the function."""

functions = pytest.mark.parametrize("function", template.functions(), ids=str)


@functions
def test_a_role_is_for_lambda_and_has_no_policy_of_others(function: Function) -> None:
    properties = template.properties(function.role)
    assert "ManagedPolicyArns" not in properties
    assert "Policies" not in function.properties
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@functions
def test_a_role_names_its_actions(function: Function) -> None:
    granted = [action for statement in function.statements for action in listed(statement["Action"])]
    assert [each for each in granted if "*" in each and each not in REASONED_ACTIONS] == []
    assert {statement["Effect"] for statement in function.statements} == {"Allow"}


@functions
def test_a_role_names_its_resources(function: Function) -> None:
    named = [template.target(each) for statement in function.statements for each in listed(statement["Resource"])]
    assert [each for each in named if each not in template.document()["Resources"]] == []


@functions
def test_no_right_is_given_twice(function: Function) -> None:
    rights = Counter(
        (action, str(resource))
        for statement in function.statements
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    )
    assert [right for right, times in rights.items() if times > 1] == []


@functions
def test_a_function_knows_what_it_may_touch_and_nothing_else(function: Function) -> None:
    known = {VARIABLES[name]: value for name, value in function.environment.items()}
    assert known == {resource: {"Ref": resource} for resource in known}
    others = set(VARIABLES.values()) - {function.id}  # its own name Lambda tells it
    assert known.keys() == {each for each in others if function.actions_on(each) - STREAM}


@pytest.mark.parametrize(
    ("resource", "actions", "allowed"),
    [
        # An audit row is written once: no role may change or remove one.
        ("HistoryTable", {"dynamodb:UpdateItem", "dynamodb:DeleteItem"}, set()),
        # The watchdog puts the events of its scans; a batch of the jobs removes what is over its retention.
        ("HistoryTable", {"dynamodb:PutItem", "dynamodb:BatchWriteItem"}, {"projector", "watchdog", "jobs"}),
        ("IdentityTable", {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}, {"admin"}),
        # An API function may get an identity by its key, and list none.
        ("IdentityTable", {"dynamodb:Scan", "dynamodb:BatchGetItem"}, set()),
        ("IdentityTable", {"dynamodb:Query"}, {"admin", "projector"}),
        ("PepperSecret", {"secretsmanager:GetSecretValue"}, {"requests", "search", "admin"}),
        ("MediaBucket", {"s3:PutObject", "s3:DeleteObject"}, {"processor"}),
        # Links to objects are signed in the name of who makes them.
        ("MediaBucket", {"s3:GetObject"}, {"processor", "search"}),
        ("CatalogTable", {"dynamodb:PutItem", "dynamodb:BatchWriteItem"}, {"processor"}),
        # The watchdog marks rows whose object is gone.
        ("CatalogTable", {"dynamodb:UpdateItem"}, {"processor", "watchdog"}),
        # Plays are logged by the API and counted by a job; nobody changes one.
        ("PlaysTable", {"dynamodb:PutItem"}, {"search", "jobs"}),
        ("PlaysTable", {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}, set()),
        ("EventBus", {"events:PutEvents"}, {"projector"}),
        # The worker has rights of its own: who may ask it by name needs none of them.
        ("ProcessorFunction", {"lambda:InvokeFunction"}, {"admin"}),
        # A run goes on in a further invocation; the jobs hand hooks on to the watchdog.
        ("WatchdogFunction", {"lambda:InvokeFunction"}, {"admin", "jobs", "watchdog"}),
        ("JobsFunction", {"lambda:InvokeFunction"}, {"admin", "jobs"}),
        ("HighQueue", {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}, {"processor"}),
    ],
)
def test_only_these_functions_may(resource: str, actions: set[str], allowed: set[str]) -> None:
    assert {each.folder for each in template.functions() if each.actions_on(resource) & actions} == allowed


def test_no_function_reads_a_whole_table_but_for_the_repair_of_the_history() -> None:
    scans = {
        (function.folder, table)
        for table in template.ids("AWS::DynamoDB::Table")
        for function in template.functions()
        if "dynamodb:Scan" in function.actions_on(table)
    }
    assert scans - {("admin", "IdentityTable")} == {("projector", "QueueTable"), ("jobs", "QueueTable")}


def test_a_media_object_is_reached_below_its_prefixes_only() -> None:
    objects = {
        resource["Fn::Sub"]
        for function in template.functions()
        for statement in function.statements
        for resource in listed(statement["Resource"])
        if "Fn::Sub" in resource and template.target(resource) == "MediaBucket"
    }
    assert objects == {"${MediaBucket.Arn}/audio/*", "${MediaBucket.Arn}/images/*"}


def test_a_queue_lets_in_only_the_rules_that_ring_functions() -> None:
    allowed = {
        each["Sid"]: {template.rule(arn) for arn in listed(each["Condition"]["ArnEquals"]["aws:SourceArn"])}
        for each in _resource_statements()
        if each["Effect"] == "Allow"
    }
    assert allowed == {
        "UndeliveredTicks": _rules("dispatcher"),
        "UndeliveredJobs": _rules("watchdog") | _rules("jobs"),
    }


def _rules(folder: str) -> set[str]:
    """The rules that SAM makes of a function's schedules and patterns."""
    function = template.function_of(folder)
    return {f"{function.id}{name}" for kind in ("Schedule", "EventBridgeRule") for name in function.events(kind)}


def test_what_lets_in_names_its_resource() -> None:
    # A refusal may be for everything; the star in a queue's policy is that queue.
    stars = [each for each in _resource_statements() if "*" in (*listed(each["Action"]), *listed(each["Resource"]))]
    assert {(each["Sid"], each["Effect"]) for each in stars} <= {("TlsOnly", "Deny")}


def _resource_statements() -> list[dict[str, Any]]:
    kinds = ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy")
    policies = [template.properties(each) for kind in kinds for each in template.ids(kind)]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def test_a_function_without_events_is_entered_by_invocation_only() -> None:
    assert {each.folder for each in template.functions() if "Events" not in each.properties} == ENTRY_BY_INVOCATION_ONLY
