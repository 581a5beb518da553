"""Counts: exact while they are few, recounted when they are many, and never dearer."""

import pytest

from cratekeeper.domain.counts import COUNTED, EXACT
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.states import State
from cratekeeper.services.counting import Counting
from tests.support.builders import a_download, at, root_id
from tests.support.crate import Crate


def waiting(crate: Crate, count: int, *, first: int = 1, **fields: State | Lane) -> None:
    crate.put(*(a_download(root_id(number), due_at=None, **fields) for number in range(first, first + count)))


@pytest.mark.case("Q-17")
def test_a_fresh_system_has_nothing_in_its_queue(crate: Crate) -> None:
    found = crate.queries.queue()
    assert (found.active, found.by_lane, found.retry_waiting) == (0, dict.fromkeys(Lane, 0), 0)
    assert not found.control.paused


@pytest.mark.parametrize("count", [EXACT - 1, EXACT])
def test_up_to_a_thousand_it_is_counted(crate: Crate, count: int) -> None:
    waiting(crate, count)
    crate.world.store.recount(now=at(0), older_than=at(0))
    waiting(crate, 1, first=EXACT + 1, state=State.PAUSED)
    assert Counting(store=crate.world.store).lanes()[Lane.NORMAL] == count


def test_beyond_a_thousand_the_last_recount_is_shown(crate: Crate) -> None:
    counting = Counting(store=crate.world.store)
    waiting(crate, EXACT + 50)
    assert counting.lanes()[Lane.NORMAL] == EXACT + 1
    crate.permit(root_id(1))
    crate.dispatch.tick()
    waiting(crate, 9, first=EXACT + 51)
    assert counting.lanes() == {Lane.HIGH: 0, Lane.NORMAL: EXACT + 50, Lane.LOW: 0}
    crate.world.clock.advance(60)
    crate.dispatch.tick()
    assert counting.lanes()[Lane.NORMAL] == EXACT + 59


@pytest.mark.parametrize("state", COUNTED)
def test_states_are_counted_likewise(crate: Crate, state: State) -> None:
    counting = Counting(store=crate.world.store)
    waiting(crate, EXACT + 20, state=state)
    assert counting.states(COUNTED)[state] == EXACT + 1
    crate.world.store.recount(now=at(0), older_than=at(0))
    assert counting.states(COUNTED) == {each: EXACT + 20 if each is state else 0 for each in COUNTED}


def test_a_recount_is_made_once_a_minute_and_only_if_something_goes_on(crate: Crate) -> None:
    seen = crate.world.calls.counting()
    crate.dispatch.tick()
    assert "store.recount" not in seen
    crate.world.calls.around = None
    waiting(crate, 2)
    crate.permit(root_id(1))
    crate.dispatch.tick()
    first = crate.world.table.counts
    crate.world.clock.advance(2)
    crate.dispatch.tick()
    assert first is not None
    assert crate.world.table.counts is first
    crate.world.clock.advance(58)
    crate.dispatch.tick()
    assert crate.world.table.counts is not first


@pytest.mark.case("Q-15")
def test_the_queue_costs_the_same_however_long_it_is(crate: Crate) -> None:
    def calls() -> dict[str, int]:
        seen = crate.world.calls.counting()
        crate.queries.queue()
        crate.world.calls.around = None
        return seen

    waiting(crate, 100)
    few = calls()
    waiting(crate, 3 * EXACT)
    assert calls() == {**few, "store.recounted": 1}
