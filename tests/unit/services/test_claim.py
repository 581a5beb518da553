"""Claims: who may take an item, under which permit and with which capacity."""

from dataclasses import replace
from typing import Any

import pytest

from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import AlbumCapacity
from cratekeeper.domain.models import Cascade, Download
from cratekeeper.domain.states import State, Verb
from cratekeeper.services.process import LONGEST_POSTPONEMENT_S, Done, Postpone
from tests.support.builders import (
    NOW,
    ROOT,
    Values,
    a_child,
    a_download,
    a_permit,
    a_running,
    an_album,
    at,
)
from tests.support.crash import killed_at, meanwhile
from tests.support.crate import ONE_BY_ONE, Crate, Knobs

WAITS: Values = {"state": State.RETRY_WAITING, "next_retry_at": at(90)}


def put(crate: Crate, item: Download, *permits: str, **control: Any) -> Download:
    """Have an item in the table, and permits of a minute in the control item."""
    crate.put(item)
    crate.permit(*permits, **control)
    return item


@pytest.mark.case("T-01")
def test_a_claim_starts_the_attempt(crate: Crate) -> None:
    item = crate.track()
    killed_at(crate.world.calls, "provider.track", lambda: crate.work(item.id))
    claimed = crate.item(item)
    assert (claimed.state, claimed.attempts, claimed.epoch) == (State.IN_PROGRESS, 1, 1)
    assert (claimed.started_at, claimed.lease_until) == (NOW, at(60))


@pytest.mark.case("T-02")
@pytest.mark.parametrize(
    "item", [a_running(), a_running(state=State.COMPLETED, lease_until=None), a_download(state=State.PAUSED)]
)
def test_what_runs_is_paused_or_has_ended_is_not_claimed(crate: Crate, item: Download) -> None:
    put(crate, item)
    assert crate.work(ROOT) == Done()
    assert crate.item(ROOT) == item


@pytest.mark.case("N-03")
def test_four_workers_get_three_items_the_oldest_first(crate: Crate) -> None:
    items = [crate.track(name) for name in "abc"]
    received = [crate.world.bell.receive() for _ in range(4)]
    assert [message and message.download_id for message in received] == [*(item.id for item in items), None]


@pytest.mark.case("N-03")
def test_a_message_that_comes_twice_is_worked_on_once(crate: Crate) -> None:
    item = crate.track()
    crate.work(item.id)
    assert crate.work(item.id) == Done()
    assert crate.world.provider.asked["audio", item.content_id] == 1


def test_a_message_for_nothing_is_done(crate: Crate) -> None:
    assert crate.work(ROOT) == Done()


@pytest.mark.case("Q-04")
def test_an_item_under_a_live_lease_is_left_to_its_worker() -> None:
    crate = Crate.of(limit=2, knobs=ONE_BY_ONE)
    first, second = crate.track("a"), crate.track("b")
    killed_at(crate.world.calls, "provider.audio", lambda: crate.work(first.id))
    before = crate.item(first)
    crate.drain()
    assert crate.item(first) == before
    assert crate.item(second).state is State.COMPLETED


@pytest.mark.parametrize("closed", [{"paused": True}, {"limit": 0}])
def test_a_message_that_comes_while_the_queue_is_closed_starts_nothing(crate: Crate, closed: Values) -> None:
    """Its permit stays: another worker, that looked before, may be claiming under it."""
    item = put(crate, a_download(), ROOT, **closed)
    assert crate.work(ROOT) == Done()
    assert (crate.item(ROOT), crate.held()) == (item, {ROOT})


def test_a_message_that_comes_while_the_queue_is_paused_without_a_limit_starts_nothing(crate: Crate) -> None:
    item = put(crate, a_download(), paused=True, limit=None)
    assert crate.work(ROOT) == Done()
    assert crate.item(ROOT) == item


@pytest.mark.parametrize("permit", [a_permit(epoch=0, round=1), a_permit(epoch=1), a_permit(at(-1), epoch=1, round=1)])
def test_a_permit_of_another_attempt_is_of_no_use(crate: Crate, permit: object) -> None:
    """Rule 1: a good one takes its place before the claim, where there is room."""
    put(crate, a_download(epoch=1, round=1), permits={ROOT: permit}, limit=1)
    crate.world.provider.fail("track", crate.item(ROOT).content_id, ErrorType.NOT_FOUND)
    crate.work(ROOT)
    assert crate.item(ROOT).state is State.FAILED
    assert crate.held() == set()


