from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.access import Caller
from cratekeeper.domain.catalog import Availability
from cratekeeper.domain.errors import (
    AlreadyInCatalog,
    AlreadyQueued,
    Forbidden,
    LimitReached,
    ProviderNotConfigured,
    Unavailable,
    WriteRefused,
)
from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.limits import UserLimits
from cratekeeper.domain.models import Kind, Source
from cratekeeper.domain.states import ACTIVE, State
from cratekeeper.domain.text import NAME_BYTES
from cratekeeper.domain.writes import Create, TakeLock
from tests.memory.samples import content_id
from tests.support.builders import NOW, a_download, a_row, at
from tests.support.crash import answering, meanwhile
from tests.support.crate import ADMIN, ALICE, BOB, Crate, Knobs

SEVEN_AND_NINE = Knobs(limits=UserLimits(max_per_day=7, max_queue=9))
ONE_A_DAY = Knobs(limits=UserLimits(max_per_day=1, max_queue=9))


def ask(crate: Crate, count: int) -> None:
    """Ask for so many tracks that nobody has asked for."""
    for _ in range(count):
        crate.request(content_id(f"track {len(crate.world.table.parts)}"), kind=Kind.TRACK)


@pytest.mark.case("T-14")
def test_a_request_makes_one_pending_item(crate: Crate) -> None:
    item = crate.item(crate.album())
    assert (item.state, item.lane, item.source) == (State.PENDING, Lane.NORMAL, Source.USER)
    assert (item.attempts, item.retry_count, item.max_retries) == (0, 0, 5)
    assert (item.requested_by, item.created_at, item.due_at) == ("alice", NOW, at(60))
    assert item.waiting == Waiting(Lane.NORMAL, Rank.ROOT)
    assert crate.history(item) == [EventType.REQUEST_CREATED]


def test_a_request_takes_the_lock_the_slot_and_a_permit_and_rings(crate: Crate) -> None:
    item = crate.album()
    assert crate.world.store.lock_holder(item.kind, item.content_id) == item.id
    assert crate.world.usage("alice").active == {item.id}
    assert {*crate.world.control.permits} == {item.id}
    assert crate.world.bell.ids() == [item.id]


def test_what_is_asked_for_is_kept(crate: Crate) -> None:
    item = crate.item(crate.album(lane=Lane.LOW, force=True, content_name="A", artist_name="B", caller=BOB))
    assert (item.lane, item.force, item.content_name, item.artist_name) == (Lane.LOW, True, "A", "B")
    assert item.requested_by == "bob"


def test_the_highest_lane_is_for_those_who_may_edit_the_catalog(crate: Crate) -> None:
    with pytest.raises(Forbidden, match="edit_catalog"):
        crate.album(lane=Lane.HIGH)
    assert crate.item(crate.album(lane=Lane.HIGH, caller=ADMIN)).lane is Lane.HIGH


def test_without_a_provider_nothing_can_be_asked_for() -> None:
    crate = Crate.of(knobs=Knobs(is_configured=False))
    with pytest.raises(ProviderNotConfigured):
        crate.album()
    assert not crate.world.table.parts


@pytest.mark.case("D-02")
@pytest.mark.parametrize("caller", [ALICE, BOB])
def test_content_that_is_queued_is_not_queued_again(crate: Crate, caller: Caller) -> None:
    first = crate.album()
    with pytest.raises(AlreadyQueued) as refused:
        crate.request(first.content_id, caller=caller)
    assert refused.value.download_id == first.id
    assert [item.id for item in crate.world.table.downloads()] == [first.id]


@pytest.mark.case("D-03")
def test_of_fifty_requests_for_one_album_one_counts(crate: Crate) -> None:
    album = crate.album()
    for _ in range(49):
        with pytest.raises(AlreadyQueued):
            crate.request(album.content_id)
    assert crate.world.usage("alice").requests == 1


@pytest.mark.case("D-01")
@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_content_in_an_active_state_is_a_duplicate(crate: Crate, state: State) -> None:
    item = a_download(state=state)
    crate.world.store.commit(Create(item), TakeLock(item.kind, item.content_id, item.id))
    with pytest.raises(AlreadyQueued):
        crate.request(item.content_id, kind=Kind.TRACK)


@pytest.mark.case("D-01", "D-05")
def test_content_that_failed_can_be_asked_for_again(crate: Crate) -> None:
    first = crate.track()
    crate.world.provider.fail("audio", first.content_id, ErrorType.NOT_FOUND)
    crate.drain()
    again = crate.request(first.content_id, kind=Kind.TRACK)
    assert crate.item(first).state is State.FAILED
    assert again.id != first.id


