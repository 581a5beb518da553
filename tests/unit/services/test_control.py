"""Orders of operators, and work at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from typing_extensions import override

from cratekeeper.domain.control import Control
from cratekeeper.domain.errors import Invalid, Unavailable
from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import parent_of
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.retry import RetryPolicy
from cratekeeper.domain.states import State
from cratekeeper.services.control import QueueControl, WorkNow
from tests.support.builders import a_download, a_permit, at, root_id
from tests.support.crash import killed_at
from tests.support.crate import ADMIN, ALICE, ONE_BY_ONE, Crate, Knobs
from tests.support.operating import MemoryWorker, Operated, operated


@pytest.fixture
def control(crate: Crate) -> QueueControl:
    return operated(crate).queue_control


def tracks(crate: Crate, count: int, **wanted: Any) -> list[str]:
    return [crate.track(f"track {number}", **wanted).id for number in range(count)]


def states(crate: Crate, ids: list[str]) -> list[State]:
    return [crate.item(each).state for each in ids]


# Pause and resume


@pytest.mark.case("X-06")
def test_a_paused_queue_starts_nothing_until_it_is_resumed() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    control, ids = operated(crate).queue_control, tracks(crate, 3)
    crate.deliver()
    control.pause(by=ADMIN)
    crate.drain()
    crate.dispatch.tick()
    crate.drain()
    assert states(crate, ids) == [State.COMPLETED, State.PENDING, State.PENDING]
    control.resume(by=ADMIN)
    crate.drain()
    assert states(crate, ids) == [State.COMPLETED] * 3


def test_what_was_rung_while_the_queue_was_paused_is_rung_again_at_its_end() -> None:
    crate = Crate.of(limit=2)
    control, (runs, waits) = operated(crate).queue_control, tracks(crate, 2)
    killed_at(crate.world.calls, "provider.audio", lambda: crate.work(runs))
    control.pause(by=ADMIN)
    crate.drain()
    crate.world.clock.advance(15)
    crate.dispatch.tick()
    rings = len(crate.rung())
    control.resume(by=ADMIN)
    assert crate.rung()[rings:] == [waits]


def test_what_was_rung_under_a_limit_of_0_is_rung_again_with_the_next_limit() -> None:
    crate = Crate.of(limit=1)
    control, (waits, *_) = operated(crate).queue_control, tracks(crate, 1)
    crate.world.table.control = replace(crate.world.control, limit=0)
    crate.drain()
    rings = len(crate.rung())
    control.resume(by=ADMIN)
    assert crate.rung()[rings:] == []
    control.limit(1, by=ADMIN)
    assert crate.rung()[rings:] == [waits]


@pytest.mark.case("X-07")
def test_what_runs_when_the_queue_is_paused_finishes_and_nothing_else_starts() -> None:
    crate = Crate.of(limit=2, knobs=ONE_BY_ONE)
    control, ids = operated(crate).queue_control, tracks(crate, 5)
    meanwhile: list[Callable[[], object]] = [crate.deliver, lambda: control.pause(by=ADMIN)]

    def others_act(site: str, call: Callable[[], Any]) -> Any:
        if site == "provider.audio" and meanwhile:
            meanwhile.pop(0)()
        return call()

    crate.world.calls.around = others_act  # the second is begun while the first runs, and then the queue is paused
    crate.drain()
    crate.world.calls.around = None
    crate.dispatch.tick()
    assert crate.drain() == 0
    assert states(crate, ids) == [State.COMPLETED] * 2 + [State.PENDING] * 3
    control.resume(by=ADMIN)
    crate.settle_down()
    assert states(crate, ids) == [State.COMPLETED] * 5


@pytest.mark.case("X-08")
def test_a_repeated_order_changes_nothing_and_has_no_event(crate: Crate, control: QueueControl) -> None:
    control.resume(by=ADMIN)
    first = control.pause(by=ADMIN, reason="moving house")
    assert control.pause(by=ALICE, reason="another reason", resume_at=at(60)) == first
    assert (first.paused_reason, first.paused_by, first.resume_at) == ("moving house", "root", None)
    control.resume(by=ADMIN)
    control.resume(by=ADMIN)
    assert not crate.world.control.paused
    assert crate.history("queue") == [EventType.QUEUE_PAUSED, EventType.QUEUE_RESUMED]


def test_an_order_is_in_the_history_with_who_gave_it(crate: Crate, control: QueueControl) -> None:
    control.pause(by=ADMIN, reason="moving house", resume_at=at(600))
    control.limit(5, by=ADMIN)
    crate.catch_up()
    rows = [crate.world.history.rows[f"queue:{seq}"] for seq in (1, 2)]
    assert [(row.event.type, row.event.actor, dict(row.event.details)) for row in rows] == [
        (EventType.QUEUE_PAUSED, "root", {"reason": "moving house", "resume_at": at(600).isoformat()}),
        (EventType.QUEUE_LIMIT_CHANGED, "root", {"max_concurrent": 5}),
    ]
    assert crate.world.bus.published == []


def test_the_history_is_repaired_from_the_control_item(crate: Crate, control: QueueControl) -> None:
    control.pause(by=ADMIN)
    assert crate.reconcile.run() == 1
    assert crate.reconcile.run() == 0
    assert [row.event.type for row in crate.world.history.rows.values()] == [EventType.QUEUE_PAUSED]


# A pause that ends by itself


def test_the_dispatcher_ends_a_pause_when_its_time_has_come(crate: Crate, control: QueueControl) -> None:
    control.pause(by=ADMIN, resume_at=at(90))
    track = crate.track()
    crate.dispatch.tick()
    crate.world.clock.advance(89)
    crate.dispatch.tick()
    assert crate.world.control.paused
    crate.world.clock.advance(1)
    crate.dispatch.tick()
    assert (crate.world.control.paused, crate.world.control.resume_at) == (False, None)
    crate.drain()
    assert crate.item(track).state is State.COMPLETED
    assert crate.history("queue") == [EventType.QUEUE_PAUSED, EventType.QUEUE_RESUMED]
    assert crate.world.history.rows["queue:2"].event.actor == "system"


def test_a_later_pause_outlives_the_end_of_an_earlier_one(crate: Crate, control: QueueControl) -> None:
    """The dispatcher has read the first pause when somebody resumes and pauses again."""
    control.pause(by=ADMIN, resume_at=at(60))
    crate.world.clock.advance(60)

    def others_act(site: str, call: Any) -> Any:
        if site == "permits.resume":
            crate.world.calls.around = None
            control.resume(by=ADMIN)
            control.pause(by=ADMIN, reason="for good")
        return call()

    crate.world.calls.around = others_act
    crate.dispatch.tick()
    assert (crate.world.control.paused, crate.world.control.paused_reason) == (True, "for good")


@pytest.mark.parametrize("resume_at", [at(0), at(-1), at(0.0004)])
def test_a_pause_cannot_end_in_the_past(crate: Crate, control: QueueControl, resume_at: datetime) -> None:
    with pytest.raises(Invalid, match="resume_at must be in the future"):
        control.pause(by=ADMIN, resume_at=resume_at)
    assert not crate.world.control.paused


def test_a_time_of_another_zone_is_the_same_time(control: QueueControl) -> None:
    elsewhere = at(60.0005).astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert control.pause(by=ADMIN, resume_at=elsewhere).resume_at == at(60)


# The limit


@pytest.mark.case("S-03")
@pytest.mark.parametrize("limit", [1, 1000])
def test_a_limit_is_in_force_at_once(crate: Crate, control: QueueControl, limit: int) -> None:
    assert control.limit(limit, by=ADMIN).limit == crate.queries.queue().control.limit == limit
    assert control.limit(limit, by=ADMIN).seq == 1


def test_an_operator_does_not_wait_for_all_that_a_raised_limit_allows() -> None:
    """Where each grant takes seconds, the dispatcher's next tick grants the rest."""
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    control = operated(crate).queue_control
    tracks(crate, 10)

    def slow(site: str, call: Callable[[], object]) -> object:
        crate.world.clock.advance(2 * (site == "permits.take"))
        return call()

    crate.world.calls.around = slow
    control.limit(10, by=ADMIN)
    crate.world.calls.around = None
    assert len(crate.world.control.permits) == 1 + 3
    crate.dispatch.tick()
    assert len(crate.world.control.permits) == 10


