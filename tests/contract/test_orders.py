"""The port Permits: orders of operators, and their events on the way to the history."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cratekeeper.adapters.dynamodb.stream import downloads_in
from cratekeeper.domain.control import Control, Held, Permit, Seeker
from cratekeeper.domain.errors import PermitRefused
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.lanes import Lane
from cratekeeper.services.project import entry_of
from tests.contract.conftest import LIMIT, Queue, Tables, queue_on
from tests.contract.emulator import Emulator
from tests.contract.samples import SOON, an_id
from tests.contract.test_stream import records
from tests.memory.records import MemoryLog
from tests.memory.virtual import START

PERMIT = Permit(SOON, 0, 0)


def order(kind: EventType, actor: str = "root", **details: str | int) -> Event:
    return Event(type=kind, at=START, actor=actor, details=details)


PAUSE, RESUME = order(EventType.QUEUE_PAUSED, reason="moving"), order(EventType.QUEUE_RESUMED)
LIMITED = order(EventType.QUEUE_LIMIT_CHANGED, max_concurrent=5)


def paused(queue: Queue, **fields: Any) -> Control:
    return queue.permits.pause(PAUSE, **{"reason": "moving", "resume_at": None, **fields})


def test_a_pause_says_why_by_whom_and_until_when(queue: Queue) -> None:
    expected = Control(
        limit=LIMIT, paused=True, paused_reason="moving", paused_by="root", resume_at=SOON, seq=1, event=PAUSE
    )
    assert paused(queue, resume_at=SOON) == expected == queue.permits.read()


def test_a_pause_needs_neither_reason_nor_end(queue: Queue) -> None:
    found = queue.permits.pause(PAUSE, reason=None, resume_at=None)
    assert (found.paused, found.paused_reason, found.resume_at) == (True, None, None)


@pytest.mark.case("X-08")
def test_a_repeated_order_changes_nothing(queue: Queue) -> None:
    assert queue.permits.resume(RESUME) == Control(limit=LIMIT) == queue.permits.read()
    first = paused(queue)
    other = order(EventType.QUEUE_PAUSED, "alice")
    assert queue.permits.pause(other, reason="another", resume_at=SOON) == first == queue.permits.read()
    second = queue.permits.resume(RESUME)
    assert second == Control(limit=LIMIT, seq=2, event=RESUME)
    assert queue.permits.resume(order(EventType.QUEUE_RESUMED, "alice")) == second == queue.permits.read()


@pytest.mark.case("X-06", "X-07")
def test_a_paused_queue_grants_nothing_and_stops_nothing(queue: Queue) -> None:
    running, waiting = an_id(), an_id()
    queue.permits.take(Seeker(running, Lane.NORMAL, PERMIT), limit=LIMIT)
    assert paused(queue).permits.keys() == {running}
    with pytest.raises(PermitRefused):
        queue.permits.take(Seeker(waiting, Lane.NORMAL, PERMIT), limit=LIMIT)
    with pytest.raises(PermitRefused):
        queue.permits.swap(Held(running, PERMIT), Seeker(waiting, Lane.NORMAL, PERMIT), limit=LIMIT)
    queue.permits.renew(Held(running, PERMIT), until=SOON + timedelta(seconds=9))
    queue.permits.resume(RESUME)
    assert queue.permits.take(Seeker(waiting, Lane.NORMAL, PERMIT), limit=LIMIT).permits.keys() == {running, waiting}


def test_a_pause_that_ends_by_itself_is_the_one_that_was_read(queue: Queue) -> None:
    first = paused(queue, resume_at=SOON)
    for due in (SOON + timedelta(milliseconds=1), SOON - timedelta(days=1)):
        assert queue.permits.resume(RESUME, due=due) == first
    assert not queue.permits.resume(RESUME, due=SOON).paused
    endless = paused(queue)
    assert queue.permits.resume(RESUME, due=SOON) == endless == queue.permits.read()


@pytest.mark.case("S-03")
@pytest.mark.parametrize("limit", [1, 1000])
def test_a_limit_is_in_force_at_once(queue: Queue, limit: int) -> None:
    assert queue.permits.set_limit(limit, event=LIMITED) == Control(limit=limit, seq=1, event=LIMITED)
    assert queue.permits.set_limit(limit, event=LIMITED).seq == queue.permits.read().seq == 1


def test_the_limit_in_force_changes_nothing(queue: Queue) -> None:
    assert queue.permits.set_limit(LIMIT, event=LIMITED) == Control(limit=LIMIT)
    queue.permits.set_limit(7, event=LIMITED)
    assert queue.permits.set_limit(LIMIT, event=LIMITED) == Control(limit=LIMIT, seq=2, event=LIMITED)
    assert queue.permits.set_limit(LIMIT, event=LIMITED).seq == 2


def test_a_limit_takes_the_place_of_none(queue: Queue) -> None:
    queue.set_control(limit=None)
    assert queue.permits.set_limit(5, event=LIMITED).limit == 5


@pytest.mark.parametrize(("limit", "admitted"), [(1, False), (LIMIT + 1, True)])
def test_a_lowered_limit_stops_nobody_and_a_raised_one_admits_more(queue: Queue, limit: int, admitted: bool) -> None:
    for _ in range(LIMIT):
        queue.permits.take(Seeker(an_id(), Lane.NORMAL, PERMIT), limit=LIMIT)
    assert len(queue.permits.set_limit(limit, event=LIMITED).permits) == LIMIT
    with_room(lambda: queue.permits.take(Seeker(an_id(), Lane.NORMAL, PERMIT), limit=limit), admitted=admitted)


def with_room(take: Callable[[], Control], *, admitted: bool) -> None:
    if admitted:
        take()
        return
    with pytest.raises(PermitRefused):
        take()


def test_orders_and_permits_leave_each_other_alone(queue: Queue) -> None:
    seeker = Seeker(an_id(), Lane.NORMAL, PERMIT)
    queue.permits.take(seeker, limit=LIMIT)
    paused(queue)
    after = queue.permits.set_limit(5, event=LIMITED)
    assert (after.permits, after.paused, after.seq) == ({seeker.id: PERMIT}, True, 2)


def test_orders_reach_the_stream_each_once_and_permits_do_not(emulator: Emulator, tables: Tables) -> None:
    queue, log = queue_on(emulator, tables.queue), MemoryLog()
    paused(queue, resume_at=SOON)
    paused(queue)
    queue.permits.unmark(["x"], Lane.LOW)
    queue.permits.resume(RESUME)
    queue.permits.take(Seeker(an_id(), Lane.NORMAL, PERMIT), limit=LIMIT)
    queue.permits.set_limit(5, event=LIMITED)
    seen = [entry_of(old, new) for old, new in downloads_in(records(emulator, tables.queue), log=log)]
    assert [(entry.id, entry.event) for entry in seen if entry] == [
        ("queue:1", PAUSE),
        ("queue:2", RESUME),
        ("queue:3", LIMITED),
    ]
    assert (len(seen), log.lines) == (3, [])


def test_everything_includes_the_control_item(queue: Queue) -> None:
    assert [each for each in queue.store.everything() if not isinstance(each, Control)] == []
    control = paused(queue)
    assert [each for each in queue.store.everything() if isinstance(each, Control)] == [control]
