"""Requeueing everything that failed."""

import pytest

from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.limits import UserLimits
from cratekeeper.domain.models import Kind
from cratekeeper.domain.states import State
from cratekeeper.services.overview import Search
from cratekeeper.services.requeue import Requeue, Requeued
from tests.support.builders import a_download, root_id
from tests.support.crate import ADMIN, Crate, Knobs
from tests.support.operating import operated

FAILED = Search(state=State.FAILED)


def requeue_of(crate: Crate, *, most: int = 200, window_s: float = 15.0) -> Requeue:
    overview = operated(crate).overview
    return Requeue(overview=overview, steer=crate.steer, clock=crate.world.clock, most=most, window_s=window_s)


def failed(crate: Crate, count: int, **fields: str | Kind) -> None:
    crate.put(*(a_download(root_id(n), state=State.FAILED, due_at=None, **fields) for n in range(1, count + 1)))


@pytest.mark.case("R-12")
def test_what_failed_is_requeued_and_runs_to_its_end(crate: Crate) -> None:
    track = crate.track()
    crate.world.provider.fail("audio", track.content_id, ErrorType.NOT_FOUND)
    crate.drain()
    assert crate.item(track).state is State.FAILED
    assert requeue_of(crate).run(FAILED, by=ADMIN) == Requeued(1, 0, more=False)
    assert (crate.item(track).error_type, crate.item(track).error_message) == (None, None)
    crate.drain()
    assert crate.item(track).state is State.COMPLETED
    assert EventType.ADMIN_RETRY in crate.history(track)
    assert requeue_of(crate).run(FAILED, by=ADMIN) == Requeued(0, 0, more=False)


def test_only_what_is_asked_for_is_requeued(crate: Crate) -> None:
    crate.put(
        a_download(root_id(1), state=State.FAILED),
        a_download(root_id(2), state=State.FAILED, requested_by="bob"),
        a_download(root_id(3), state=State.CANCELLED, requested_by="bob"),
    )
    assert requeue_of(crate).run(Search(state=State.FAILED, user_id="bob"), by=ADMIN).requeued == 1
    states = [crate.item(root_id(n)).state for n in (1, 2, 3)]
    assert states == [State.FAILED, State.PENDING, State.CANCELLED]


def test_what_cannot_be_requeued_now_is_skipped() -> None:
    crate = Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=100, max_queue=2)))
    failed(crate, 3)
    crate.put(a_download(root_id(4), state=State.FAILED, content_id=crate.item(root_id(3)).content_id))
    done = requeue_of(crate).run(FAILED, by=ADMIN)
    assert done.requeued + done.skipped == 4
    assert crate.item(root_id(4)).state is State.PENDING
    assert crate.item(root_id(3)).state is State.FAILED


@pytest.mark.parametrize(("count", "first", "more"), [(60, 55, True), (55, 55, False), (10, 10, False)])
def test_one_call_does_so_much_and_says_whether_there_is_more(crate: Crate, count: int, first: int, more: bool) -> None:
    crate.world.table.control = crate.world.control
    failed(crate, count)
    requeue = requeue_of(crate, most=55)
    assert requeue.run(FAILED, by=ADMIN) == Requeued(first, 0, more=more)
    assert requeue.run(FAILED, by=ADMIN) == Requeued(count - first, 0, more=False)


def test_one_call_takes_no_longer_than_its_caller_waits(crate: Crate) -> None:
    failed(crate, 5)
    requeue = requeue_of(crate)

    def slowly(site: str, call: object) -> object:
        if site == "store.commit":
            crate.world.clock.advance(8)
        return call() if callable(call) else None

    crate.world.calls.around = slowly
    done = requeue.run(FAILED, by=ADMIN)
    assert (done.requeued, done.more) == (2, True)
