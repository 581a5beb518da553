"""Workers that die or wake up late, and faults of our own storage."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cratekeeper.domain.errors import Unavailable
from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import MAX_LEASE_LOSSES, ErrorType
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.models import NONE
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Create
from cratekeeper.services.process import Done
from tests.support.builders import ROOT, a_child, a_chunk, a_download, a_permit, a_running, an_album, at
from tests.support.crash import killed_at, meanwhile
from tests.support.crate import Crate, Knobs

WAITS = {"state": State.RETRY_WAITING, "next_retry_at": at(90)}


@pytest.mark.case("I-07", "K-03", "N-04")
def test_an_item_whose_worker_was_killed_is_taken_over_and_costs_no_retry(crate: Crate) -> None:
    item = crate.track()
    killed_at(crate.world.calls, "provider.audio", crate.deliver)
    for _ in range(3):
        crate.world.clock.advance(60)
        crate.dispatch.tick()
        crate.drain()
    done = crate.item(item)
    assert (done.state, done.epoch, done.attempts, done.lease_losses) == (State.COMPLETED, 2, 2, 1)
    assert done.retry_count == 0
    assert EventType.LEASE_RECOVERED in crate.history(item)
    assert crate.held() == set()


def test_an_item_that_keeps_losing_its_workers_fails_as_lost(crate: Crate) -> None:
    item = crate.track()
    for _ in range(MAX_LEASE_LOSSES + 1):
        killed_at(crate.world.calls, "provider.audio", lambda: crate.work(item.id))
        crate.world.clock.advance(61)
    assert crate.work(item.id) == Done()
    failed = crate.item(item)
    assert (failed.state, failed.error_type) == (State.FAILED, ErrorType.LOST)
    assert failed.error_message == f"its worker was lost {MAX_LEASE_LOSSES + 1} times"
    assert (crate.world.table.locks, crate.world.control.permits) == ({}, {})


@pytest.mark.case("I-10")
def test_a_fetch_of_three_leases_is_one_attempt(crate: Crate) -> None:
    item = crate.track()
    source = crate.world.provider.sources[item.content_id]
    source.pieces, source.piece_s = 4, 45
    crate.drain()
    done = crate.item(item)
    assert (done.state, done.attempts, done.lease_losses, done.duration_ms) == (State.COMPLETED, 1, 0, 180_000)


@pytest.mark.case("T-07", "I-09")
@pytest.mark.parametrize("error_type", [None, ErrorType.TIMEOUT, ErrorType.NOT_FOUND])
def test_a_worker_whose_item_was_taken_over_changes_nothing(crate: Crate, error_type: ErrorType | None) -> None:
    item = crate.track()
    if error_type:
        crate.world.provider.fail("audio", item.content_id, error_type)
    successor = a_running(item.id, epoch=2, content_id=item.content_id, owner="another")
    taken = {item.id: a_permit(epoch=1)}

    def take_over() -> None:
        crate.put(successor)
        crate.permit(permits=taken)

    meanwhile(crate.world.calls, "provider.audio", take_over)
    assert crate.work(item.id) == Done()
    assert crate.item(item) == successor
    assert crate.world.control.permits == taken


@pytest.mark.case("T-07")
@pytest.mark.parametrize("error_type", [None, ErrorType.TIMEOUT, ErrorType.NOT_FOUND])
def test_a_late_worker_changes_nothing_of_what_has_ended(crate: Crate, error_type: ErrorType | None) -> None:
    item = crate.track()
    if error_type:
        crate.world.provider.fail("audio", item.content_id, error_type)
    ended = a_running(item.id, state=State.COMPLETED, lease_until=None, seq=3)
    meanwhile(crate.world.calls, "provider.audio", lambda: crate.put(ended))
    crate.work(item.id)
    assert crate.item(item) == ended


def test_a_worker_that_learns_at_its_heartbeat_that_its_item_was_cancelled_stops_at_once(crate: Crate) -> None:
    item = crate.track()
    source = crate.world.provider.sources[item.content_id]
    source.pieces, source.piece_s = 10, 15
    crate.world.clock.after(16, lambda: crate.put(replace(crate.item(item), state=State.CANCELLED)))
    crate.work(item.id)
    assert crate.item(item).state is State.CANCELLED
    assert crate.world.clock.now() <= at(45)
    assert crate.world.media.objects == {}
    assert "lease_lost" in crate.world.log.actions()


def test_a_worker_whose_item_was_cancelled_hands_its_permit_on() -> None:
    crate = Crate.of(limit=1)
    first, second = crate.track("a"), crate.track("b")
    crate.world.provider.sources[first.content_id].piece_s = 30
    cancelled = replace(first, state=State.CANCELLED, epoch=1, waiting=None)
    crate.world.clock.after(15, lambda: crate.world.table.parts[first.id].update(D=cancelled))
    crate.drain()
    assert crate.item(first) == cancelled
    assert crate.item(second).state is State.COMPLETED


@pytest.mark.parametrize("site", ["store.commit", "store.write", "permits.drop", "permits.swap", "catalog.record"])
def test_our_own_write_whose_answer_was_lost_counts_once(crate: Crate, site: str) -> None:
    item = crate.album()
    crate.world.calls.losing(site)
    crate.drain()
    crate.world.calls.around = None
    assert crate.item(item).state is State.COMPLETED
    assert [child.attempts for child in crate.children(item)] == [1, 1]
    assert crate.held() == set()
    assert crate.history(item).count(EventType.DOWNLOAD_COMPLETED) == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_transaction_of_a_track_may_lose_its_answer(crate: Crate, number: int) -> None:
    item = crate.track()
    left = number

    def lose(called: str, call: object) -> object:
        nonlocal left
        assert callable(call)
        left -= called == "store.commit"
        if called == "store.commit" and left == 0:
            call()
        return call()

    crate.world.calls.around = lose
    crate.drain()
    done = crate.item(item)
    assert (done.state, done.attempts, done.lease_losses) == (State.COMPLETED, 1, 0)


@pytest.mark.parametrize("site", ["catalog.media", "catalog.record", "catalog.ingest_track", "media.put"])
def test_a_fault_of_our_storage_is_a_failed_attempt_that_frees_the_permit(crate: Crate, site: str) -> None:
    item = crate.track()
    crate.world.calls.failing(site)
    crate.deliver()
    waiting = crate.item(item)
    assert (waiting.state, waiting.error_type) == (State.RETRY_WAITING, ErrorType.STORAGE)
    assert crate.held() == set()


@pytest.mark.parametrize("lost", [False, True])
def test_an_album_that_rejoins_its_children_offers_them(crate: Crate, lost: bool) -> None:
    album = an_album(3, state=State.PENDING, epoch=1, round=1, waiting=None)
    crate.world.store.commit(Create(album))
    for ordinal in (1, 2, 3):
        crate.world.store.commit(Create(replace(a_download(f"{ROOT}-{ordinal}"), waiting=None, due_at=None)))
    if lost:
        crate.world.calls.losing("store.commit")
    crate.work(ROOT)
    assert crate.item(ROOT).awaits_children
    assert crate.item(ROOT).due_at == at(60)
    assert {*crate.world.control.permits} == {f"{ROOT}-{ordinal}" for ordinal in (1, 2, 3)}
    assert "lease_lost" not in crate.world.log.actions()


def test_an_album_that_rejoins_ends_with_the_last_child_that_ended_meanwhile(crate: Crate) -> None:
    """The children of a forced album run on: what the claim read of them is old by then."""
    crate.put(an_album(1, state=State.PENDING, round=1, waiting=None), a_child(1, state=State.COMPLETED))
    ended = replace(crate.item(ROOT), open=NONE, state=State.IN_PROGRESS, epoch=2, due_at=at(60))

    def settled() -> None:
        claimed = crate.item(ROOT)
        crate.put(replace(ended, owner=claimed.owner, lease_until=claimed.lease_until))

    meanwhile(crate.world.calls, "store.commit", settled, after=1)
    crate.work(ROOT)
    assert crate.item(ROOT).state is State.COMPLETED


@pytest.mark.parametrize(("site", "after"), [("store.commit", 1), ("store.get", 0)])
@pytest.mark.parametrize("state", [State.CANCELLED, State.PAUSED])
def test_an_album_that_is_stopped_as_it_rejoins_gives_its_permit_back(
    crate: Crate, site: str, after: int, state: State
) -> None:
    crate.put(an_album(1, state=State.PENDING, round=1, waiting=None), a_child(1, state=state))
    stopped = replace(crate.item(ROOT), state=state, epoch=2)
    meanwhile(crate.world.calls, site, lambda: crate.put(stopped), after=after)
    crate.work(ROOT)
    assert crate.item(ROOT) == stopped
    assert (crate.held(), crate.hungry()) == (set(), {})


@pytest.mark.parametrize("left", [NONE, frozenset({100})])
def test_a_message_that_comes_back_closes_the_chunk_that_its_child_emptied(crate: Crate, left: frozenset[int]) -> None:
    crate.put(
        an_album(99, open=NONE, open_chunks=frozenset({1})), a_chunk(1, open=left), a_child(99, state=State.COMPLETED)
    )
    assert crate.work(child_id(ROOT, 99)) == Done()
    assert (crate.item(ROOT).state is State.COMPLETED) == (not left)


def test_a_child_that_keeps_losing_its_workers_is_settled(crate: Crate) -> None:
    crate.put(an_album(1), a_running(f"{ROOT}-1", lease_until=at(-1), lease_losses=MAX_LEASE_LOSSES, due_at=None))
    crate.work(f"{ROOT}-1")
    assert crate.item(f"{ROOT}-1").error_type is ErrorType.LOST
    assert crate.item(ROOT).state is State.FAILED


def test_a_lapsed_item_that_comes_back_to_life_is_not_buried(crate: Crate) -> None:
    lapsed = a_running(lease_until=at(-1), lease_losses=MAX_LEASE_LOSSES)
    renewed = replace(lapsed, lease_until=at(30))
    crate.put(lapsed)
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(renewed))
    crate.work(ROOT)
    assert crate.item(ROOT) == renewed


@pytest.mark.parametrize("limit", [3, None])
def test_a_worker_that_comes_second_to_a_claim_leaves_the_first_its_permit(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    item = crate.track()
    permits = crate.world.control.permits
    first = a_running(item.id, content_id=item.content_id)
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(first))
    assert crate.work(item.id) == Done()
    assert crate.item(item) == first
    assert crate.world.control.permits == permits


def test_a_worker_whose_claim_was_refused_for_good_hands_its_permit_on(crate: Crate) -> None:
    item = crate.track()
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(replace(item, state=State.CANCELLED)))
    crate.work(item.id)
    assert crate.held() == set()


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_further_item_that_has_to_wait_is_rung_when_it_is_due(is_heard: bool) -> None:
    crate = Crate.of(limit=1)
    first, second = crate.track("a"), crate.track("b")
    crate.world.provider.fail("audio", second.content_id, ErrorType.TIMEOUT)
    if not is_heard:
        crate.world.calls.failing("bell.ring")
    crate.deliver()
    due_at = crate.item(second).next_retry_at
    assert due_at is not None
    assert crate.rung() == ([second.id] if is_heard else [])
    if is_heard:
        assert 0 <= ((crate.world.bell.next_visible_at() or at(0)) - due_at).total_seconds() < 1
    assert crate.world.log.actions() == ([] if is_heard else ["ring_failed"])
    assert crate.item(first).state is State.COMPLETED


def test_a_partly_expanded_album_is_never_given_up_for_our_own_storage() -> None:
    crate = Crate.of(knobs=Knobs(max_retries=0))
    album = crate.album(tracks=120)
    commits = 0

    def fifth_fails(site: str, call: Callable[[], object]) -> object:
        """The claim, the plan's two chunks, the first children, and then the storage is away."""
        nonlocal commits
        commits += site == "store.commit"
        if site == "store.commit" and commits == 5:
            raise Unavailable("away")
        return call()

    crate.world.calls.around = fifth_fails
    crate.deliver()
    crate.world.calls.around = None
    waiting = crate.item(album)
    assert (waiting.state, waiting.cursor, waiting.error_type) == (State.RETRY_WAITING, 98, ErrorType.STORAGE)
    crate.world.clock.advance(3601)
    crate.dispatch.tick()
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED


