"""The dispatcher's tick: the backstop that finds lost rings, lapsed leases, due and parked work."""

from dataclasses import replace
from datetime import datetime

import pytest

from cratekeeper.domain.errors import Unavailable
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.services.dispatch import RELAXED_VISITS, RERING_AFTER_S, Tick
from cratekeeper.services.release import HUNGRY
from tests.support.builders import (
    ROOT,
    Values,
    a_download,
    a_held,
    a_permit,
    a_running,
    at,
    root_id,
)
from tests.support.crash import meanwhile
from tests.support.crate import ONE_BY_ONE, Crate

NOTHING = Tick(visited=0, granted=0, cleaned=0)
DUE: Values = {"state": State.RETRY_WAITING, "next_retry_at": at(0), "due_at": at(0)}


def in_a_minute(crate: Crate) -> Tick:
    crate.world.clock.advance(60)
    return crate.dispatch.tick()


def test_a_tick_of_an_empty_system_does_nothing(crate: Crate) -> None:
    assert crate.dispatch.tick() == NOTHING


def test_a_request_that_was_never_released_is(crate: Crate) -> None:
    crate.put(a_download())
    assert in_a_minute(crate).visited == 1
    assert (crate.held(), crate.rung()) == ({ROOT}, [ROOT])


@pytest.mark.parametrize("limit", [3, None])
def test_lost_messages_change_only_the_time(limit: int | None) -> None:
    """I8."""
    crate = Crate.of(limit=limit, knobs=ONE_BY_ONE)
    album = crate.album(tracks=3)
    for _ in range(12):
        crate.world.bell.messages.clear()
        in_a_minute(crate)
        crate.deliver()
    assert crate.item(album).state is State.COMPLETED


def test_a_ring_that_was_perhaps_lost_is_made_again_once_in_a_while(crate: Crate) -> None:
    crate.put(a_download(due_at=at(9999)))
    crate.permit(ROOT)
    rings = []
    for _ in range(2 * RERING_AFTER_S):
        crate.world.clock.advance(1)
        crate.dispatch.tick()
        rings.append(len(crate.rung()))
    assert rings == [0] * 9 + [1] * 10 + [2]


@pytest.mark.parametrize("item", [a_running(), a_download(epoch=1), a_download(state=State.COMPLETED)])
def test_only_a_permit_of_an_unclaimed_attempt_is_rung_again(crate: Crate, item: Download) -> None:
    crate.put(replace(item, due_at=None, waiting=None))
    crate.permit(ROOT)
    crate.world.clock.advance(30)
    crate.dispatch.tick()
    assert crate.rung() == []


@pytest.mark.parametrize("item", [None, a_running(lease_until=at(99)), a_download(state=State.FAILED)])
def test_a_lapsed_permit_of_what_cannot_run_is_dropped(crate: Crate, item: Download | None) -> None:
    if item:
        crate.put(replace(item, due_at=None))
    crate.permit(permits={ROOT: a_permit(at(-1))})
    assert crate.dispatch.tick().cleaned == 1
    assert crate.held() == set()


@pytest.mark.parametrize("item", [None, a_running(), a_download(state=State.FAILED)])
def test_a_hungry_mark_of_what_cannot_run_is_removed(crate: Crate, item: Download | None) -> None:
    if item:
        crate.put(replace(item, due_at=None))
    crate.permit(hungry={Lane.LOW: frozenset({ROOT})})
    assert crate.dispatch.tick().cleaned == 1
    assert crate.hungry() == {}


def test_a_hungry_mark_of_what_can_run_stays(crate: Crate) -> None:
    crate.put(a_download())
    crate.permit("x", "y", "z", hungry={Lane.NORMAL: frozenset({ROOT})})
    crate.dispatch.tick()
    assert crate.hungry() == {Lane.NORMAL: {ROOT}}


