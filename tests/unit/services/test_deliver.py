from datetime import timedelta

import pytest

from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.services.deliver import AGAIN_S, Message
from tests.support.crate import Crate


def run(crate: Crate, item: Download) -> bool:
    """Deal with the first message of an item as the function does."""
    received = next(each for each in crate.world.bell.messages.values() if each.download_id == item.id)
    crate.world.bell.hide(received)
    message = Message(receipt=received.receipt, lane=received.lane, download_id=received.download_id)
    return crate.delivery.run(message, deadline=crate.world.clock.now() + timedelta(seconds=900))


def hidden_s(crate: Crate) -> float:
    """For how long the first message is hidden."""
    at = crate.world.bell.next_visible_at()
    assert at is not None
    return (at - crate.world.clock.now()).total_seconds()


def test_a_message_that_was_dealt_with_does_not_come_back(crate: Crate) -> None:
    item = crate.track()
    assert run(crate, item)
    assert crate.item(item).state is State.COMPLETED
    assert crate.world.log.actions()[-1] == "message_done"


def test_a_message_of_a_waiting_item_comes_back_when_it_is_due(crate: Crate) -> None:
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.TIMEOUT)
    assert not run(crate, item)
    due_at = crate.item(item).next_retry_at
    assert due_at is not None
    assert 0 <= hidden_s(crate) - (due_at - crate.world.clock.now()).total_seconds() < 1


def test_trouble_with_a_message_brings_it_back_soon(crate: Crate) -> None:
    item = crate.track()
    crate.world.calls.failing("store.briefing")
    assert not run(crate, item)
    assert hidden_s(crate) == AGAIN_S
    assert "message_failed" in crate.world.log.actions()


def test_trouble_with_one_message_is_none_for_the_next(crate: Crate) -> None:
    """I24."""
    first, second = crate.track("a"), crate.track("b")
    crate.world.calls.failing("store.briefing")
    assert [run(crate, first), run(crate, second)] == [False, True]


def test_a_message_that_cannot_be_hidden_comes_back_by_itself(crate: Crate) -> None:
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.TIMEOUT)
    crate.world.calls.failing("bell.postpone")
    assert not run(crate, item)
    assert hidden_s(crate) == crate.world.bell.visibility_s
    assert "postpone_failed" in crate.world.log.actions()


@pytest.mark.parametrize("lane", Lane)
def test_a_message_that_is_none_of_ours_is_done(crate: Crate, lane: Lane) -> None:
    message = Message(receipt="r", lane=lane, download_id=None)
    assert crate.delivery.run(message, deadline=crate.world.clock.now())
    assert crate.world.log.actions() == ["message_ignored"]
