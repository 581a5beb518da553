"""What must hold of template.yaml, whatever is added to it."""

import re
import tomllib
from typing import Any

import pytest

from tests.facts import template
from tests.facts.template import Function, QueueSource
from tests.facts.tree import ROOT

SETTINGS = {
    "ProviderUrl": "",
    "ProviderTimeoutSeconds": "300",
    "MaxConcurrentDownloads": "3",
    "MaxAlbumsPerHour": "10",
    "MaxAlbumsPerDay": "60",
    "UserMaxRequestsPerDay": "100",
    "UserMaxQueueSize": "200",
    "MaxRetries": "5",
    "InitialBackoffSeconds": "60",
    "MaxBackoffSeconds": "3600",
    "BackoffMultiplier": "2.0",
    "LeaseSeconds": "60",
    "StaleInProgressSeconds": "3600",
    "AuditRetentionDays": "90",
    "MediaUrlSeconds": "900",
    "WatchdogSchedule": "rate(1 day)",
    "DispatchSchedule": "rate(1 minute)",
    "IdempotencyEnabled": "true",
    "OidcIssuer": "",
    "OidcAudience": "",
    "Runtime": "python3.13",
    "Architecture": "arm64",
    "LogLevel": "INFO",
    "Tracing": "false",
    "AlarmTopicArn": "",
}
"""Name and default of every setting."""

NO_VARIABLE = {"Runtime", "Architecture", "Tracing", "AlarmTopicArn"}
"""They choose what is around a function, and the function need not know."""

BUSY_WAITS = 50
"""A download gives up after so many `busy` answers in a row; each is one receive of its message."""

RETAINED = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")

functions = pytest.mark.parametrize("function", template.functions(), ids=str)
queues = pytest.mark.parametrize("queue", template.ids("AWS::SQS::Queue"))
sources = pytest.mark.parametrize("source", template.queue_sources(), ids=str)
tables = pytest.mark.parametrize("table", template.ids("AWS::DynamoDB::Table"))


# --- Settings ------------------------------------------------------------------------


def test_parameters_are_the_settings_with_their_defaults() -> None:
    assert {name: str(each["Default"]) for name, each in template.parameters().items()} == SETTINGS


@pytest.mark.parametrize("name", SETTINGS)
def test_a_parameter_is_described_and_bounded(name: str) -> None:
    parameter = template.parameters()[name]
    assert len(parameter["Description"]) > 10
    bounds = {"AllowedPattern", "AllowedValues", "MinValue"} & parameter.keys()
    assert bounds or name == "OidcAudience"
    assert ("AllowedPattern" in parameter) == ("ConstraintDescription" in parameter)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "ProviderUrl",
            ["", "http://127.0.0.1:9000", "https://provider.example/v2"],
            ["provider", "ftp://x", "https://a b"],
        ),
        ("MaxConcurrentDownloads", ["-1", "1", "3", "999", "1000"], ["0", "-2", "1001", "03", "three", ""]),
        ("AuditRetentionDays", ["-1", "1", "90", "9999"], ["0", "-2", "10000", ""]),
        ("WatchdogSchedule", ["rate(1 day)", "cron(0 3 * * ? *)"], ["", "daily", "rate()"]),
        ("DispatchSchedule", ["rate(1 minute)"], ["1 minute"]),
        ("AlarmTopicArn", ["", "arn:aws:sns:eu-central-1:123456789012:alarms"], ["alarms", "arn:a b"]),
        ("OidcIssuer", ["", "https://id.example"], ["http://id.example", "id.example"]),
    ],
)
def test_a_pattern_tells_good_from_bad(name: str, good: list[str], bad: list[str]) -> None:
    pattern = re.compile(template.parameters()[name]["AllowedPattern"])
    assert [value for value in good if not pattern.fullmatch(value)] == []
    assert [value for value in bad if pattern.fullmatch(value)] == []


def test_every_setting_reaches_every_function() -> None:
    variables = {**template.document()["Globals"]["Function"]["Environment"]["Variables"]}
    assert variables.pop("METRICS_NAMESPACE") == {"Fn::Sub": "Cratekeeper/${AWS::StackName}"}
    assert variables == {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(): {"Ref": name} for name in SETTINGS if name not in NO_VARIABLE
    }


