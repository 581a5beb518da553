from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cratekeeper.domain import transitions
from cratekeeper.domain.errors import InvalidState
from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import NONE, Download, Upload
from cratekeeper.domain.progress import Outcome, outcome
from cratekeeper.domain.retry import Counts, RetryAt
from cratekeeper.domain.states import State
from cratekeeper.domain.text import NAME_BYTES
from cratekeeper.domain.transitions import Step
from cratekeeper.domain.writes import Change, applied, holds
from tests.support.builders import NOW, Values, a_child, a_chunk, a_download, a_media, a_running, an_album, at

UPLOAD = Upload(key="audio/x.wav", upload_id="u1")
RETRY = RetryAt(at(60), Counts(retries=1, busy=2, corrupt=3))
ERRORS = {"error_type": ErrorType.CONNECTION, "error_message": "it broke"}


def claimed(item: Download, **more: bool) -> Download:
    return applied(item, transitions.claim(item, lease_until=at(60), owner="me", now=NOW, **more))


def event_of(item: Download) -> EventType:
    assert item.event is not None
    return item.event.type


@pytest.mark.case("T-01")
def test_a_claim_starts_a_fenced_attempt() -> None:
    item = claimed(a_download(epoch=4))
    assert (item.state, item.epoch, item.attempts, item.owner) == (State.IN_PROGRESS, 5, 1, "me")
    assert (item.started_at, item.lease_until, item.due_at) == (NOW, at(60), at(60))
    assert item.waiting is None
    assert event_of(item) is EventType.DOWNLOAD_STARTED


@pytest.mark.case("T-09")
def test_a_claim_of_a_due_retry_keeps_its_count() -> None:
    item = claimed(a_download(state=State.RETRY_WAITING, next_retry_at=at(0), retry_count=2, attempts=3))
    assert (item.next_retry_at, item.retry_count, item.attempts) == (None, 2, 4)


@pytest.mark.case("I-07")
def test_a_claim_of_a_lapsed_lease_is_a_recovery_and_costs_no_retry() -> None:
    item = claimed(a_running(lease_until=at(-1), retry_count=2))
    assert (item.epoch, item.lease_losses, item.retry_count) == (2, 1, 2)
    assert event_of(item) is EventType.LEASE_RECOVERED


@pytest.mark.case("T-02")
@pytest.mark.parametrize("state", [State.PAUSED, State.COMPLETED, State.FAILED, State.CANCELLED])
def test_what_is_paused_or_has_ended_cannot_be_claimed(state: State) -> None:
    with pytest.raises(InvalidState, match=state):
        claimed(a_download(state=state))


@pytest.mark.parametrize("meanwhile", [{"state": State.CANCELLED}, {"epoch": 1}, {"round": 1}, {"lease_until": at(61)}])
def test_a_claim_holds_only_of_the_item_as_read(meanwhile: Values) -> None:
    item = a_download()
    change = transitions.claim(item, lease_until=at(60), owner="me", now=NOW)
    assert holds(item, change)
    assert not holds(replace(item, **meanwhile), change)


@pytest.mark.parametrize(
    ("before", "reserved", "counted"), [(False, False, False), (False, True, True), (True, False, True)]
)
def test_capacity_once_counted_stays_counted(before: bool, reserved: bool, counted: bool) -> None:
    assert claimed(a_download(counted=before), counted=reserved).counted is counted


def test_a_child_is_in_no_index() -> None:
    assert claimed(a_child()).due_at is None
    waiting = applied(a_child(), transitions.wait(a_child(), ErrorType.TIMEOUT, "", retry=RETRY, now=NOW))
    carried = applied(a_child(), transitions.carry_on(a_child(), UPLOAD, now=NOW))
    assert (waiting.due_at, carried.due_at) == (None, None)