@pytest.mark.parametrize("permit", [a_permit(epoch=7), a_permit(round=1)])
def test_a_permit_newer_than_what_was_read_is_left_to_whoever_knows_more(crate: Crate, permit: object) -> None:
    item = put(crate, a_download(), permits={ROOT: permit}, limit=1)
    assert crate.work(ROOT) == Done()
    assert (crate.item(ROOT), crate.world.control.permits) == (item, {ROOT: permit})


def test_without_a_permit_and_without_room_nothing_is_claimed(crate: Crate) -> None:
    item = put(crate, a_download(), "x", "y", "z")
    assert crate.work(ROOT) == Done()
    assert crate.item(ROOT) == item
    assert crate.world.control.hungry == {Lane.NORMAL: {ROOT}}


def test_without_a_limit_a_claim_needs_no_permit() -> None:
    crate = Crate.of(limit=None)
    item = crate.track()
    crate.drain()
    assert crate.item(item).state is State.COMPLETED


def test_a_permit_from_before_the_limit_was_lifted_is_not_in_the_way(crate: Crate) -> None:
    item = crate.track()
    crate.world.table.control = replace(crate.world.control, limit=None)
    crate.drain()
    assert crate.item(item).state is State.COMPLETED


@pytest.mark.case("T-09", "T-10")
def test_a_due_retry_is_claimed_at_once(crate: Crate) -> None:
    track = crate.world.provider.add_track("track")
    put(crate, a_download(content_id=track.id, **{**WAITS, "next_retry_at": at(0), "retry_count": 2}))
    crate.work(ROOT)
    item = crate.item(ROOT)
    assert (item.state, item.next_retry_at, item.retry_count) == (State.COMPLETED, None, 2)


@pytest.mark.case("Q-05", "T-10")
@pytest.mark.parametrize(
    ("due_s", "outcome"), [(1, Postpone(1)), (90, Postpone(90)), (3600, Postpone(3600)), (3601, Done())]
)
def test_a_retry_that_is_not_due_is_postponed(crate: Crate, due_s: float, outcome: object) -> None:
    """Longer waits are acknowledged and rung by the dispatcher."""
    item = put(crate, a_download(**{**WAITS, "next_retry_at": at(due_s)}))
    assert crate.work(ROOT) == outcome
    assert crate.item(ROOT) == item
    assert LONGEST_POSTPONEMENT_S == 3600


@pytest.mark.parametrize(("epoch", "kept"), [(1, True), (0, False)])
def test_a_permit_for_a_retry_that_is_not_due_is_kept_and_an_older_one_handed_on(
    crate: Crate, epoch: int, kept: bool
) -> None:
    """Rule 3."""
    put(crate, a_download(**WAITS, epoch=1), permits={ROOT: a_permit(epoch=epoch)})
    crate.work(ROOT)
    assert (ROOT in crate.world.control.permits) is kept


@pytest.mark.parametrize("state", [State.PAUSED, State.CANCELLED, State.COMPLETED])
def test_a_permit_that_cannot_be_used_is_handed_on(crate: Crate, state: State) -> None:
    """Rule 3."""
    put(crate, a_download(state=state), ROOT)
    crate.work(ROOT)
    assert crate.held() == set()


def test_a_permit_of_an_album_that_waits_for_its_children_is_handed_on(crate: Crate) -> None:
    put(crate, an_album(), ROOT)
    crate.work(ROOT)
    assert crate.held() == set()


@pytest.mark.case("L-11", "X-09")
def test_an_album_at_capacity_waits_parked_without_an_attempt() -> None:
    crate = Crate.of(knobs=Knobs(capacity=AlbumCapacity(max_per_hour=1, max_per_day=60)))
    first, second = crate.album("a"), crate.album("b")
    crate.drain()
    parked = crate.item(second)
    assert crate.item(first).state is State.COMPLETED
    assert (parked.state, parked.attempts, parked.retry_count) == (State.PENDING, 0, 0)
    assert parked.parked_until == at(3600)
    assert crate.held() == set()


@pytest.mark.case("L-12")
def test_an_album_that_the_day_has_no_room_for_waits_for_midnight() -> None:
    crate = Crate.of(knobs=Knobs(capacity=AlbumCapacity(max_per_hour=None, max_per_day=0)))
    item = crate.album()
    crate.drain()
    assert crate.item(item).parked_until == at(16 * 3600)


def test_tracks_and_children_are_never_blocked_by_album_capacity() -> None:
    crate = Crate.of(knobs=Knobs(capacity=AlbumCapacity(max_per_hour=1, max_per_day=1)))
    album, track = crate.album("a"), crate.track()
    crate.drain()
    assert crate.item(album).state is crate.item(track).state is State.COMPLETED