@pytest.mark.parametrize("number", [2, 3, 4, 5])
@pytest.mark.parametrize("retries", [0, 3])
def test_an_expansion_whose_answer_is_lost_for_good_keeps_its_lease_until_it_has_said_so(
    number: int, retries: int
) -> None:
    """I6: whether the plan, the first children or the last ones were stored without our hearing of it."""
    crate = Crate.of(knobs=Knobs(max_retries=retries))
    album = crate.album(tracks=120)
    commits = 0

    def lost(site: str, call: Callable[[], object]) -> object:
        nonlocal commits
        commits += site == "store.commit"
        answer = call()
        if site == "store.commit" and commits == number:
            raise Unavailable("not heard")
        return answer

    crate.world.calls.around = lost
    crate.work(album.id)
    crate.world.calls.around = None
    assert "lease_lost" not in crate.world.log.actions()
    given_up = number <= 3 and retries == 0  # nothing exists yet, and no retry is left
    if given_up:
        assert crate.item(album).state is State.FAILED
        return
    assert len(crate.children(album)) == {2: 0, 3: 0, 4: 98, 5: 120}[number]
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED


def test_an_album_that_was_taken_over_is_not_touched_when_our_storage_comes_back(crate: Crate) -> None:
    album = crate.album(tracks=3)

    def stolen(site: str, call: Callable[[], object]) -> object:
        if site == "catalog.ingest":
            crate.put(replace(crate.item(album), epoch=9))
            raise Unavailable("away")
        return call()

    crate.world.calls.around = stolen
    crate.work(album.id)
    crate.world.calls.around = None
    assert crate.item(album).epoch == 9
    assert "lease_lost" in crate.world.log.actions()