WORKER_WRITES: dict[str, Callable[[Download], Change]] = {
    "renew": lambda item: transitions.renew(item, lease_until=at(120)),
    "finish": lambda item: transitions.finish(item, a_media(), now=NOW),
    "fail": lambda item: transitions.fail(item, ErrorType.TIMEOUT, "late", now=NOW),
    "bury": lambda item: transitions.fail(item, ErrorType.LOST, "lost", now=NOW),
    "wait": lambda item: transitions.wait(item, ErrorType.TIMEOUT, "late", retry=RETRY, now=NOW),
    "carry_on": lambda item: transitions.carry_on(item, UPLOAD, now=NOW),
    "save_upload": lambda item: transitions.save_upload(item, UPLOAD),
    "name": lambda item: transitions.name(item, content_name="x", artist_name=None),
    "expand": lambda item: transitions.expand(item, Step(2, 2), now=NOW, next_visit=at(60)),
    "rejoin": lambda item: transitions.rejoin(replace(item, expanded=True), now=NOW, next_visit=at(60)),
}
workers = pytest.mark.parametrize("write", WORKER_WRITES)


def own(write: str) -> Download:
    return a_running(expanded=write == "rejoin")


@workers
def test_a_holder_can_write(write: str) -> None:
    assert holds(own(write), WORKER_WRITES[write](own(write)))


@pytest.mark.case("T-07", "I-09")
@workers
@pytest.mark.parametrize("epoch", [0, 2])
def test_a_worker_of_another_epoch_changes_nothing(write: str, epoch: int) -> None:
    assert not holds(replace(own(write), epoch=epoch), WORKER_WRITES[write](own(write)))


@pytest.mark.case("T-07", "T-08")
@workers
@pytest.mark.parametrize("state", sorted({*State} - {State.IN_PROGRESS}))
def test_a_worker_changes_nothing_of_what_is_not_in_progress(write: str, state: State) -> None:
    assert not holds(replace(own(write), state=state), WORKER_WRITES[write](own(write)))


@pytest.mark.parametrize("write", ["renew", "bury"])
def test_a_lease_that_was_renewed_meanwhile_is_noticed(write: str) -> None:
    assert not holds(replace(own(write), lease_until=at(61)), WORKER_WRITES[write](own(write)))


@pytest.mark.parametrize("write", ["finish", "fail", "wait", "carry_on", "rejoin"])
def test_leaving_a_claim_gives_the_lease_back(write: str) -> None:
    after = applied(own(write), WORKER_WRITES[write](own(write)))
    assert (after.lease_until, after.owner) == (None, None)


@pytest.mark.parametrize("write", sorted({*WORKER_WRITES} - {"renew", "save_upload", "name"}))
def test_updated_at_never_falls_whatever_the_clock_does(write: str) -> None:
    ahead = replace(own(write), updated_at=at(5))
    assert applied(ahead, WORKER_WRITES[write](ahead)).updated_at == at(5)


@pytest.mark.case("T-03", "T-04")
def test_a_finished_item_has_its_object_and_no_error() -> None:
    item = a_running(**ERRORS, busy_count=3, upload=UPLOAD)
    ended = applied(item, transitions.finish(item, a_media(1_024_000), now=at(0.5)))
    assert (ended.state, ended.completed_at) == (State.COMPLETED, at(0.5))
    assert (ended.bytes_downloaded, ended.duration_ms) == (1_024_000, 500)
    assert (ended.error_type, ended.error_message, ended.upload, ended.due_at) == (None, None, None, None)
    assert event_of(ended) is EventType.DOWNLOAD_COMPLETED


@pytest.mark.parametrize("item", [a_running(started_at=at(9)), a_running(started_at=None)])
def test_a_duration_is_never_negative(item: Download) -> None:
    assert applied(item, transitions.finish(item, a_media(), now=NOW)).duration_ms == 0


@pytest.mark.case("T-05")
def test_a_failed_attempt_waits_with_the_counts_that_were_decided() -> None:
    item = a_running(attempts=1)
    after = applied(item, transitions.wait(item, ErrorType.TIMEOUT, "too\nslow", retry=RETRY, now=NOW))
    assert (after.state, after.next_retry_at, after.due_at) == (State.RETRY_WAITING, at(60), at(60))
    assert after.counts == RETRY.counts
    assert (after.error_type, after.error_message) == (ErrorType.TIMEOUT, "too slow")
    assert event_of(after) is EventType.RETRY_SCHEDULED


