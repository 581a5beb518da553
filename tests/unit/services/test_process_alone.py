"""One item by name: the worker's own path, and nothing beside it."""

from datetime import datetime, timedelta

from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.states import State
from tests.support.builders import a_running, root_id
from tests.support.crate import Crate


def soon(crate: Crate) -> datetime:
    return crate.world.clock.now() + timedelta(seconds=900)


def test_an_item_is_finished_and_the_next_one_is_rung_and_not_begun() -> None:
    crate = Crate.of(limit=1)
    first, second = crate.track("first"), crate.track("second")
    assert crate.process.alone(first.id, deadline=soon(crate))
    assert [crate.item(each).state for each in (first, second)] == [State.COMPLETED, State.PENDING]
    assert (crate.held(), crate.rung()) == ({second.id}, [first.id, second.id])


def test_an_item_that_waits_for_a_retry_is_rung_again_when_it_is_due() -> None:
    crate = Crate.of(limit=1)
    track = crate.track(lane=Lane.LOW)
    message = crate.world.bell.receive()
    assert message
    crate.world.bell.acknowledge(message.receipt)
    crate.world.provider.fail("audio", track.content_id, ErrorType.TIMEOUT)
    assert crate.process.alone(track.id, deadline=soon(crate))
    assert (crate.item(track).state, crate.rung(), crate.held()) == (State.RETRY_WAITING, [track.id], set())
    assert not crate.deliver()
    crate.world.clock.advance(60)
    assert crate.deliver()
    assert crate.item(track).state is State.COMPLETED


def test_what_is_anothers_or_unknown_is_not_ours() -> None:
    crate = Crate.of()
    crate.put(a_running())
    for download_id in (root_id(), root_id(9)):
        assert not crate.process.alone(download_id, deadline=soon(crate))
    assert crate.item(root_id()) == a_running()
    assert crate.rung() == []