def test_runtime_and_architecture_choose_the_machine() -> None:
    everywhere = template.document()["Globals"]["Function"]
    assert everywhere["Runtime"] == {"Ref": "Runtime"}
    assert everywhere["Architectures"] == [{"Ref": "Architecture"}]
    assert [each for each in template.functions() if {"Runtime", "Architectures"} & each.properties.keys()] == []


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stage_overrides_only_parameters_that_exist(stage: str) -> None:
    deploy = _stages()[stage]["deploy"]["parameters"]
    assert [pair for pair in deploy.get("parameter_overrides", []) if pair.partition("=")[0] not in SETTINGS] == []


def test_the_dev_stage_waits_1_2_and_4_seconds() -> None:
    overrides = _stages()["dev"]["deploy"]["parameters"]["parameter_overrides"]
    assert {"InitialBackoffSeconds=1", "MaxBackoffSeconds=4", "MaxRetries=3"} <= set(overrides)


def _stages() -> dict[str, Any]:
    return tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))


# --- Functions -----------------------------------------------------------------------


def test_every_folder_with_a_handler_is_deployed_and_nothing_else() -> None:
    handlers = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert handlers == {each.folder for each in template.functions()}


@functions
def test_a_function_is_named_and_built_like_the_others(function: Function) -> None:
    assert function.id == f"{function.folder.title()}Function"
    assert template.resource(function.id)["Metadata"] == {"BuildMethod": "makefile", "ContextPath": "functions"}


@functions
def test_a_function_has_a_role_of_its_own(function: Function) -> None:
    assert template.resource(function.role)["Type"] == "AWS::IAM::Role"
    assert [each.id for each in template.functions() if each.role == function.role] == [function.id]


@functions
def test_a_function_has_a_log_group_of_its_own_that_forgets(function: Function) -> None:
    assert [each.id for each in template.functions() if each.log_group == function.log_group] == [function.id]
    assert 1 <= template.properties(function.log_group)["RetentionInDays"] <= 365
    assert function.actions_on(function.log_group) == {"logs:CreateLogStream", "logs:PutLogEvents"}


@functions
def test_a_function_stays_in_the_limits_of_lambda(function: Function) -> None:
    longest = template.LARGEST_WAIT_OF_HTTP_S if function.events("HttpApi") else 900
    assert 1 <= function.timeout_s <= longest
    assert 128 <= function.properties["MemorySize"] <= 10240


@functions
def test_what_nobody_waits_for_reports_its_failures(function: Function) -> None:
    reported = [template.on_failure(event) for event in function.events("DynamoDB").values()]
    for event in function.events("Schedule").values():
        reported += [template.target(event["DeadLetterConfig"]["Arn"])]
        reported += [template.on_failure(function.properties["EventInvokeConfig"])]
    for queue in reported:
        assert template.resource(queue)["Type"] == "AWS::SQS::Queue"
        assert function.actions_on(queue) == {"sqs:SendMessage"}
    assert all(
        template.dead_letter_queue_of(template.target(each["Queue"])) for each in function.events("SQS").values()
    )


def test_ticks_of_the_dispatcher_do_not_overlap() -> None:
    assert template.parameters()["DispatchSchedule"]["Default"] == "rate(1 minute)"
    assert template.function_of("dispatcher").timeout_s < 60


def test_an_answer_of_the_provider_fits_one_invocation() -> None:
    longest = template.parameters()["ProviderTimeoutSeconds"]["MaxValue"]
    assert longest < template.function_of("processor").timeout_s


# --- Queues and mappings -------------------------------------------------------------


@sources
def test_a_message_stays_hidden_for_six_timeouts(source: QueueSource) -> None:
    assert template.properties(source.queue)["VisibilityTimeout"] >= 6 * source.function.timeout_s


@sources
def test_a_message_survives_every_retry_and_every_busy_wait(source: QueueSource) -> None:
    most = template.properties(source.queue)["RedrivePolicy"]["maxReceiveCount"]
    assert most == 100
    assert BUSY_WAITS + template.parameters()["MaxRetries"]["MaxValue"] < most