@pytest.mark.case("D-04")
@pytest.mark.parametrize("ask_again", [lambda crate: crate.album(), lambda crate: crate.track()])
def test_content_that_is_whole_in_the_catalog_is_not_fetched_again(
    crate: Crate, ask_again: Callable[[Crate], object]
) -> None:
    ask_again(crate)
    crate.drain()
    with pytest.raises(AlreadyInCatalog):
        ask_again(crate)


@pytest.mark.case("D-01")
def test_force_skips_the_look_into_the_catalog_and_nothing_else(crate: Crate) -> None:
    first = crate.album()
    crate.drain()
    again = crate.album(force=True)
    assert crate.item(again).state is State.PENDING
    with pytest.raises(AlreadyQueued):
        crate.request(first.content_id, force=True)


@pytest.mark.parametrize("availability", sorted({*Availability} - {Availability.AVAILABLE}))
def test_a_track_whose_bytes_are_gone_can_be_asked_for(crate: Crate, availability: Availability) -> None:
    track = content_id("a track")
    crate.world.catalog.record(a_row(track, availability=availability))
    assert crate.request(track, kind=Kind.TRACK).content_id == track


def test_an_album_that_misses_a_track_can_be_asked_for(crate: Crate) -> None:
    album = crate.album()
    crate.drain()
    crate.world.catalog.rows.popitem()
    assert crate.request(album.content_id).content_id == album.content_id


@pytest.mark.case("L-04")
def test_the_hundred_and_first_request_of_a_day_is_refused(crate: Crate) -> None:
    ask(crate, 100)
    before = crate.world.usage("alice")
    with pytest.raises(LimitReached) as refused:
        ask(crate, 1)
    limit = refused.value
    assert (limit.code, limit.limit, limit.used) == ("daily_limit_reached", 100, 100)
    assert limit.resets_at is not None
    assert limit.resets_at.isoformat() == "2026-11-22T00:00:00+00:00"
    assert crate.world.usage("alice") == before


@pytest.mark.case("L-05")
def test_the_two_hundred_and_first_active_download_is_refused() -> None:
    crate = Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=1000, max_queue=200)))
    ask(crate, 200)
    with pytest.raises(LimitReached) as refused:
        ask(crate, 1)
    limit = refused.value
    assert (limit.code, limit.limit, limit.used, limit.resets_at) == ("queue_limit_reached", 200, 200, None)
    assert len(crate.world.table.parts) == 200


@pytest.mark.case("L-06")
def test_limits_are_those_that_are_set() -> None:
    crate = Crate.of(knobs=SEVEN_AND_NINE)
    ask(crate, 7)
    with pytest.raises(LimitReached, match="7 of 7"):
        ask(crate, 1)
    crate.world.clock.advance(86_400)
    ask(crate, 2)
    with pytest.raises(LimitReached, match="9 of 9"):
        ask(crate, 1)


@pytest.mark.case("L-07")
def test_at_midnight_a_new_day_begins() -> None:
    crate = Crate.of(knobs=ONE_A_DAY)
    ask(crate, 1)
    crate.world.clock.advance(16 * 3600 - 1)
    with pytest.raises(LimitReached):
        ask(crate, 1)
    crate.world.clock.advance(1)
    ask(crate, 1)
    assert len(crate.world.usage("alice").active) == 2


def test_a_duplicate_is_told_apart_from_a_limit() -> None:
    crate = Crate.of(knobs=ONE_A_DAY)
    first = crate.album()
    with pytest.raises(AlreadyQueued):
        crate.request(first.content_id)


def test_content_in_the_catalog_is_told_apart_from_a_limit() -> None:
    crate = Crate.of(knobs=ONE_A_DAY)
    crate.track()
    crate.drain()
    with pytest.raises(AlreadyInCatalog):
        crate.track()


@pytest.mark.case("L-14")
def test_an_admin_has_no_limits() -> None:
    crate = Crate.of(knobs=ONE_A_DAY)
    for number in range(101):
        crate.request(content_id(f"{number}"), caller=ADMIN)
    assert crate.world.usage("root").requests == 101


