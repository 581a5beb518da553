"""Who may run next: takes, swaps, drops, hungry marks (protocol rules 3-6 and 11)."""

from dataclasses import replace
from typing import Any

import pytest

from cratekeeper.domain.control import Held, Permit
from cratekeeper.domain.errors import PermitRefused
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Chunk, Download
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Create
from cratekeeper.services.release import HUNGRY
from tests.support.builders import (
    Values,
    a_child,
    a_download,
    a_held,
    a_permit,
    an_album,
    at,
    root_id,
)
from tests.support.crash import meanwhile
from tests.support.crate import Crate

A, B, C = root_id(1), root_id(2), root_id(3)
FREE = root_id(9)


def fill(crate: Crate, *, at_most: int) -> int:
    return crate.release.fill(crate.world.control, at_most=at_most)


def stored(crate: Crate, *records: Download | Chunk) -> None:
    crate.world.store.commit(*map(Create, records))


def pending(crate: Crate, download_id: str = A, **fields: Any) -> Download:
    """A root that waits for its first start."""
    item = a_download(download_id, **fields)
    stored(crate, item)
    return item


def test_what_becomes_runnable_gets_a_permit_of_its_attempt_and_is_rung(crate: Crate) -> None:
    crate.release.offer(pending(crate, epoch=4, round=2))
    assert crate.world.control.permits == {A: Permit(at(60), 4, 2)}
    assert crate.rung() == [A]


def test_without_room_an_id_is_marked_hungry_and_not_rung(crate: Crate) -> None:
    crate.permit("x", "y", "z")
    crate.release.offer(pending(crate))
    assert crate.hungry() == {Lane.NORMAL: {A}}
    assert crate.rung() == []


def test_a_lane_with_many_hungry_ids_needs_no_further_mark(crate: Crate) -> None:
    crate.permit("x", "y", "z", hungry={Lane.NORMAL: frozenset(map(root_id, range(10, 10 + HUNGRY)))})
    crate.release.offer(pending(crate))
    assert len(crate.hungry()[Lane.NORMAL]) == HUNGRY


@pytest.mark.parametrize("closed", [{"paused": True}, {"limit": 0}])
def test_a_closed_queue_grants_and_marks_nothing(crate: Crate, closed: Values) -> None:
    crate.permit(**closed)
    crate.release.offer(pending(crate))
    assert (crate.held(), crate.hungry(), crate.rung()) == (set(), {}, [])


def test_without_a_limit_everything_is_rung_at_once_without_permits() -> None:
    crate = Crate.of(limit=None)
    items = [pending(crate, each) for each in (A, B, C)]
    for item in items:
        crate.release.offer(item)
    assert crate.rung() == [A, B, C]
    assert crate.held() == set()


