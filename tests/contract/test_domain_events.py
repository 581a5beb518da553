"""Domain events are what their schemas say, and one subscriber's trouble is nobody else's."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from cratekeeper.adapters.bus import EventBridgeBus, cloud_event
from cratekeeper.domain.access import Role
from cratekeeper.domain.actions import Action
from cratekeeper.domain.announcements import Topic, announced
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.failures import ErrorType
from tests.contract.emulator import Emulator
from tests.contract.samples import an_entry, an_id
from tests.contract.test_bus import subscribe
from tests.memory.virtual import START
from tests.support.crate import ADMIN, ALICE, Crate

SCHEMAS = Path(__file__).resolve().parents[2] / "docs/events"


def checker(topic: str) -> Any:
    return jsonschema_rs.validator_for(
        json.loads((SCHEMAS / f"{topic}.json").read_text("utf-8")), validate_formats=True
    )


def busy() -> Crate:
    """A world in which everything happened that is told of."""
    crate = Crate.of()
    crate.identity.create_key("alice", Role.USER)
    crate.album()
    failed, retried = crate.track("broken"), crate.track("late")
    crate.world.provider.fail("audio", failed.content_id, ErrorType.REJECTED)
    crate.world.provider.fail("audio", retried.content_id, ErrorType.TIMEOUT)
    crate.drain()
    waiting = crate.track("waiting")
    crate.steer.act(waiting.id, Action.PAUSE, caller=ALICE)
    crate.catch_up()
    crate.steer.act(waiting.id, Action.RESUME, caller=ALICE)
    crate.catch_up()
    crate.steer.act(waiting.id, Action.CANCEL, caller=ALICE)
    crate.catch_up()
    crate.steer.delete(waiting.id, caller=ADMIN)
    crate.catch_up()
    return crate


@pytest.mark.case("E-01")
def test_every_event_of_a_busy_system_is_what_its_schema_says() -> None:
    published = busy().world.bus.published
    assert {event.topic for event in published} == {*Topic}
    for event in published:
        told = json.loads(json.dumps(cloud_event(event)))
        assert [error.message for error in checker(event.topic).iter_errors(told)] == [], told


def test_each_topic_has_a_schema_and_nothing_else_has() -> None:
    assert {path.stem for path in SCHEMAS.iterdir()} == {*Topic}
    for topic in Topic:
        jsonschema_rs.meta.validate(json.loads((SCHEMAS / f"{topic}.json").read_text("utf-8")))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "DownloadFailed"},
        {"source": "elsewhere"},
        {"time": "today"},
        {"more": 1},
        {"data": {}},
        {"specversion": "0.3"},
    ],
)
def test_a_schema_refuses_what_is_not_ours(change: dict[str, Any]) -> None:
    event = announced(an_entry(an_id(), 1))
    assert event is not None
    told = json.loads(json.dumps(cloud_event(event)))
    assert checker(event.topic).is_valid(told)
    assert not checker(event.topic).is_valid(told | change)


@pytest.mark.case("E-03")
def test_a_subscriber_that_fails_takes_nothing_from_the_others(emulator: Emulator) -> None:
    name, item = f"bus-of-{an_id()}", an_id()
    well = subscribe(emulator, name)
    events = emulator.client("events")
    events.put_rule(Name="ill", EventBusName=name, EventPattern=json.dumps({"source": ["cratekeeper"]}))
    gone = "arn:aws:sqs:us-east-1:000000000000:nobody-is-here"
    broken = "arn:aws:lambda:us-east-1:000000000000:function:nobody-is-here"
    targets = [{"Id": "queue", "Arn": gone}, {"Id": "function", "Arn": broken}]
    events.put_targets(Rule="ill", EventBusName=name, Targets=targets)
    told = [
        event
        for seq, what in enumerate((EventType.REQUEST_CREATED, EventType.DOWNLOAD_COMPLETED), 1)
        if (event := announced(an_entry(item, seq, event=Event(type=what, at=START))))
    ]
    EventBridgeBus(emulator.aws.events, name).publish(told)
    assert sorted(found["detail"]["id"] for found in well.events(at_least=2)) == [f"{item}:1", f"{item}:2"]
