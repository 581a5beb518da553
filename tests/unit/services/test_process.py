"""One message: what follows a good end, and what follows a failure."""

import pytest

from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Kind
from cratekeeper.domain.retry import RetryPolicy
from cratekeeper.domain.states import State
from cratekeeper.services.process import Done, Postpone
from tests.support.builders import NOW, at
from tests.support.crate import ONE_BY_ONE, Crate, Knobs

WAITS = {"state": State.RETRY_WAITING, "next_retry_at": at(90)}


@pytest.mark.case("T-03", "F-04")
def test_a_track_is_fetched_stored_and_completed(crate: Crate) -> None:
    item = crate.track()
    source = crate.world.provider.sources[item.content_id]
    source.piece_s = 0.5
    crate.drain()
    done = crate.item(item)
    assert (done.state, done.duration_ms, done.completed_at) == (State.COMPLETED, 500, at(0.5))
    assert done.bytes_downloaded == len(source.body)
    assert done.media is not None
    assert crate.world.media.objects[done.media.key].body == source.body


def test_a_completed_track_is_in_the_catalog(crate: Crate) -> None:
    item = crate.track()
    crate.drain()
    row = crate.world.catalog.rows[Kind.TRACK, item.content_id]
    assert row.media == crate.item(item).media
    assert crate.world.catalog.tracks[item.content_id].name == "track"


def test_an_end_gives_back_lock_slot_and_permit(crate: Crate) -> None:
    crate.track()
    crate.drain()
    assert crate.world.table.locks == {}
    assert crate.world.usage("alice").active == frozenset()
    assert crate.held() == set()


@pytest.mark.case("A-01")
def test_what_happened_to_a_track_is_told_in_order(crate: Crate) -> None:
    item = crate.track()
    crate.drain()
    assert crate.history(item) == [
        EventType.REQUEST_CREATED,
        EventType.DOWNLOAD_STARTED,
        EventType.DOWNLOAD_COMPLETED,
    ]


def test_a_worker_goes_on_with_the_next_item_while_there_is_time() -> None:
    crate = Crate.of(limit=1)
    items = [crate.track(name) for name in "abc"]
    crate.work(items[0].id)
    assert [crate.item(item).state for item in items] == [State.COMPLETED] * 3
    assert crate.rung() == [items[0].id]


def test_a_worker_without_time_rings_for_the_next_item() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    first, second = crate.track("a"), crate.track("b")
    crate.work(first.id)
    assert crate.item(second).state is State.PENDING
    assert crate.rung() == [first.id, second.id]


@pytest.mark.case("T-05", "R-06")
@pytest.mark.parametrize(
    "error_type", [ErrorType.CONNECTION, ErrorType.TIMEOUT, ErrorType.PARSE, ErrorType.STORAGE, ErrorType.UNKNOWN]
)
def test_a_failure_with_retries_left_waits(crate: Crate, error_type: ErrorType) -> None:
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, error_type)
    outcome = crate.work(item.id)
    waiting = crate.item(item)
    assert (waiting.state, waiting.retry_count) == (State.RETRY_WAITING, 1)
    assert (waiting.error_type, waiting.error_message) == (error_type, f"audio: {error_type}")
    assert waiting.next_retry_at is not None
    assert at(48) <= waiting.next_retry_at <= at(60)
    assert isinstance(outcome, Postpone)


@pytest.mark.case("T-06", "R-07", "R-15")
@pytest.mark.parametrize("error_type", [ErrorType.NOT_FOUND, ErrorType.REJECTED])
def test_a_final_answer_fails_the_item_after_one_attempt(crate: Crate, error_type: ErrorType) -> None:
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, error_type)
    assert crate.work(item.id) == Done()
    failed = crate.item(item)
    assert (failed.state, failed.error_type, failed.attempts) == (State.FAILED, error_type, 1)
    assert failed.completed_at == NOW
    assert crate.world.table.locks == {}


@pytest.mark.case("R-08")
def test_an_item_that_always_fails_is_tried_four_times_with_three_retries() -> None:
    crate = Crate.of(knobs=Knobs(max_retries=3))
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.TIMEOUT, times=99)
    crate.settle_down()
    failed = crate.item(item)
    assert (failed.state, failed.attempts, failed.retry_count) == (State.FAILED, 4, 3)
    assert crate.history(item).count(EventType.RETRY_SCHEDULED) == 3