def test_more_permits_than_one_read_takes_are_looked_at(crate: Crate) -> None:
    gone = [root_id(number) for number in range(250)]
    crate.permit(permits=dict.fromkeys(gone, a_permit(at(-1))), limit=1000)
    assert crate.dispatch.tick().cleaned == 250


def test_a_tick_is_bounded_and_the_next_goes_on(crate: Crate) -> None:
    """I10."""
    dispatch = replace(crate.dispatch, at_most=8)
    for number in range(1, 41):
        crate.put(a_download(root_id(number), due_at=at(0)))
    assert dispatch.tick().visited <= 8
    visits = [dispatch.tick().visited for _ in range(20)]
    assert sum(visits) + 8 >= 40
    assert visits[-1] == 0


def test_two_dispatchers_at_once_are_harmless(crate: Crate) -> None:
    crate.put(a_download())
    crate.world.clock.advance(60)
    meanwhile(crate.world.calls, "store.write", crate.dispatch.tick)
    crate.dispatch.tick()
    assert (crate.held(), crate.rung()) == ({ROOT}, [ROOT])


def test_a_tick_uses_every_free_permit_in_order(crate: Crate) -> None:
    for number, lane in enumerate((Lane.LOW, Lane.NORMAL, Lane.NORMAL, Lane.HIGH), 1):
        crate.put(a_download(root_id(number), lane=lane))
    assert crate.dispatch.tick().granted == 3
    assert crate.rung() == [root_id(4), root_id(2), root_id(3)]


@pytest.mark.parametrize("closed", [{"paused": True}, {"limit": 0}])
def test_a_closed_queue_is_visited_but_nothing_is_granted(crate: Crate, closed: Values) -> None:
    crate.put(a_download())
    crate.permit(**closed)
    assert in_a_minute(crate) == Tick(visited=1, granted=0, cleaned=0)
    assert crate.rung() == []


@pytest.mark.parametrize(("limit", "leases"), [(3, RELAXED_VISITS), (None, 1)])
def test_a_root_that_waits_for_a_permit_is_visited_seldom(limit: int | None, leases: int) -> None:
    crate = Crate.of(limit=limit)
    crate.put(a_download())
    in_a_minute(crate)
    assert crate.item(ROOT).due_at == at(60 + 60 * leases)


# States of a root


@pytest.mark.case("T-11")
@pytest.mark.parametrize("high", [1, 2, 3, 4])
def test_of_two_due_retries_the_higher_priority_runs_first(high: int) -> None:
    crate = Crate.of(limit=1)
    for number in range(1, 5):
        lane = Lane.HIGH if number == high else Lane.LOW
        crate.put(a_download(root_id(number), lane=lane, **DUE))
    crate.dispatch.tick()
    assert crate.held() == {root_id(high)}


@pytest.mark.case("Q-05")
def test_a_retry_that_is_not_due_does_not_start(crate: Crate) -> None:
    crate.put(a_download(state=State.RETRY_WAITING, next_retry_at=at(1), due_at=at(1)))
    assert crate.dispatch.tick() == NOTHING
    assert crate.rung() == []


def test_a_due_retry_is_released(crate: Crate) -> None:
    crate.put(a_download(**DUE))
    crate.dispatch.tick()
    assert crate.rung() == [ROOT]


def test_a_lapsed_lease_is_released_under_the_next_epoch(crate: Crate) -> None:
    crate.put(a_running(due_at=at(60)))
    crate.world.clock.advance(61)
    crate.dispatch.tick()
    assert crate.world.control.permits == {ROOT: a_permit(at(121), epoch=1)}


@pytest.mark.parametrize(
    ("fields", "due_at"),
    [
        ({"state": State.RETRY_WAITING, "next_retry_at": at(90)}, at(90)),
        ({"state": State.IN_PROGRESS, "lease_until": at(80)}, at(80)),
        ({"state": State.PAUSED}, None),
    ],
)
def test_what_cannot_run_yet_is_visited_when_it_can(crate: Crate, fields: Values, due_at: datetime | None) -> None:
    crate.put(a_download(**fields))
    in_a_minute(crate)
    assert crate.item(ROOT).due_at == due_at
    assert crate.rung() == []


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_what_has_ended_is_left_alone(crate: Crate, state: State) -> None:
    ended = a_download(state=state, due_at=at(0))
    crate.put(ended)
    crate.dispatch.tick()
    assert crate.item(ROOT) == replace(ended, due_at=None)


