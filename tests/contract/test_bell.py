"""The port Bell: messages that hold only an id, and how long they hide."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from cratekeeper.adapters.sqs import SqsBell
from cratekeeper.domain.lanes import Lane
from cratekeeper.ports import Bell
from tests.contract.emulator import Emulator
from tests.contract.samples import an_id
from tests.memory.world import World

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Queues:
    """The bell, and a worker's view of its queues: receive gives (receipt, id) or None."""

    bell: Bell
    receive: Callable[[Lane], tuple[str, str] | None]


def queues_in_memory() -> Queues:
    world = World.of()

    def receive(lane: Lane) -> tuple[str, str] | None:
        for message in world.bell.visible():
            if message.lane is lane:
                world.bell.hide(message)
                return message.receipt, message.download_id
        return None

    return Queues(world.bell, receive)


def queues_on(emulator: Emulator) -> Queues:
    sqs, number = emulator.client("sqs"), next(_numbers)
    urls = {lane: sqs.create_queue(QueueName=f"lane-{lane.value}-{number}")["QueueUrl"] for lane in Lane}

    def receive(lane: Lane) -> tuple[str, str] | None:
        messages: list[dict[str, Any]] = sqs.receive_message(QueueUrl=urls[lane]).get("Messages", [])
        if not messages:
            return None
        body = json.loads(messages[0]["Body"])
        assert set(body) == {"id"}
        return messages[0]["ReceiptHandle"], body["id"]

    return Queues(SqsBell(emulator.aws.sqs, urls), receive)


@pytest.fixture
def queues(backend: str, request: pytest.FixtureRequest) -> Queues:
    if backend == "memory":
        return queues_in_memory()
    return queues_on(request.getfixturevalue("emulator"))


def received(queues: Queues, lane: Lane) -> set[str]:
    found = set()
    while message := queues.receive(lane):
        found.add(message[1])
    return found


@pytest.mark.parametrize("how_many", [0, 1, 10, 11, 25])
def test_each_id_is_one_message(queues: Queues, how_many: int) -> None:
    ids = [an_id() for _ in range(how_many)]
    queues.bell.ring(Lane.NORMAL, ids)
    assert received(queues, Lane.NORMAL) == set(ids)


def test_each_lane_has_its_queue(queues: Queues) -> None:
    ids = {lane: an_id() for lane in Lane}
    for lane, each in ids.items():
        queues.bell.ring(lane, [each])
    assert {lane: received(queues, lane) for lane in Lane} == {lane: {each} for lane, each in ids.items()}


def test_one_id_may_be_rung_twice(queues: Queues) -> None:
    root = an_id()
    queues.bell.ring(Lane.HIGH, [root, root])
    assert [queues.receive(Lane.HIGH) is not None for _ in range(3)] == [True, True, False]


def test_a_postponed_message_hides(queues: Queues) -> None:
    queues.bell.ring(Lane.LOW, [an_id()])
    message = queues.receive(Lane.LOW)
    assert message is not None
    queues.bell.postpone(message[0], Lane.LOW, seconds=43_200)
    assert queues.receive(Lane.LOW) is None
    queues.bell.postpone(message[0], Lane.LOW, seconds=0)
    again = queues.receive(Lane.LOW)
    assert again is not None
    assert again[1] == message[1]


def test_a_ring_may_be_delayed(queues: Queues) -> None:
    ids = [an_id() for _ in range(11)]
    queues.bell.ring(Lane.HIGH, ids, delay_s=900)
    assert queues.receive(Lane.HIGH) is None


@pytest.mark.parametrize("seconds", [-1, 901])
def test_nothing_is_delayed_longer_than_a_quarter_of_an_hour(queues: Queues, seconds: int) -> None:
    with pytest.raises(ValueError, match=str(seconds)):
        queues.bell.ring(Lane.HIGH, [an_id()], delay_s=seconds)


@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_nothing_hides_longer_than_twelve_hours(queues: Queues, seconds: int) -> None:
    queues.bell.ring(Lane.LOW, [an_id()])
    message = queues.receive(Lane.LOW)
    assert message is not None
    with pytest.raises(ValueError, match=str(seconds)):
        queues.bell.postpone(message[0], Lane.LOW, seconds=seconds)


def test_a_message_that_is_gone_cannot_be_postponed(queues: Queues) -> None:
    queues.bell.postpone("a receipt of nothing", Lane.LOW, seconds=5)
    assert queues.receive(Lane.LOW) is None
