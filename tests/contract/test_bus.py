"""The port EventBus, and what a subscriber gets."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from cratekeeper.adapters.bus import EventBridgeBus
from cratekeeper.domain.announcements import DomainEvent, announced
from cratekeeper.domain.events import Detail, Event, EventType, HistoryEntry
from cratekeeper.ports import EventBus
from tests.contract.emulator import Emulator
from tests.contract.samples import an_entry, an_id
from tests.memory.records import MemoryBus
from tests.memory.virtual import START

_numbers = count(1)


def told(entry: HistoryEntry) -> DomainEvent:
    event = announced(entry)
    assert event is not None
    return event


@dataclass(frozen=True, slots=True)
class Wire:
    """The bus, and what a subscriber of everything has got: the ids of events."""

    bus: EventBus
    got: Callable[[], list[str]]


def wire_in_memory() -> Wire:
    bus = MemoryBus()
    return Wire(bus, lambda: [event.id for event in bus.published])


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A queue behind a rule that takes everything of ours."""

    sqs: Any
    url: str

    def events(self, *, at_least: int) -> list[dict[str, Any]]:
        """What came, in the bus's own envelope; waits for `at_least` of them."""
        found: list[dict[str, Any]] = []
        end = time.monotonic() + 10
        while len(found) < at_least and time.monotonic() < end:
            answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            found += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        return found


def subscribe(emulator: Emulator, bus_name: str) -> Subscriber:
    events, sqs = emulator.client("events"), emulator.client("sqs")
    events.create_event_bus(Name=bus_name)
    url = sqs.create_queue(QueueName=f"{bus_name}-subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    pattern = json.dumps({"source": ["cratekeeper"]})
    events.put_rule(Name=bus_name, EventBusName=bus_name, EventPattern=pattern)
    events.put_targets(Rule=bus_name, EventBusName=bus_name, Targets=[{"Id": "1", "Arn": arn}])
    return Subscriber(sqs, url)


def wire_on(emulator: Emulator) -> Wire:
    name = f"bus-{next(_numbers)}"
    subscriber = subscribe(emulator, name)
    return Wire(
        EventBridgeBus(emulator.aws.events, name),
        lambda: [event["detail"]["id"] for event in subscriber.events(at_least=1)],
    )


@pytest.mark.case("E-01")
@pytest.mark.parametrize("how_many", [1, 10, 11, 23])
def test_each_entry_is_one_event(emulator: Emulator, how_many: int) -> None:
    name, item = f"bus-{next(_numbers)}", an_id()
    subscriber = subscribe(emulator, name)
    entries = [an_entry(item, seq) for seq in range(1, how_many + 1)]
    EventBridgeBus(emulator.aws.events, name).publish([told(entry) for entry in entries])
    found = subscriber.events(at_least=how_many)
    assert sorted(event["detail"]["id"] for event in found) == sorted(entry.id for entry in entries)


def test_an_entry_reaches_the_subscribers(backend: str, request: pytest.FixtureRequest) -> None:
    wire = wire_in_memory() if backend == "memory" else wire_on(request.getfixturevalue("emulator"))
    entry = an_entry(an_id(), 1)
    wire.bus.publish([told(entry)])
    assert wire.got() == [entry.id]
    wire.bus.publish([])


@pytest.mark.case("E-01")
def test_a_subscriber_gets_a_cloud_event(emulator: Emulator) -> None:
    name, item = f"bus-{next(_numbers)}", an_id()
    subscriber = subscribe(emulator, name)
    details: dict[str, Detail] = {"error_type": "not_found", "message": "no such track", "retry_count": 0}
    event = Event(type=EventType.DOWNLOAD_FAILED, at=START, details=details)
    entry = replace(an_entry(item, 4), event=event)
    EventBridgeBus(emulator.aws.events, name).publish([told(entry)])
    (found,) = subscriber.events(at_least=1)
    assert (found["source"], found["detail-type"]) == ("cratekeeper", "DownloadFailed")
    assert found["detail"] == {
        "specversion": "1.0",
        "id": f"{item}:4",
        "source": "cratekeeper",
        "type": "DownloadFailed",
        "dataschema": "urn:cratekeeper:event:DownloadFailed:1",
        "subject": item,
        "time": "2026-11-21T08:00:00.000+00:00",
        "datacontenttype": "application/json",
        "data": {
            "event_type": "DOWNLOAD_FAILED",
            "download_id": item,
            "parent_id": None,
            "kind": "track",
            "content_id": entry.content_id,
            "status": "FAILED",
            "reason": "no such track",
            "user_id": "system",
            "requested_by": "alice",
            "source": "USER",
            "details": details,
        },
    }