@pytest.mark.case("T-06")
def test_a_failure_for_good_keeps_its_reason_short() -> None:
    item = a_running(upload=UPLOAD)
    ended = applied(item, transitions.fail(item, ErrorType.NOT_FOUND, "x" * 10_000, now=at(1)))
    assert (ended.state, ended.completed_at, ended.due_at) == (State.FAILED, at(1), None)
    assert (ended.error_type, ended.error_message, ended.upload) == (ErrorType.NOT_FOUND, "x" * NAME_BYTES, None)
    assert event_of(ended) is EventType.DOWNLOAD_FAILED


@pytest.mark.case("I-08")
def test_a_renewed_lease_ends_later_and_nothing_else_changes() -> None:
    item = a_running()
    assert applied(item, transitions.renew(item, lease_until=at(90))) == replace(item, lease_until=at(90))


def test_a_transfer_that_goes_on_is_due_at_once_and_spends_nothing() -> None:
    item = a_running(retry_count=1, busy_count=1)
    after = applied(item, transitions.carry_on(item, UPLOAD, now=NOW))
    assert (after.state, after.next_retry_at, after.due_at) == (State.RETRY_WAITING, NOW, NOW)
    assert (after.upload, after.counts) == (UPLOAD, item.counts)


def test_progress_of_an_upload_is_kept_and_forgotten() -> None:
    item = a_running()
    saved = applied(item, transitions.save_upload(item, UPLOAD))
    assert saved == replace(item, upload=UPLOAD)
    assert applied(saved, transitions.save_upload(saved, None)) == item


def test_names_are_filled_in_and_never_lost() -> None:
    item = a_running(content_name="mine", artist_name=None)
    after = applied(item, transitions.name(item, content_name=None, artist_name="theirs"))
    assert (after.content_name, after.artist_name) == ("mine", "theirs")


@pytest.mark.case("X-09")
def test_a_parked_album_waits_out_of_the_way_without_an_attempt() -> None:
    item = a_download(lane=Lane.LOW)
    parked = applied(item, transitions.park(item, until=at(600), now=NOW))
    assert (parked.state, parked.attempts, parked.retry_count) == (State.PENDING, 0, 0)
    assert (parked.parked_until, parked.due_at) == (at(600), at(600))
    assert parked.waiting == Waiting(Lane.LOW, Rank.PARKED)


@pytest.mark.parametrize("state", sorted({*State} - {State.PENDING}))
def test_only_what_has_not_started_is_parked(state: State) -> None:
    with pytest.raises(InvalidState):
        transitions.park(a_download(state=state), until=at(600), now=NOW)


def test_an_unparked_album_is_releasable_again() -> None:
    parked = a_download(parked_until=at(0), waiting=Waiting(Lane.NORMAL, Rank.PARKED))
    item = applied(parked, transitions.unpark(parked, now=NOW, next_visit=at(60)))
    assert (item.parked_until, item.due_at, item.waiting) == (None, at(60), Waiting(Lane.NORMAL, Rank.ROOT))
    assert not holds(item, transitions.unpark(parked, now=NOW, next_visit=at(60)))


@pytest.mark.parametrize(
    ("total", "open_", "chunks"),
    [
        (0, NONE, NONE),
        (1, {1}, NONE),
        (98, {*range(1, 99)}, NONE),
        (99, {*range(1, 99)}, {1}),
        (250, {*range(1, 99)}, {1, 2}),
    ],
)
def test_the_first_step_of_an_expansion_opens_the_children(total: int, open_: set[int], chunks: set[int]) -> None:
    item = a_running(**ERRORS)
    after = applied(item, transitions.expand(item, Step(total, min(total, 98), 1), now=NOW, next_visit=at(60)))
    assert (after.total, after.open, after.open_chunks) == (total, frozenset(open_), frozenset(chunks))
    assert after.awaits_children is (total <= 98)