@pytest.mark.parametrize("limits", [UserLimits(max_per_day=0, max_queue=9), UserLimits(max_per_day=9, max_queue=0)])
def test_a_limit_of_zero_lets_none_start(limits: UserLimits) -> None:
    with pytest.raises(LimitReached, match="0 of 0"):
        Crate.of(knobs=Knobs(limits=limits)).album()


@pytest.mark.case("L-02")
def test_an_ended_download_frees_its_slot_and_not_the_days_request(crate: Crate) -> None:
    items = [crate.track(name) for name in "abc"]
    crate.work(items[0].id)
    assert (crate.world.usage("alice").requests, len(crate.world.usage("alice").active)) == (3, 2)
    crate.drain()
    assert (crate.world.usage("alice").requests, len(crate.world.usage("alice").active)) == (3, 0)


@pytest.mark.parametrize("limit", [3, None])
def test_our_own_request_whose_answer_was_lost_counts_once(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    first = crate.track()
    crate.world.calls.losing("store.commit")
    second = crate.album()
    assert [each.id for each in crate.world.table.downloads()] == [first.id, second.id]
    assert crate.world.usage("alice").requests == 2


def test_a_request_that_cannot_be_written_is_an_error_and_leaves_nothing(crate: Crate) -> None:
    crate.world.calls.failing("store.commit")
    with pytest.raises(Unavailable):
        crate.album()
    assert not crate.world.table.parts


@pytest.mark.parametrize("site", ["permits.read", "permits.take", "store.waiting"])
def test_a_request_that_cannot_be_released_is_accepted_all_the_same(crate: Crate, site: str) -> None:
    crate.world.calls.failing(site)
    item = crate.album()
    assert crate.item(item).state is State.PENDING
    assert "release_failed" in crate.world.log.actions()


def test_a_ring_that_fails_is_no_error(crate: Crate) -> None:
    crate.world.calls.failing("bell.ring")
    item = crate.album()
    assert {*crate.world.control.permits} == {item.id}
    assert crate.world.log.actions() == ["ring_failed"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_refusal_whose_reason_is_gone_by_now_is_tried_again(crate: Crate, number: int) -> None:
    answering(crate.world.calls, "store.commit", lambda *writes: WriteRefused(writes[number], None))
    item = crate.album()
    assert crate.item(item).state is State.PENDING


def test_a_clock_that_lags_behind_the_stored_day_never_starts_its_count_anew() -> None:
    crate = Crate.of(knobs=ONE_A_DAY)
    crate.world.clock.advance(86_400)
    ask(crate, 1)
    crate.world.clock.time -= at(86_400) - at(0)
    with pytest.raises(LimitReached) as refused:
        ask(crate, 1)
    assert refused.value.code == "daily_limit_reached"


def test_a_usage_record_that_changes_too_fast_is_an_error_and_leaves_nothing(crate: Crate) -> None:
    def refused(called: str, call: Callable[[], object]) -> object:
        if called == "store.commit" and isinstance(call, partial):
            raise WriteRefused(call.args[3], crate.world.usage("alice"))
        return call()

    crate.world.calls.around = refused
    with pytest.raises(Unavailable, match="try again"):
        crate.album()
    assert not crate.world.table.parts


def test_two_first_requests_of_a_day_both_count(crate: Crate) -> None:
    meanwhile(crate.world.calls, "store.commit", lambda: crate.track("first"))
    crate.track("second")
    assert crate.world.usage("alice").requests == 2


@pytest.mark.case("L-09")
@settings(max_examples=15)
@given(st.lists(st.sampled_from(["whole", "broken", "refused", "unfinished"]), max_size=6))
def test_the_slots_in_use_are_the_users_own_active_roots(fates: list[str]) -> None:
    crate = Crate.of(limit=1, knobs=Knobs(max_retries=0))
    for number, fate in enumerate(fates):
        item = crate.track(f"{number}")
        if fate == "unfinished":
            crate.world.provider.fail("audio", item.content_id, ErrorType.BUSY)
        elif fate != "whole":
            crate.world.provider.fail("audio", item.content_id, ErrorType.REJECTED)
    crate.drain()
    active = {item.id for item in crate.world.table.downloads() if not item.is_terminal}
    assert crate.world.usage("alice").active == active
    assert len(active) == fates.count("unfinished")


def test_names_are_kept_on_one_short_line(crate: Crate) -> None:
    item = crate.item(crate.album(content_name="A\r\nB\x1b[31m", artist_name="ø" * 500))
    assert item.content_name == "A B [31m"
    assert item.artist_name == "ø" * (NAME_BYTES // 2)