def test_a_second_claim_of_an_album_counts_it_once(crate: Crate) -> None:
    item = crate.album()
    crate.world.provider.fail("album", item.content_id, ErrorType.TIMEOUT)
    crate.settle_down()
    assert crate.item(item).attempts == 2
    assert {window.used for window in crate.world.table.windows.values()} == {1}


def test_an_album_that_is_paused_meanwhile_is_not_parked() -> None:
    crate = Crate.of(knobs=Knobs(capacity=AlbumCapacity(max_per_hour=0, max_per_day=0)))
    item = crate.album()
    paused = replace(item, state=State.PAUSED)
    meanwhile(crate.world.calls, "store.write", lambda: crate.put(paused))
    crate.work(item.id)
    assert (crate.item(item).state, crate.item(item).parked_until) == (State.PAUSED, None)


def test_a_claim_refused_by_a_new_priority_is_rung_again_in_its_lane(crate: Crate) -> None:
    """The permit is as good as before: whoever is rung reads the item anew."""
    item = put(crate, a_download(), ROOT)
    moved = replace(item, lane=Lane.LOW, updated_at=at(1))
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(moved))
    assert crate.work(ROOT) == Done()
    assert (crate.item(ROOT), crate.held()) == (moved, {ROOT})
    assert crate.rung() == [ROOT]


def test_a_permit_under_which_another_worker_runs_the_item_stays_its_own(crate: Crate) -> None:
    item = put(crate, a_download(), ROOT)
    running = replace(item, state=State.IN_PROGRESS, epoch=1, lease_until=at(60), owner="another")
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(running))
    crate.work(ROOT)
    assert (crate.item(ROOT), crate.held(), crate.rung()) == (running, {ROOT}, [])


@pytest.mark.parametrize("state", [State.PENDING, State.IN_PROGRESS])
def test_a_child_of_an_album_that_is_forced_starts_before_its_album(crate: Crate, state: State) -> None:
    """It is claimed under the same permit by whoever read it before: so nobody else may give the permit away."""
    lease = at(60) if state is State.IN_PROGRESS else None
    track = crate.world.provider.add_track("track")
    crate.put(an_album(1, state=state, round=1, lease_until=lease), a_child(1, content_id=track.id))
    crate.permit(child_id(ROOT, 1))
    crate.work(child_id(ROOT, 1))
    assert crate.item(child_id(ROOT, 1)).state is State.COMPLETED


@pytest.mark.parametrize(("epoch", "kept"), [(0, True), (1, False)])
def test_a_child_of_an_album_in_change_keeps_its_permit_for_the_end_of_it(crate: Crate, epoch: int, kept: bool) -> None:
    """One of an earlier attempt is handed on."""
    cascade = Cascade(verb=Verb.PRIORITIZE, event=EventType.PRIORITY_CHANGED, actor="alice", lane=Lane.LOW)
    child = a_child(1, epoch=epoch)
    crate.put(an_album(1, cascade=cascade), child)
    crate.permit(child.id)
    assert crate.work(child.id) == Done()
    assert (crate.item(child.id), crate.held()) == (child, {child.id} if kept else set())


def test_a_root_in_change_keeps_its_permit_for_the_end_of_it(crate: Crate) -> None:
    cascade = Cascade(verb=Verb.PRIORITIZE, event=EventType.PRIORITY_CHANGED, actor="alice", lane=Lane.LOW)
    album = put(crate, an_album(1, state=State.PENDING, cascade=cascade), permits={ROOT: a_permit(epoch=1)})
    assert crate.work(ROOT) == Done()
    assert (crate.item(ROOT), crate.held()) == (album, {ROOT})


def test_without_a_permit_a_child_of_an_album_in_change_is_left_to_it(crate: Crate) -> None:
    cascade = Cascade(verb=Verb.PAUSE, event=EventType.DOWNLOAD_PAUSED, actor="alice")
    child = a_child(1)
    crate.put(an_album(1, cascade=cascade), child)
    assert crate.work(child.id) == Done()
    assert (crate.item(child.id), crate.held(), crate.hungry()) == (child, set(), {})


def test_without_a_downloader_service_a_permit_stays_and_nobody_is_rung_for_it() -> None:
    crate = Crate.of(knobs=Knobs(is_configured=False))
    item = put(crate, a_download(), ROOT)
    assert crate.work(ROOT) == Done()
    crate.world.clock.advance(15)
    crate.dispatch.tick()
    assert (crate.item(ROOT).state, crate.held(), crate.rung()) == (item.state, {ROOT}, [])