def test_the_last_step_ends_the_lease_and_offers_the_children() -> None:
    item = a_running(total=120, cursor=98, open=frozenset({7}), lane=Lane.LOW, **ERRORS)
    after = applied(item, transitions.expand(item, Step(120, 120, 1), now=NOW, next_visit=at(60)))
    assert (after.expanded, after.cursor, after.lease_until, after.owner) == (True, 120, None, None)
    assert (after.open, after.waiting, after.due_at) == (frozenset({7}), Waiting(Lane.LOW, Rank.CHILDREN), at(60))
    assert (after.error_type, after.error_message) == (None, None)
    assert event_of(after) is EventType.CHILDREN_CREATED


def test_an_album_without_children_offers_none() -> None:
    item = a_running()
    assert applied(item, transitions.expand(item, Step(0, 0), now=NOW, next_visit=at(60))).waiting is None


@pytest.mark.parametrize("meanwhile", [{"cursor": 98}, {"expanded": True}])
def test_a_step_of_an_expansion_is_made_once(meanwhile: Values) -> None:
    step = transitions.expand(a_running(), Step(120, 98, 1), now=NOW, next_visit=at(60))
    assert not holds(a_running(**meanwhile), step)


def test_an_album_that_was_claimed_again_returns_to_its_children() -> None:
    item = an_album(lease_until=at(60), owner="me", waiting=None)
    after = applied(item, transitions.rejoin(item, now=NOW, next_visit=at(60)))
    assert after.awaits_children
    assert after.waiting == Waiting(Lane.NORMAL, Rank.CHILDREN)


@pytest.mark.parametrize(
    ("state", "ended_in"), [(State.COMPLETED, None), (State.FAILED, "failed"), (State.CANCELLED, "cancelled")]
)
def test_a_settled_child_is_noted_as_it_ended(state: State, ended_in: str | None) -> None:
    album = an_album(held=frozenset({2}))
    after = applied(album, transitions.settle(album, a_child(2, state=state)))
    assert (after.open, after.held) == (frozenset({1}), NONE)
    assert {name: getattr(after, name) for name in ("failed", "cancelled") if getattr(after, name)} == (
        {ended_in: {2}} if ended_in else {}
    )


SET_WRITES: dict[str, Callable[[Download], Change]] = {
    "settle": lambda album: transitions.settle(album, a_child(2, state=State.COMPLETED)),
    "hold": lambda album: transitions.hold(album, 2),
    "unhold": lambda album: transitions.unhold(album, frozenset({2})),
    "close_chunk": lambda album: transitions.close_chunk(album, 1),
    "children_left": lambda album: transitions.children_left(replace(album, waiting=None)),
    "end_album": lambda album: transitions.end_album(album, end_of(2), now=NOW),
}


def end_of(total: int) -> Outcome:
    end = outcome(an_album(total, open=NONE))
    assert end is not None
    return end


@pytest.mark.parametrize("write", SET_WRITES)
def test_a_set_write_of_an_earlier_round_changes_nothing(write: str) -> None:
    album = an_album(
        open=NONE if write == "end_album" else frozenset({1, 2}),
        open_chunks=frozenset({1}) if write == "close_chunk" else NONE,
        waiting=None,
    )
    assert holds(album, SET_WRITES[write](album))
    assert not holds(replace(album, round=1), SET_WRITES[write](album))


def test_held_is_a_part_of_open() -> None:
    album = an_album(open=frozenset({1}))
    assert applied(album, transitions.hold(album, 1)).held == {1}
    assert not holds(album, transitions.hold(album, 2))


def test_a_child_whose_wait_is_over_is_held_no_more() -> None:
    chunk = a_chunk(open=frozenset({99, 100}), held=frozenset({99, 100}))
    assert applied(chunk, transitions.unhold(chunk, frozenset({99}))).held == {100}


def test_a_chunk_is_closed_once() -> None:
    album = an_album(open_chunks=frozenset({1, 2}))
    change = transitions.close_chunk(album, 1)
    after = applied(album, change)
    assert after.open_chunks == {2}
    assert not holds(after, change)