def test_a_raised_limit_is_used_at_once_and_a_lowered_one_stops_nobody() -> None:
    crate = Crate.of(limit=1)
    control, ids = operated(crate).queue_control, tracks(crate, 4)
    assert crate.held() == {ids[0]}
    control.limit(3, by=ADMIN)
    assert crate.held() == set(ids[:3])
    assert crate.rung() == [ids[0], *ids[:3]]
    control.limit(1, by=ADMIN)
    assert crate.held() == set(ids[:3])
    crate.drain()
    assert states(crate, ids) == [State.COMPLETED] * 4


def test_more_permits_than_one_request_grants_are_the_dispatchers() -> None:
    crate = Crate.of(limit=1)
    control = operated(crate).queue_control
    tracks(crate, 40)
    control.limit(40, by=ADMIN)
    assert len(crate.held()) == 21
    crate.dispatch.tick()
    assert len(crate.held()) == 40


# Work at once


def names(done: list[Any]) -> list[str]:
    return [item.id for item in done]


@pytest.mark.case("Q-03")
def test_nothing_waits_and_nothing_is_processed(crate: Crate) -> None:
    assert operated(crate).work_now.run(10) == []


@pytest.mark.case("J-04")
@pytest.mark.parametrize("limit", [3, None])
def test_the_next_waiting_work_is_done_at_once(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    track = crate.track()
    (done,) = operated(crate).work_now.run(1)
    assert (done.id, done.state) == (track.id, State.COMPLETED)
    crate.drain()
    assert (crate.held(), crate.item(track).attempts) == (set(), 1)


@pytest.mark.case("J-06")
@pytest.mark.parametrize("limit", [1, 2, None])
def test_the_next_call_takes_the_next_item(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    low, normal = crate.track("low", lane=Lane.LOW), crate.track("normal")
    work = operated(crate).work_now
    first, second = (names(work.run(1)) for _ in range(2))
    assert {*first, *second} == {low.id, normal.id}
    assert work.run(1) == []


@pytest.mark.case("J-05")
@pytest.mark.parametrize("limit", [2, 5, None])
def test_concurrent_callers_share_the_work(limit: int | None) -> None:
    """Each caller, as it asks its worker, is overtaken by the next one, four deep."""
    crate = Crate.of(limit=limit)
    ids = tracks(crate, 20)
    done: list[str] = []

    def caller(depth: int) -> None:
        def overtake() -> None:
            if depth < 3 and len(done) < 20:
                caller(depth + 1)

        worker = MemoryWorker(crate, before=overtake)
        done.extend(names(operated(crate, worker=worker).work_now.run(5)))

    caller(0)
    while len(done) < 20 and (more := names(operated(crate).work_now.run(10))):
        done.extend(more)
    assert sorted(done) == sorted(ids)
    assert [crate.item(each).attempts for each in ids] == [1] * 20
    asked = crate.world.provider.asked
    assert sum(count for (method, _), count in asked.items() if method == "audio") == 20


def test_an_albums_children_are_processed_in_their_turn(crate: Crate) -> None:
    album = crate.album(tracks=2)
    done = operated(crate).work_now.run(10)
    assert [parent_of(item.id) for item in done] == [None, album.id, album.id]
    assert crate.item(album).state is State.COMPLETED


@pytest.mark.case("X-02", "X-07")
def test_what_is_paused_is_not_processed(crate: Crate) -> None:
    services = operated(crate)
    paused = a_download(root_id(1), state=State.PAUSED, paused_from=State.PENDING)
    crate.put(paused)
    assert services.work_now.run(10) == []
    track = crate.track()
    services.queue_control.pause(by=ADMIN)
    assert services.work_now.run(10) == []
    assert (crate.item(paused), crate.item(track).attempts) == (paused, 0)


def test_at_the_limit_nothing_is_begun(crate: Crate) -> None:
    running = [a_download(root_id(n), state=State.IN_PROGRESS, epoch=1, lease_until=at(60)) for n in (1, 2, 3)]
    crate.put(*running)
    crate.permit(*(each.id for each in running))
    crate.track()
    assert operated(crate).work_now.run(10) == []


def test_a_permit_of_an_earlier_attempt_is_no_start(crate: Crate) -> None:
    item = a_download(epoch=2)
    crate.put(item)
    crate.world.table.control = Control(limit=1, permits={item.id: a_permit(epoch=1)})
    assert operated(crate).work_now.run(1) == []


def test_an_item_that_is_due_again_at_once_is_not_tried_twice() -> None:
    crate = Crate.of(knobs=Knobs(policy=RetryPolicy(initial_s=0.0)))
    track = crate.track()
    crate.world.provider.fail("audio", track.content_id, ErrorType.CONNECTION)
    done = operated(crate).work_now.run(10)
    assert (names(done), crate.item(track).attempts) == ([track.id], 1)


class Stalls(MemoryWorker):
    """A worker that is asked and does nothing, and whose permit somebody takes away."""

    @override
    def run(self, download_id: str) -> bool:
        del download_id
        self.crate.permit()
        return False


def test_what_a_stalled_worker_left_is_rung_and_not_tried_twice(crate: Crate) -> None:
    track = crate.track()
    rings = len(crate.rung())
    operated(crate, worker=Stalls(crate)).work_now.run(10)
    assert crate.item(track).attempts == 0
    assert crate.rung()[rings:] == [track.id]


class NoWorker:
    """Cannot be asked any more after so many times."""

    def __init__(self, crate: Crate, *, after: int) -> None:
        self._worker = MemoryWorker(crate)
        self._left = after

    def run(self, download_id: str) -> bool:
        self._left -= 1
        if self._left < 0:
            raise Unavailable("the worker does not answer")
        return self._worker.run(download_id)


def work_without(crate: Crate, *, after: int) -> Operated:
    services = operated(crate)
    work = services.work_now
    services.work_now = WorkNow(
        store=work.store,
        permits=work.permits,
        release=work.release,
        worker=NoWorker(crate, after=after),
        clock=work.clock,
        window_s=work.window_s,
    )
    return services


def test_a_worker_that_cannot_be_asked_loses_no_work() -> None:
    crate = Crate.of(limit=1)
    (first, second) = tracks(crate, 2)
    with pytest.raises(Unavailable):
        work_without(crate, after=0).work_now.run(10)
    assert names(work_without(crate, after=1).work_now.run(10)) == [first]
    crate.drain()
    assert states(crate, [first, second]) == [State.COMPLETED] * 2


def test_no_further_item_is_begun_when_time_is_up(crate: Crate) -> None:
    tracks(crate, 3)
    worker = MemoryWorker(crate, before=lambda: crate.world.clock.advance(5))
    assert len(operated(crate, worker=worker).work_now.run(10)) == 2
