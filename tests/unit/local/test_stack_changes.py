"""Which requests make a save worth while: those that may leave a trace."""

import pytest

from cratekeeper_local.emulator.changes import may_change

INVOKE = "/2015-03-31/functions/crate-ProcessorFunction-1/invocations"


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("GET", "/bucket/audio/x.mp3", ""),
        ("HEAD", "/bucket/audio/x.mp3", ""),
        ("POST", "/", "DynamoDB_20120810.GetItem"),
        ("POST", "/", "DynamoDB_20120810.BatchGetItem"),
        ("POST", "/", "DynamoDB_20120810.Query"),
        ("POST", "/", "DynamoDB_20120810.TransactGetItems"),
        ("POST", "/", "AmazonSQS.GetQueueAttributes"),
        ("POST", "/", "Logs_20140328.PutLogEvents"),
        ("POST", "/", "AWSEvents.PutEvents"),
        ("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", ""),
        ("POST", INVOKE, ""),
        ("POST", "/_aws/execute-api/abc/$default/v1/downloads", ""),
        ("POST", "/_cratekeeper/save", ""),
    ],
)
def test_what_leaves_no_trace(method: str, path: str, target: str) -> None:
    assert not may_change(method, path, {b"x-amz-target": target.encode()})


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("PUT", "/bucket/audio/x.mp3", ""),
        ("DELETE", "/bucket/audio/x.mp3", ""),
        ("POST", "/bucket/audio/x.mp3", ""),
        ("POST", "/", "DynamoDB_20120810.PutItem"),
        ("POST", "/", "DynamoDB_20120810.BatchWriteItem"),
        ("POST", "/", "DynamoDB_20120810.TransactWriteItems"),
        ("POST", "/", "AmazonSQS.SendMessage"),
        ("POST", "/", "AmazonSQS.ReceiveMessage"),
        ("POST", "/", "AmazonSQS.ChangeMessageVisibility"),
        ("POST", "/", "secretsmanager.UpdateSecret"),
        ("POST", "/2015-03-31/event-source-mappings/", ""),
        ("POST", "/", ""),
    ],
)
def test_what_may_leave_one(method: str, path: str, target: str) -> None:
    assert may_change(method, path, {b"x-amz-target": target.encode()})