@pytest.mark.parametrize(
    ("sets", "state", "kind"),
    [
        ({}, State.COMPLETED, EventType.DOWNLOAD_COMPLETED),
        ({"failed": frozenset({1})}, State.FAILED, EventType.DOWNLOAD_FAILED),
        ({"cancelled": frozenset({1, 2})}, State.CANCELLED, EventType.DOWNLOAD_CANCELLED),
    ],
)
def test_an_album_ends_with_its_tally(sets: Values, state: State, kind: EventType) -> None:
    album = an_album(open=NONE, held=frozenset({9}), bytes_done=70, **sets)
    end = outcome(album)
    assert end is not None
    ended = applied(album, transitions.end_album(album, end, now=at(2)))
    assert (ended.state, event_of(ended), ended.completed_at, ended.duration_ms) == (state, kind, at(2), 2000)
    assert (ended.final, ended.bytes_downloaded, ended.error_message) == (end.tally, 70, end.message)
    # An album with a child that failed or was cancelled is looked at once more, for an upload that was left.
    assert (ended.held, ended.waiting, ended.due_at) == (NONE, None, at(2) if sets else None)


@pytest.mark.parametrize("meanwhile", [{"open": frozenset({1})}, {"open_chunks": frozenset({1})}, {"epoch": 2}])
def test_an_album_whose_child_was_reopened_does_not_end(meanwhile: Values) -> None:
    album = an_album(open=NONE)
    change = transitions.end_album(album, end_of(2), now=NOW)
    assert holds(album, change)
    assert not holds(replace(album, **meanwhile), change)


def test_an_album_that_never_started_took_no_time() -> None:
    album = an_album(open=NONE, started_at=None)
    assert applied(album, transitions.end_album(album, end_of(2), now=NOW + timedelta(days=1))).duration_ms == 0


@pytest.mark.parametrize("meanwhile", [{"due_at": at(1)}, {"waiting": None}, {"epoch": 1}])
def test_a_visit_is_noted_only_on_the_root_as_read(meanwhile: Values) -> None:
    root = a_download()
    change = transitions.visit(root, due_at=at(600), waiting=root.waiting)
    assert applied(root, change) == replace(root, due_at=at(600))
    assert not holds(replace(root, **meanwhile), change)


@pytest.mark.parametrize("meanwhile", [{"held": frozenset({2})}, {"open": frozenset({1})}, {"waiting": None}])
def test_an_album_leaves_the_index_only_while_its_sets_are_as_read(meanwhile: Values) -> None:
    album = an_album()
    change = transitions.no_child_left(album)
    assert applied(album, change).waiting is None
    assert not holds(replace(album, **meanwhile), change)


def test_an_album_comes_back_into_the_index() -> None:
    album = an_album(waiting=None)
    assert applied(album, transitions.children_left(album)).waiting == Waiting(Lane.NORMAL, Rank.CHILDREN)
    assert not holds(an_album(), transitions.children_left(album))


@pytest.mark.parametrize("moved", [{"lane": Lane.LOW}, {"updated_at": at(1)}, {"parked_until": at(9)}])
def test_what_was_moved_or_parked_since_it_was_read_is_neither_claimed_nor_moved(moved: Values) -> None:
    """None of these raises epoch or round, and a clock that lags does not date it later."""
    item = a_download(parked_until=at(5))
    writes = [
        transitions.claim(item, lease_until=at(60), owner="me", now=at(5)),
        transitions.park(item, until=at(99), now=NOW),
        transitions.unpark(item, now=NOW, next_visit=at(60)),
    ]
    assert [holds(replace(item, **moved), write) for write in writes] == [False] * 3
    assert all(holds(item, write) for write in writes)


def test_a_child_is_claimed_unread_whatever_its_lane_and_date() -> None:
    child = a_child(1)
    change = transitions.claim_unread(child, lease_until=at(60), owner="me", now=NOW)
    assert holds(replace(child, lane=Lane.LOW, updated_at=at(-9)), change)
    assert not holds(replace(child, round=1), change)