@pytest.mark.parametrize("limit", [1, None])
def test_a_paused_queue_rings_nothing_whatever_its_limit(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    crate.permit(paused=True)
    crate.release.offer(pending(crate))
    assert crate.rung() == []


@pytest.mark.case("Q-01")
def test_permits_go_strictly_by_lane() -> None:
    crate = Crate.of(limit=1)
    for number, lane in enumerate((Lane.LOW, Lane.NORMAL, Lane.HIGH), 1):
        pending(crate, root_id(number), lane=lane)
    assert handed_on(crate, times=3) == [C, B, A]


@pytest.mark.case("Q-02", "Q-06")
def test_in_a_lane_the_oldest_goes_first_whatever_was_rung_first() -> None:
    crate = Crate.of(limit=1)
    for each in (C, A, B):
        pending(crate, each)
    assert handed_on(crate, times=3) == [A, B, C]


@pytest.mark.case("Q-07")
def test_children_of_a_started_album_go_before_an_older_album() -> None:
    crate = Crate.of(limit=1)
    stored(crate, a_download(A), an_album(2, id=B), a_child(1, root=B), a_child(2, root=B))
    assert handed_on(crate, times=3) == [child_id(B, 1), child_id(B, 2), A]


def handed_on(crate: Crate, *, times: int) -> list[str]:
    """Who gets the one permit, one after the other, if each of them ends as soon as it has it."""
    crate.permit(FREE)
    for _ in range(times):
        [(each, permit)] = crate.world.control.permits.items()
        if each != FREE:
            item = crate.item(each)
            ended = replace(item, state=State.COMPLETED, waiting=None)
            crate.world.table.parts[item.key.root][item.key.part] = ended
            if not item.is_root:
                crate.settle.child(ended, None)
        crate.release.hand_on(Held(each, permit))
    return crate.rung()


def test_a_release_takes_the_best_and_never_simply_its_own() -> None:
    crate = Crate.of(limit=1)
    pending(crate, A, lane=Lane.HIGH)
    crate.release.offer(pending(crate, B))
    assert crate.held() == {A}
    assert crate.hungry() == {Lane.NORMAL: {B}}


def test_room_for_several_is_used_until_the_own_id_has_its_permit(crate: Crate) -> None:
    stored(crate, a_download(A), a_download(B))
    crate.release.offer(pending(crate, C))
    assert crate.held() == {A, B, C}


def test_a_hungry_id_is_served_before_the_index_shows_it(crate: Crate) -> None:
    stored(crate, a_download(A), a_download(B))
    crate.world.table.lag = len(crate.world.table.stream)
    crate.permit(FREE, hungry={Lane.NORMAL: frozenset({B})})
    crate.release.hand_on(a_held(FREE))
    assert (crate.held(), crate.hungry()) == ({B}, {})


@pytest.mark.parametrize("state", [State.PAUSED, State.COMPLETED, State.IN_PROGRESS])
def test_a_hungry_id_that_cannot_run_is_removed_on_sight(crate: Crate, state: State) -> None:
    stored(crate, a_download(A, state=state), a_download(B))
    crate.permit(FREE, hungry={Lane.NORMAL: frozenset({A})})
    crate.release.hand_on(a_held(FREE))
    assert crate.held() == {B}
    assert crate.hungry() == {}


def test_a_hungry_id_whose_earlier_attempt_holds_a_permit_stays_hungry(crate: Crate) -> None:
    pending(crate, A, epoch=1)
    crate.permit(FREE, A, hungry={Lane.NORMAL: frozenset({A})})
    crate.release.hand_on(a_held(FREE))
    assert (crate.held(), crate.hungry()) == ({A}, {Lane.NORMAL: {A}})


def test_a_swap_is_one_write_and_a_drop_only_where_there_is_no_work(crate: Crate) -> None:
    crate.permit(FREE)
    crate.release.hand_on(a_held(FREE))
    assert crate.held() == set()


def test_a_zombie_cannot_drop_its_successors_permit(crate: Crate) -> None:
    crate.permit(FREE)
    crate.release.hand_on(a_held(FREE, a_permit(epoch=7)))
    assert crate.held() == {FREE}


def test_work_that_comes_between_a_look_and_a_drop_is_not_lost(crate: Crate) -> None:
    """Rule 6: the answer to the drop shows who found no room."""
    crate = Crate.of(limit=1)
    crate.permit(FREE)
    meanwhile(crate.world.calls, "permits.drop", lambda: crate.release.offer(pending(crate)))
    crate.release.hand_on(a_held(FREE))
    assert crate.held() == {A}
    assert crate.rung() == [A]


def test_room_that_comes_before_a_mark_is_taken(crate: Crate) -> None:
    """Rule 5: a refused mark means that room appeared."""
    crate = Crate.of(limit=1)
    crate.permit(FREE)
    meanwhile(crate.world.calls, "permits.mark", crate.permit)
    crate.release.offer(pending(crate))
    assert (crate.held(), crate.hungry()) == ({A}, {})


def test_an_id_whose_earlier_attempt_still_holds_a_permit_is_marked(crate: Crate) -> None:
    item = pending(crate, epoch=1)
    crate.permit(A)
    crate.release.offer(item)
    assert crate.hungry() == {Lane.NORMAL: {A}}


def test_an_id_that_has_its_permit_already_is_left_alone(crate: Crate) -> None:
    item = pending(crate)
    crate.permit(A)
    crate.release.offer(item)
    assert (crate.held(), crate.hungry(), crate.rung()) == ({A}, {}, [])


def test_a_lapsed_permit_is_taken_over(crate: Crate) -> None:
    crate = Crate.of(limit=1)
    crate.permit(permits={"dead": a_permit(at(-1))})
    crate.release.offer(pending(crate))
    assert crate.held() == {A}


def test_an_ids_own_lapsed_permit_is_replaced(crate: Crate) -> None:
    crate.permit(permits={A: a_permit(at(-1))})
    crate.release.offer(pending(crate, epoch=1))
    assert crate.world.control.permits == {A: a_permit(epoch=1)}


def test_a_lapsed_permit_of_another_is_left_where_there_is_room(crate: Crate) -> None:
    crate.permit(permits={"dead": a_permit(at(-1))})
    crate.release.offer(pending(crate))
    assert crate.held() == {"dead", A}


def test_nobody_passes_a_hungry_higher_lane(crate: Crate) -> None:
    pending(crate, B, lane=Lane.HIGH)
    crate.permit(hungry={Lane.HIGH: frozenset({B})})
    crate.release.offer(pending(crate, A))
    assert (crate.held(), crate.hungry()) == ({A, B}, {})
    assert crate.rung() == [B, A]


def test_a_hungry_higher_lane_that_appears_meanwhile_is_served_first(crate: Crate) -> None:
    crate = Crate.of(limit=1)
    pending(crate, A)
    crate.permit(FREE)
    meanwhile(crate.world.calls, "permits.swap", lambda: crate.release.offer(pending(crate, B, lane=Lane.HIGH)))
    crate.release.hand_on(a_held(FREE))
    assert crate.held() == {B}


def test_a_lowered_limit_lets_the_permits_above_it_go(crate: Crate) -> None:
    crate.permit("x", FREE, limit=1)
    pending(crate)
    crate.release.hand_on(a_held(FREE))
    assert crate.held() == {"x"}
    assert crate.rung() == []


def test_a_limit_that_changes_between_read_and_write_is_looked_at_again(crate: Crate) -> None:
    meanwhile(crate.world.calls, "permits.take", lambda: crate.permit(limit=0))
    crate.release.offer(pending(crate))
    assert (crate.held(), crate.hungry()) == (set(), {})


def test_a_permit_that_was_taken_over_is_forgotten(crate: Crate) -> None:
    pending(crate)
    crate.permit(FREE)
    meanwhile(crate.world.calls, "permits.swap", lambda: crate.permit("x", "y", "z"))
    crate.release.hand_on(a_held(FREE))
    assert crate.held() == {"x", "y", "z"}


@pytest.mark.parametrize("site", ["permits.take", "permits.swap", "permits.drop"])
def test_our_own_write_whose_answer_was_lost_counts_once(crate: Crate, site: str) -> None:
    crate.permit(FREE)
    crate.world.calls.losing(site)
    crate.release.offer(pending(crate, A))
    crate.release.hand_on(a_held(FREE))
    assert crate.held() == {A}
    assert crate.rung() == [A]


def test_a_queue_that_changes_too_fast_is_left_to_the_dispatcher(crate: Crate) -> None:
    def refuse(called: str, call: object) -> object:
        if called == "permits.take":
            raise PermitRefused(crate.world.control)
        assert callable(call)
        return call()

    crate.world.calls.around = refuse
    crate.release.offer(pending(crate))
    assert crate.held() == set()


def test_a_worker_that_has_the_item_in_hand_keeps_its_permit_unrung(crate: Crate) -> None:
    item = pending(crate)
    assert crate.release.claimable(item, held=None) == a_held(A)
    assert crate.rung() == []


def test_a_worker_is_refused_where_there_is_no_room(crate: Crate) -> None:
    crate.permit("x", "y", "z")
    assert crate.release.claimable(pending(crate), held=None) is None
    assert crate.hungry() == {Lane.NORMAL: {A}}


def test_a_worker_rings_those_who_go_before_its_item(crate: Crate) -> None:
    pending(crate, A)
    item = pending(crate, B)
    assert crate.release.claimable(item, held=None) == a_held(B)
    assert crate.rung() == [A]


def test_a_grant_is_kept_for_a_worker_that_goes_on_with_it(crate: Crate) -> None:
    pending(crate)
    crate.permit(FREE)
    grant = crate.release.hand_on(a_held(FREE), keeps=True)
    assert grant is not None
    assert grant.seeker.id == A
    assert crate.rung() == []
    crate.release.ring(grant.seeker)
    assert crate.rung() == [A]


def test_without_a_limit_a_permit_of_earlier_is_dropped() -> None:
    crate = Crate.of(limit=None)
    crate.permit(FREE)
    assert crate.release.hand_on(a_held(FREE), keeps=True) is None
    assert crate.held() == set()


def test_free_permits_are_used_up_to_the_bound(crate: Crate) -> None:
    stored(crate, *(a_download(each) for each in (A, B, C)))
    assert fill(crate, at_most=2) == 2
    assert crate.held() == {A, B}
    assert fill(crate, at_most=9) == 1
    assert fill(crate, at_most=9) == 0


def test_a_second_ring_renews_the_permit(crate: Crate) -> None:
    item = pending(crate)
    crate.permit(A)
    crate.world.clock.advance(30)
    crate.release.ring_again(item, a_held(A))
    assert crate.world.control.permits[A].until == at(90)
    assert crate.rung() == [A]


def test_of_two_second_rings_one_is_made(crate: Crate) -> None:
    item = pending(crate)
    crate.permit(A)
    crate.world.clock.advance(30)
    for _ in range(2):
        crate.release.ring_again(item, a_held(A))
        crate.world.clock.advance(0.001)
    assert crate.rung() == [A]


def test_a_permit_is_handed_to_whom_an_earlier_one_has_lapsed(crate: Crate) -> None:
    """A second permit in its name would refuse the swap for ever."""
    pending(crate)
    crate.permit(permits={FREE: a_permit(), A: a_permit(at(-1))})
    grant = crate.release.hand_on(a_held(FREE), keeps=True)
    assert grant is not None
    assert grant.seeker.id == A
    assert crate.world.control.permits == {A: grant.seeker.permit}
