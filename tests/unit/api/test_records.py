import json

import pytest

from cratekeeper.api.records import failures, messages, named
from cratekeeper.domain.lanes import Lane
from cratekeeper.services.deliver import Message
from tests.support.builders import ROOT

LANES = {"crate-high": Lane.HIGH, "crate-low": Lane.LOW}


def an_event(*bodies: str, queue: str = "crate-low") -> dict[str, object]:
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"r{number}",
                "body": body,
                "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{queue}",
            }
            for number, body in enumerate(bodies)
        ]
    }


@pytest.mark.parametrize(("queue", "lane"), LANES.items())
def test_a_message_has_its_receipt_its_lane_and_its_download(queue: str, lane: Lane) -> None:
    event = an_event(json.dumps({"id": ROOT}), queue=queue)
    assert messages(event, LANES) == [("m0", Message(receipt="r0", lane=lane, download_id=ROOT))]


def test_messages_keep_their_order() -> None:
    event = an_event(json.dumps({"id": f"{ROOT}-1"}), json.dumps({"id": ROOT}))
    assert [message.download_id for _, message in messages(event, LANES)] == [f"{ROOT}-1", ROOT]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "null",
        "[]",
        '"id"',
        "{}",
        '{"id": 5}',
        '{"id": null}',
        '{"id": "queue"}',
        '{"id": ["x"]}',
        "\udcff",
    ],
)
def test_a_body_that_is_none_of_ours_holds_no_download(body: str) -> None:
    [(_, message)] = messages(an_event(body), LANES)
    assert message.download_id is None


def test_a_body_that_is_missing_holds_no_download() -> None:
    event = {"Records": [{"messageId": "m", "receiptHandle": "r", "eventSourceARN": "arn:crate-high"}]}
    assert messages(event, LANES)[0][1].download_id is None


def test_an_event_without_records_is_empty() -> None:
    assert messages({}, LANES) == []


def test_exactly_the_named_messages_come_back() -> None:
    """I24."""
    assert failures(["a", "b"]) == {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]}
    assert failures([]) == {"batchItemFailures": []}


def test_a_download_may_be_asked_for_by_name() -> None:
    assert named({"action": "process", "id": ROOT}) == ROOT
    assert named(an_event("{}")) is None


@pytest.mark.parametrize(
    "event", [{}, {"action": "process"}, {"action": "process", "id": "x"}, {"action": "create", "id": ROOT}, {"id": 5}]
)
def test_what_is_neither_a_batch_nor_a_download_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="neither a batch of messages nor a download"):
        named(event)