def test_what_is_retried_while_its_end_is_looked_at_stays_due(crate: Crate) -> None:
    crate.put(a_download(state=State.FAILED, due_at=at(0)))
    active = a_download(round=1)
    meanwhile(crate.world.calls, "store.family", lambda: crate.put(active))
    crate.dispatch.tick()
    assert crate.item(ROOT) == active


def test_a_root_that_is_gone_is_left_alone(crate: Crate) -> None:
    crate.dispatch.visit(ROOT)
    assert crate.world.table.parts == {}


def test_a_root_that_moves_on_during_its_visit_is_left_alone(crate: Crate) -> None:
    crate.put(a_running(due_at=at(0)))
    ended = a_running(state=State.COMPLETED, lease_until=None)
    meanwhile(crate.world.calls, "store.write", lambda: crate.put(ended))
    crate.dispatch.tick()
    assert crate.item(ROOT) == ended


@pytest.mark.case("X-09")
def test_whoever_waits_for_a_permit_spends_nothing(crate: Crate) -> None:
    crate.permit("x", "y", "z", permits=dict.fromkeys("xyz", a_permit(at(10**6))))
    item = crate.track()
    for _ in range(100):
        in_a_minute(crate)
    assert (crate.item(item).retry_count, crate.item(item).attempts) == (0, 0)


@pytest.mark.case("X-09")
def test_whoever_waits_for_the_end_of_a_pause_spends_nothing_and_then_runs(crate: Crate) -> None:
    crate.permit(paused=True)
    item = crate.track()
    for _ in range(100):
        in_a_minute(crate)
        crate.drain()
    assert (crate.item(item).state, crate.item(item).attempts) == (State.PENDING, 0)
    crate.permit()
    in_a_minute(crate)
    crate.drain()
    assert crate.item(item).state is State.COMPLETED


def test_a_tick_that_the_table_does_not_answer_is_repeated_by_the_next(crate: Crate) -> None:
    crate.put(a_download())
    crate.world.calls.failing("store.write")
    with pytest.raises(Unavailable):
        in_a_minute(crate)
    in_a_minute(crate)
    assert crate.rung() == [ROOT]


def test_a_due_retry_keeps_its_place_however_many_ids_are_hungry(crate: Crate) -> None:
    younger = [root_id(number) for number in range(10, 10 + HUNGRY)]
    crate.put(a_download(ROOT, **DUE), *(a_download(each, due_at=at(99)) for each in younger))
    crate.permit("x", "y", "z", hungry={Lane.NORMAL: frozenset(younger)})
    crate.dispatch.tick()
    crate.release.hand_on(a_held("z"))
    assert ROOT in crate.held()


def test_lapsed_permits_above_a_lowered_limit_go_and_the_work_goes_on(crate: Crate) -> None:
    crate.permit(*(root_id(number) for number in range(2, 7)), limit=1)
    crate.put(a_download())
    crate.world.clock.advance(61)
    crate.dispatch.tick()
    crate.dispatch.tick()
    assert crate.held() == {ROOT}
    assert crate.rung() == [ROOT]


def test_what_is_about_to_start_is_not_read_again() -> None:
    crate = Crate.of(limit=3)
    waiting = [crate.track(f"track {number}") for number in range(3)]
    crate.put(a_download(root_id(9)))
    counted = crate.world.calls.counting()
    crate.release.offer(crate.world.item(root_id(9)))
    assert counted.get("store.get", 0) == 0
    assert crate.held() == {each.id for each in waiting}
