"""The real local stack: started by its command on template.yaml, looked at, killed, started again."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cratekeeper_local import commands, demonstration, gaps, keys, template
from cratekeeper_local.aws import Aws
from cratekeeper_local.console import Progress
from cratekeeper_local.deploy import STACK, Stack, deployed
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.project import Project
from cratekeeper_local.readback.check import READERS, all_differences, expected_resources
from cratekeeper_local.ready import Ready
from cratekeeper_local.stack import Running
from tests.support.stack import PROGRAM, LocalStack, local_stack, sockets_on
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with local_stack(tmp_path_factory.mktemp("stack"), "--set", "MaxRetries=7") as running:
        yield running


# --- What a start gives ---------------------------------------------------------------


def test_the_ready_file_tells_all_and_only_to_its_owner(stack: LocalStack) -> None:
    expected = {"api_url", "web_url", "aws_endpoint_url", *keys.PEOPLE, "resources"}
    assert set(stack.ready) == expected
    assert json.loads(stack.data.ready.read_text()) == stack.ready
    assert stack.data.ready.stat().st_mode & 0o777 == 0o600
    assert {"QueueTable", "MediaBucket", "HttpApi", "ProcessorFunction", "PepperSecret"} <= set(stack.resources)


def test_the_api_answers_with_the_keys(stack: LocalStack) -> None:
    with stack.http(None) as nobody:
        assert nobody.get("/health").json()["provider"] == "configured"
        assert nobody.get("/v1/limits").status_code == 401
        unknown = nobody.get("/no/such/route")
        assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    for name, status in {"admin_key": 200, "user_key": 200, "second_user_key": 200, "viewer_key": 403}.items():
        with stack.http(name) as person:
            assert person.get("/v1/limits").status_code == status, name


def test_settings_reach_the_functions(stack: LocalStack) -> None:
    found: Any = stack.aws.functions.get_function_configuration(FunctionName=stack.resources["ProcessorFunction"])
    assert found["Environment"]["Variables"]["MAX_RETRIES"] == "7"


def test_nothing_listens_beyond_this_machine(stack: LocalStack) -> None:
    sockets = sockets_on(stack.folder)
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and row[9] in sockets]
    assert len(listening) >= 3, "front, emulator, demo provider"
    assert {address.partition(":")[0] for address in listening} == {"0100007F"}


def tables_as(stack: LocalStack, key: str, secret: str, token: str | None = None) -> Any:
    session: Any = boto3.Session(key, secret, token, region_name="us-east-1")
    return session.client("dynamodb", endpoint_url=stack.ready["aws_endpoint_url"])


def test_strangers_are_refused(stack: LocalStack) -> None:
    with pytest.raises(ClientError, match=r"UnrecognizedClientException|InvalidClientTokenId"):
        tables_as(stack, "nobody", "nothing").scan(TableName=stack.resources["QueueTable"])


def test_a_function_may_do_what_its_role_says_and_nothing_else(stack: LocalStack) -> None:
    with stack.http(None) as nobody:
        nobody.get("/health")
    environment = Path(f"/proc/{stack.workers('SearchFunction')[0]}/environ").read_text().split("\0")
    own = dict(line.split("=", 1) for line in environment if line.startswith("AWS_"))
    tables = tables_as(stack, own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"], own["AWS_SESSION_TOKEN"])
    assert "Item" not in tables.get_item(TableName=stack.resources["IdentityTable"], Key={"pk": {"S": "no such"}})
    with pytest.raises(ClientError, match="not authorized"):
        tables.get_item(TableName=stack.resources["HistoryTable"], Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
    with pytest.raises(ClientError, match="not authorized"):
        tables.put_item(TableName=stack.resources["IdentityTable"], Item={"pk": {"S": "forged"}})


def test_functions_write_their_logs_to_files(stack: LocalStack) -> None:
    with stack.http(None) as nobody:
        nobody.get("/health")
    lines = (stack.data.logs / "SearchFunction.log").read_text().splitlines()
    assert any("function" in json.loads(line) for line in lines if line.startswith("{"))


# --- The read-back --------------------------------------------------------------------


def as_deployed(stack: LocalStack) -> tuple[Aws, Stack]:
    """The deployment as the launcher sees it."""
    aws = stack.aws
    described: Any = aws.stacks.describe_stacks(StackName=STACK)["Stacks"][0]
    body: Any = aws.stacks.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in described["Parameters"]}
    return aws, Stack(body if isinstance(body, dict) else json.loads(body), parameters, stack.resources)


def test_every_type_of_the_template_can_be_read_back(stack: LocalStack) -> None:
    aws, found = as_deployed(stack)
    resources = list(expected_resources(aws, found))
    assert {resource.kind for resource in resources} <= set(READERS)
    for name, declared in template.load(Project.here().template)["Resources"].items():
        if declared["Type"] == "AWS::CloudFormation::Stack" or "Condition" in declared:
            continue  # the one has a test of its own (test_observability), the other need not be there
        # SAM adds a sum to the names of layers.
        assert any(resource.logical.startswith(name) for resource in resources), name
    assert all_differences(aws, found) == []


def lose_ttl(aws: Aws, names: dict[str, str]) -> None:
    aws.tables.update_time_to_live(
        TableName=names["HistoryTable"], TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": False}
    )


def lose_route(aws: Aws, names: dict[str, str]) -> None:
    route: Any = aws.apis.get_routes(ApiId=names["HttpApi"])["Items"][0]
    aws.apis.delete_route(ApiId=names["HttpApi"], RouteId=route["RouteId"])


def lose_life_cycle(aws: Aws, names: dict[str, str]) -> None:
    aws.objects.delete_bucket_lifecycle(Bucket=names["MediaBucket"])


def lose_throttling(aws: Aws, names: dict[str, str]) -> None:
    aws.apis.update_stage(ApiId=names["HttpApi"], StageName="$default", DefaultRouteSettings={"ThrottlingRateLimit": 1})


@pytest.mark.parametrize(
    ("lose", "named"),
    [
        (lose_ttl, "HistoryTable (AWS::DynamoDB::Table), TimeToLiveSpecification"),
        (lose_route, "HttpApi (AWS::ApiGatewayV2::Api), Routes"),
        (lose_life_cycle, "MediaBucket (AWS::S3::Bucket), LifecycleConfiguration"),
        (lose_throttling, "HttpApiApiGatewayDefaultStage (AWS::ApiGatewayV2::Stage), DefaultRouteSettings"),
    ],
)
def test_a_gap_is_found_by_name_and_filled(
    stack: LocalStack, lose: Callable[[Aws, dict[str, str]], None], named: str
) -> None:
    aws, found = as_deployed(stack)
    lose(aws, stack.resources)
    assert named in str(all_differences(aws, found)[0])
    assert gaps.fill_and_check(aws, found) == 1
    assert all_differences(aws, found) == []


def shorten_visibility(aws: Aws, names: dict[str, str], value: str = "30") -> None:
    aws.queues.set_queue_attributes(QueueUrl=names["HighQueue"], Attributes={"VisibilityTimeout": value})


def restore_visibility(aws: Aws, names: dict[str, str]) -> None:
    shorten_visibility(aws, names, "5400")


def disable_mapping(aws: Aws, names: dict[str, str]) -> None:
    aws.functions.update_event_source_mapping(UUID=names["ProcessorFunctionLow"], Enabled=False)


def enable_mapping(aws: Aws, names: dict[str, str]) -> None:
    aws.functions.update_event_source_mapping(UUID=names["ProcessorFunctionLow"], Enabled=True)


def disable_schedule(aws: Aws, names: dict[str, str]) -> None:
    aws.events.disable_rule(Name=names["DispatcherFunctionTick"])


def enable_schedule(aws: Aws, names: dict[str, str]) -> None:
    aws.events.enable_rule(Name=names["DispatcherFunctionTick"])


@pytest.mark.parametrize(
    ("spoil", "mend", "named"),
    [
        (shorten_visibility, restore_visibility, "HighQueue (AWS::SQS::Queue), VisibilityTimeout"),
        (disable_mapping, enable_mapping, "ProcessorFunctionLow (AWS::Lambda::EventSourceMapping), Enabled"),
        (disable_schedule, enable_schedule, "DispatcherFunctionTick (AWS::Events::Rule), State"),
    ],
)
def test_what_cannot_be_filled_is_named_and_refused(
    stack: LocalStack,
    spoil: Callable[[Aws, dict[str, str]], None],
    mend: Callable[[Aws, dict[str, str]], None],
    named: str,
) -> None:
    aws, found = as_deployed(stack)
    spoil(aws, stack.resources)
    with pytest.raises(LocalStackError) as refused:
        gaps.fill_and_check(aws, found)
    mend(aws, stack.resources)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert gaps.fill_and_check(aws, found) == 0


# --- The commands beside it -----------------------------------------------------------


def test_a_function_can_be_invoked(stack: LocalStack, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"action": "create_key", "user_id": "third", "role": "user"}')
    assert commands.invoke("admin", event_path=event, data_dir=stack.data.root) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)["user_id"] == "third"
    event.write_text('{"action": "no_such_action"}')
    assert commands.invoke("AdminFunction", event_path=event, data_dir=stack.data.root) == 1
    with pytest.raises(LocalStackError, match="there is no function nobody; known: AdminFunction"):
        commands.invoke("nobody", event_path=event, data_dir=stack.data.root)


def test_status_shows_no_keys(stack: LocalStack, capfd: pytest.CaptureFixture[str]) -> None:
    assert commands.status(data_dir=stack.data.root) == 0
    printed = capfd.readouterr().out
    assert json.loads(printed)["api_url"] == stack.ready["api_url"]
    assert "ck_" not in printed


def refused(*words: str) -> tuple[int, list[str]]:
    ended = subprocess.run([PROGRAM, "local", "up", *words], capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stderr.splitlines()


def test_a_port_that_is_taken_stops_the_start_before_anything_began(stack: LocalStack, tmp_path: Path) -> None:
    port = stack.ready["api_url"].rpartition(":")[2]
    code, said = refused("--port", port, "--data-dir", str(tmp_path / "data"))
    assert (code, len(said)) == (2, 1)
    assert f"127.0.0.1:{port}" in said[0]
    assert not (tmp_path / "data").exists()


def test_a_second_stack_on_the_same_data_is_refused(stack: LocalStack) -> None:
    assert stack.process is not None
    code, said = refused("--port", "0", "--data-dir", str(stack.data.root), "--fresh")
    assert (code, len(said)) == (2, 1)
    assert f"process {stack.process.pid}" in said[0]


@pytest.mark.parametrize(
    "words", [("--set", "MaxRetries=99"), ("--provider-url", "ftp://host"), ("--data-dir", "/dev/null")]
)
def test_a_bad_setting_is_refused_by_name(tmp_path: Path, words: tuple[str, str]) -> None:
    code, said = refused("--port", "0", "--data-dir", str(tmp_path / "data"), *words)
    assert (code, len(said)) == (2, 1)
    assert words[1].partition("=")[0] in said[0]
    assert not (tmp_path / "data").exists()


def test_a_ready_file_that_cannot_be_is_told_before_anything_began(tmp_path: Path) -> None:
    code, said = refused(
        "--port", "0", "--data-dir", str(tmp_path / "data"), "--ready-file", str(tmp_path / "no" / "ready.json")
    )
    assert (code, len(said)) == (2, 1)
    assert "ready file" in said[0]


# --- The first minute ------------------------------------------------------------------


def test_the_demo_album_arrives_and_a_second_run_says_that_it_is_there(
    stack: LocalStack, capfd: pytest.CaptureFixture[str]
) -> None:
    ready = {name: stack.ready[name] for name in ("api_url", "web_url", "aws_endpoint_url", "resources")}
    running = Running(Ready(**ready, keys={"user_key": stack.ready["user_key"]}), stack.data, ())
    demonstration.show(running, Progress(), with_album=True)
    said = capfd.readouterr().err
    folder = Path(next(line for line in said.splitlines() if line.startswith("Files")).split()[1])
    assert len([path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".meta.json")]) == 14
    demonstration.show(running, Progress(), with_album=True)
    assert "in the library since an earlier run" in capfd.readouterr().err


def test_it_rests_while_nothing_changes(stack: LocalStack) -> None:
    def idle() -> bool:
        before = stack.figures()["saves"]
        time.sleep(3)
        return stack.figures()["saves"] == before

    until(idle)
    figures = stack.figures()
    assert figures["failures"] == 0
    assert (figures["running"], figures["unread"]) in {(0, 0), (1, 0)}  # 1: the dispatcher was just rung


# --- Ends ----------------------------------------------------------------------------


def test_what_cannot_be_deployed_is_named(stack: LocalStack) -> None:
    """Nearly the last test of this file: the shared stack is not as its template says afterwards."""
    project = Project.here()
    declared = template.load(project.template)
    metric = {"Namespace": "N", "MetricName": "M"}
    declared["Resources"]["Odd"] = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "Metrics": [{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
        },
    }
    with pytest.raises(LocalStackError, match=r"template\.yaml could not be deployed: Odd: ") as refused:
        deployed(stack.aws, project, declared, as_deployed(stack)[1].parameters, stack.data.builds)
    assert "\n" not in str(refused.value)


def test_an_emulator_that_dies_ends_the_stack_in_one_line(stack: LocalStack) -> None:
    """The last test of this file: it takes the shared stack down."""
    assert stack.process is not None
    os.kill(stack.emulator(), signal.SIGKILL)
    assert stack.process.wait(30) == 1
    assert "the emulator has ended" in stack.said().splitlines()[-1]
    with socket.create_server(("127.0.0.1", int(stack.ready["api_url"].rpartition(":")[2]))):
        pass
