"""An album's children as work that waits: who of them may run next (protocol rules 4 and 11)."""

from dataclasses import replace
from typing import Any

import pytest

from cratekeeper.domain.ids import child_id
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Chunk, Download
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Create
from cratekeeper.ports import WaitingEntry
from cratekeeper.services.release import Seen
from tests.support.builders import (
    Values,
    a_child,
    a_chunk,
    a_control,
    a_download,
    a_held,
    a_permit,
    an_album,
    at,
    root_id,
)
from tests.support.crash import meanwhile, showing
from tests.support.crate import Crate

A, FREE = root_id(1), root_id(9)


def fill(crate: Crate, *, at_most: int) -> int:
    return crate.release.fill(crate.world.control, at_most=at_most)


def stored(crate: Crate, *records: Download | Chunk) -> None:
    crate.world.store.commit(*map(Create, records))


def family(crate: Crate, count: int = 3, **fields: Any) -> Download:
    """An album that waits for as many children, none of which has started."""
    album = an_album(count, **fields)
    stored(crate, album, *(a_child(ordinal, lane=album.lane) for ordinal in range(1, count + 1)))
    return album


def test_an_expanded_album_swaps_its_permit_to_its_children(crate: Crate) -> None:
    album = family(crate, 5)
    crate.permit(A)
    crate.release.offer_children(album, crate.world.control, held=a_held(A))
    assert crate.held() == {child_id(A, ordinal) for ordinal in (1, 2, 3)}
    assert crate.rung() == [child_id(A, ordinal) for ordinal in (1, 2, 3)]
    assert crate.hungry() == {Lane.NORMAL: {child_id(A, 4)}}


def test_room_that_comes_before_the_next_childs_mark_is_used(crate: Crate) -> None:
    """Rule 5."""
    album = family(crate, 5)
    crate.permit(A)
    first_two = [child_id(A, 1), child_id(A, 2)]
    meanwhile(crate.world.calls, "permits.mark", lambda: crate.permit(*first_two))
    crate.release.offer_children(album, crate.world.control, held=a_held(A))
    assert crate.held() == {*first_two, child_id(A, 3)}
    assert crate.rung().count(child_id(A, 3)) == 2


def test_an_expanded_album_without_a_limit_rings_all_its_children() -> None:
    crate = Crate.of(limit=None)
    crate.release.offer_children(family(crate), crate.world.control, held=None)
    assert crate.rung() == [child_id(A, ordinal) for ordinal in (1, 2, 3)]