@sources
def test_a_queue_mapping_reports_each_record_and_has_its_limit(source: QueueSource) -> None:
    assert source.mapping["BatchSize"] == 1
    assert source.mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    condition, without_permits, with_permits = source.mapping["ScalingConfig"]["MaximumConcurrency"]["Fn::If"]
    assert condition == "PermitsOff"
    assert 2 <= without_permits <= with_permits <= 1000
    most_downloads = re.compile(template.parameters()["MaxConcurrentDownloads"]["AllowedPattern"])
    assert most_downloads.fullmatch(str(with_permits))


def test_each_lane_rings_the_processor() -> None:
    lanes = {(each.queue, each.function.folder) for each in template.queue_sources()}
    assert lanes == {(queue, "processor") for queue in ("HighQueue", "NormalQueue", "LowQueue")}


@pytest.mark.parametrize("mapping", template.function_of("projector").events("DynamoDB").values())
def test_a_stream_mapping_never_stands_still(mapping: dict[str, Any]) -> None:
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 1 <= mapping["MaximumRetryAttempts"] <= 10_000
    assert 1 <= mapping.get("ParallelizationFactor", 1) <= 10
    assert mapping["StartingPosition"] == "TRIM_HORIZON"


@queues
def test_a_queue_hands_on_its_dead_or_is_for_the_dead(queue: str) -> None:
    served = [each for each in template.ids("AWS::SQS::Queue") if template.dead_letter_queue_of(each) == queue]
    if template.dead_letter_queue_of(queue) is None:
        assert queue.endswith("DeadLetterQueue")
        assert template.properties(queue)["MessageRetentionPeriod"] == 1_209_600
        assert served or any(function.actions_on(queue) for function in template.functions())
    else:
        assert served == []


@queues
def test_a_queue_is_encrypted_at_rest_and_on_the_way(queue: str) -> None:
    assert template.properties(queue)["SqsManagedSseEnabled"] is True
    (policy,) = [
        properties
        for properties in map(template.properties, template.ids("AWS::SQS::QueuePolicy"))
        if queue in map(template.target, properties["Queues"])
    ]
    assert _refuses_plain_http(policy["PolicyDocument"], "sqs:*")


def _refuses_plain_http(policy: dict[str, Any], actions: str) -> bool:
    return any(
        (each["Effect"], each["Principal"], each["Action"]) == ("Deny", "*", actions)
        and each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for each in policy["Statement"]
    )


# --- Data ----------------------------------------------------------------------------


@pytest.mark.parametrize("logical_id", [each for kind in RETAINED for each in template.ids(kind)])
def test_data_outlive_the_stack(logical_id: str) -> None:
    resource = template.resource(logical_id)
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


@tables
def test_a_table_is_restorable_encrypted_and_paid_by_request(table: str) -> None:
    properties = template.properties(table)
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["DeletionProtectionEnabled"] is True


def test_the_indexes_of_the_queue_table_hold_keys_only() -> None:
    indexes = template.properties("QueueTable")["GlobalSecondaryIndexes"]
    assert {each["IndexName"] for each in indexes} == {"due", "by_user", "waiting", "by_status"}
    assert [each["IndexName"] for each in indexes if each["Projection"] != {"ProjectionType": "KEYS_ONLY"}] == []


def test_the_bucket_is_private_encrypted_and_tidy() -> None:
    (bucket,) = template.ids("AWS::S3::Bucket")
    properties = template.properties(bucket)
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (rule,) = properties["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert 1 <= rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] <= 7


def test_the_bucket_is_reached_by_tls_only() -> None:
    (policy,) = map(template.properties, template.ids("AWS::S3::BucketPolicy"))
    assert policy["Bucket"] == {"Ref": "MediaBucket"}
    assert _refuses_plain_http(policy["PolicyDocument"], "s3:*")


def test_tracing_is_off_unless_it_is_asked_for() -> None:
    assert template.document()["Globals"]["Function"]["Tracing"] == {"Fn::If": ["TracingOn", "Active", "PassThrough"]}
    policy = template.resource("TracingPolicy")
    assert policy["Condition"] == "TracingOn"
    named = {template.target(role) for role in policy["Properties"]["Roles"]}
    assert named == {each.role for each in template.functions()}
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    # X-Ray knows no resources, hence the star.
    actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    assert statement == {"Effect": "Allow", "Action": actions, "Resource": "*"}


def test_nobody_imports_a_tracer() -> None:
    # Lambda itself makes the traces: they cost no import, on or off.
    assert "xray" not in (ROOT / "layers/deps/requirements.txt").read_text("utf-8")