@pytest.mark.case("R-10")
def test_an_item_whose_retries_are_used_up_fails_once() -> None:
    crate = Crate.of(knobs=Knobs(max_retries=1))
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.TIMEOUT, times=99)
    crate.settle_down()
    assert crate.history(item).count(EventType.DOWNLOAD_FAILED) == 1


@pytest.mark.case("R-09")
def test_the_development_preset_waits_one_two_and_four_seconds() -> None:
    crate = Crate.of(knobs=Knobs(max_retries=3, policy=RetryPolicy(initial_s=1, max_s=4)))
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.TIMEOUT, times=99)
    waits = []
    while not crate.item(item).is_terminal:
        crate.work(item.id)
        due_at = crate.item(item).next_retry_at
        if due_at:
            waits.append((due_at - crate.world.clock.now()).total_seconds())
            crate.world.clock.advance(waits[-1])
    assert all(0.8 * full <= wait <= full for wait, full in zip(waits, (1, 2, 4), strict=True))
    assert crate.item(item).state is State.FAILED


@pytest.mark.case("T-04", "T-16")
def test_a_retry_that_succeeds_clears_the_error_and_keeps_the_priority(crate: Crate) -> None:
    item = crate.track(lane=Lane.LOW)
    crate.world.provider.fail("audio", item.content_id, ErrorType.CONNECTION)
    crate.settle_down()
    done = crate.item(item)
    assert (done.state, done.attempts, done.lane) == (State.COMPLETED, 2, Lane.LOW)
    assert (done.error_type, done.error_message) == (None, None)


@pytest.mark.case("F-01")
def test_a_provider_that_comes_back_completes_the_item_with_no_one_acting(crate: Crate) -> None:
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.CONNECTION, times=3)
    crate.work(item.id)
    assert (crate.item(item).state, crate.item(item).error_type) == (State.RETRY_WAITING, ErrorType.CONNECTION)
    crate.settle_down()
    assert crate.item(item).state is State.COMPLETED


@pytest.mark.case("X-09")
def test_a_busy_provider_costs_no_retry_however_long_it_is(crate: Crate) -> None:
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.BUSY, times=20)
    crate.settle_down(ticks=2000)
    done = crate.item(item)
    assert (done.state, done.retry_count, done.attempts) == (State.COMPLETED, 0, 21)


def test_a_provider_that_is_busy_for_ever_fails_the_item_after_fifty_waits() -> None:
    crate = Crate.of(knobs=Knobs(policy=RetryPolicy(initial_s=1, max_s=1)))
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.BUSY, times=99)
    crate.settle_down(step_s=1)
    assert (crate.item(item).state, crate.item(item).error_type) == (State.FAILED, ErrorType.BUSY)
    assert crate.world.provider.asked["audio", item.content_id] == 51


@pytest.mark.case("R-11")
def test_waiting_holds_no_permit() -> None:
    crate = Crate.of(limit=1)
    first, second = crate.track("a"), crate.track("b")
    crate.world.provider.fail("audio", first.content_id, ErrorType.TIMEOUT)
    crate.deliver()
    assert crate.item(first).state is State.RETRY_WAITING
    crate.drain()
    assert crate.item(second).state is State.COMPLETED


def test_a_long_wait_is_acknowledged_and_rung_by_the_dispatcher() -> None:
    crate = Crate.of(knobs=Knobs(policy=RetryPolicy(initial_s=7200, max_s=7200)))
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.TIMEOUT)
    assert crate.work(item.id) == Done()
    crate.world.bell.messages.clear()
    crate.world.clock.advance(7200)
    crate.dispatch.tick()
    assert crate.rung() == [item.id]


@pytest.mark.case("N-04")
def test_a_worker_that_raises_frees_its_permit_at_once(crate: Crate) -> None:
    item = crate.track()
    crate.world.provider.sources[item.content_id].pieces = 0
    crate.work(item.id)
    assert (crate.item(item).state, crate.item(item).error_type) == (State.RETRY_WAITING, ErrorType.UNKNOWN)
    assert crate.held() == set()
    assert "attempt_raised" in crate.world.log.actions()