@pytest.mark.parametrize("limit", [3, None])
def test_the_children_of_a_paused_queue_wait(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    album = family(crate)
    crate.permit(A, paused=True)
    crate.release.offer_children(album, crate.world.control, held=a_held(A))
    assert crate.rung() == []


def test_held_children_are_passed_over(crate: Crate) -> None:
    family(crate, held=frozenset({1, 2}))
    assert fill(crate, at_most=3) == 1
    assert crate.held() == {child_id(A, 3)}


@pytest.mark.parametrize("fields", [{"state": State.RETRY_WAITING, "next_retry_at": at(9)}, {"state": State.CANCELLED}])
def test_a_child_that_cannot_be_claimed_is_passed_over(crate: Crate, fields: Values) -> None:
    stored(crate, an_album(2), a_child(1, **fields), a_child(2))
    assert fill(crate, at_most=3) == 1
    assert crate.held() == {child_id(A, 2)}


def test_an_album_whose_children_all_run_leaves_the_index(crate: Crate) -> None:
    """Rule 11."""
    album = family(crate, 1)
    crate.permit(child_id(A, 1))
    fill(crate, at_most=3)
    assert crate.item(album).waiting is None


def test_an_album_stays_in_the_index_if_a_child_becomes_releasable_meanwhile(crate: Crate) -> None:
    album = family(crate, 1, held=frozenset({1}))
    freed = replace(crate.item(album), held=frozenset())
    meanwhile(crate.world.calls, "store.write", lambda: crate.world.table.parts[A].update(D=freed))
    fill(crate, at_most=3)
    assert crate.item(album).waiting == Waiting(Lane.NORMAL, Rank.CHILDREN)


def test_children_of_further_chunks_follow_those_of_the_first(crate: Crate) -> None:
    album = an_album(100, open=frozenset({98}), open_chunks=frozenset({1, 2}))
    stored(crate, album, a_child(98), a_chunk(1, open=frozenset({99, 100}), held=frozenset({99})), a_child(100))
    assert fill(crate, at_most=3) == 2
    assert crate.held() == {child_id(A, 98), child_id(A, 100)}


def test_a_finisher_that_has_just_seen_its_album_needs_no_read_of_it(crate: Crate) -> None:
    album = family(crate)
    crate.permit(FREE)
    seen = crate.world.calls.counting()
    grant = crate.release.hand_on(a_held(FREE), seen=Seen(crate.world.control, album), keeps=True)
    assert grant is not None
    assert grant.seeker.id == child_id(A, 1)
    assert grant.album == album
    assert "store.get" not in seen


def test_an_old_view_without_work_still_serves_who_became_hungry(crate: Crate) -> None:
    """Rule 6."""
    album = family(crate, 1)
    crate.permit(FREE, child_id(A, 1))
    old = crate.world.control
    stored(crate, a_child(1, root=FREE))
    crate.permit(FREE, child_id(A, 1), hungry={Lane.NORMAL: frozenset({child_id(FREE, 1)})})
    grant = crate.release.hand_on(a_held(FREE), seen=Seen(old, album), keeps=True)
    assert grant is not None
    assert grant.seeker.id == child_id(FREE, 1)


def test_an_old_view_of_a_lane_that_became_hungry_is_looked_at_again(crate: Crate) -> None:
    album = family(crate)
    old = a_control(FREE)
    stored(crate, a_child(1, root=FREE, state=State.PENDING))
    crate.permit(FREE, hungry={Lane.NORMAL: frozenset({child_id(FREE, 1)})})
    grant = crate.release.hand_on(a_held(FREE), seen=Seen(old, album), keeps=True)
    assert grant is not None
    assert grant.seeker.id == child_id(A, 1)
    assert grant.seeker.permit.until == at(60)


def test_children_of_an_album_that_was_retried_are_read_before_they_are_granted(crate: Crate) -> None:
    stored(crate, an_album(2, round=1), a_child(1, state=State.COMPLETED), a_child(2, round=1, epoch=3))
    crate.permit(FREE)
    grant = crate.release.hand_on(a_held(FREE), seen=Seen(crate.world.control, crate.item(A)), keeps=True)
    assert grant is not None
    assert (grant.seeker.id, grant.seeker.permit) == (child_id(A, 2), a_permit(epoch=3, round=1))


@pytest.mark.parametrize("rank", [Rank.CHILDREN, Rank.ROOT])
@pytest.mark.parametrize("items", [[], [an_album(1, state=State.COMPLETED)]])
def test_an_index_entry_that_is_out_of_date_is_passed_over(crate: Crate, rank: Rank, items: list[Download]) -> None:
    for item in items:
        stored(crate, item)
    showing(crate.world.calls, "store.waiting", [WaitingEntry(A, Lane.NORMAL, rank)])
    assert fill(crate, at_most=3) == 0


@pytest.mark.parametrize("hungry", [{}, {Lane.NORMAL: frozenset({child_id(root_id(2), 2)})}])
def test_children_of_an_older_album_go_first_whatever_a_finisher_has_just_seen(
    crate: Crate, hungry: dict[Lane, frozenset[str]]
) -> None:
    """So it is after the older album's only hungry child was granted: the others have no mark."""
    older, younger = an_album(2), an_album(2, id=root_id(2))
    stored(crate, older, younger, a_child(2), a_child(2, root=younger.id))
    finished = child_id(younger.id, 1)
    crate.permit(child_id(A, 1), finished, limit=2, hungry=hungry)
    seen = Seen(crate.world.control, replace(younger, open=frozenset({2})))
    crate.release.hand_on(a_held(finished), seen=seen)
    assert crate.held() == {child_id(A, 1), child_id(A, 2)}


def test_work_that_is_listed_in_a_higher_lane_than_its_own_takes_nobodys_turn(crate: Crate) -> None:
    """The index lags behind a new priority; the grant would be refused while that lane is hungry."""
    family(crate, 1, lane=Lane.LOW)
    stored(crate, a_download(root_id(2)))
    crate.permit(hungry={Lane.NORMAL: frozenset({root_id(2)})})
    showing(crate.world.calls, "store.waiting", [WaitingEntry(A, Lane.HIGH, Rank.CHILDREN)])
    grant = crate.release.next(crate.world.control)
    assert grant is not None
    assert grant.seeker.id == root_id(2)


def test_work_that_is_listed_in_a_higher_lane_runs_where_nothing_else_waits(crate: Crate) -> None:
    album = family(crate, 1, lane=Lane.LOW)
    showing(crate.world.calls, "store.waiting", [WaitingEntry(A, Lane.HIGH, Rank.CHILDREN)])
    grant = crate.release.next(crate.world.control)
    assert grant is not None
    assert (grant.seeker.id, grant.seeker.lane) == (child_id(album.id, 1), album.lane)
