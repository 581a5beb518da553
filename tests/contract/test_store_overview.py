"""The port DownloadStore: everybody's roots by state, and counts of them."""

from datetime import timedelta

import pytest

from cratekeeper.domain import transitions
from cratekeeper.domain.counts import Counts
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Create
from cratekeeper.ports import Page
from tests.contract.conftest import Queue
from tests.contract.samples import SOON, a_child, a_root
from tests.memory.virtual import START


def created(queue: Queue, *roots: Download) -> list[str]:
    for root in roots:
        queue.store.commit(Create(root))
    return [root.id for root in roots]


def test_everybodys_roots_come_in_pages_newest_first(queue: Queue) -> None:
    made = created(queue, *(a_root(state=state, requested_by=name) for state in State for name in ("alice", "bob")))
    newest = made[::-1]
    assert queue.store.newest(State, after=None, limit=5) == Page(tuple(newest[:5]), newest[4])
    assert queue.store.newest(State, after=newest[4], limit=5) == Page(tuple(newest[5:10]), newest[9])
    assert queue.store.newest(State, after=newest[9], limit=5) == Page(tuple(newest[10:]), None)
    assert queue.store.newest(State, after=None, limit=14) == Page(tuple(newest), None)


@pytest.mark.case("Q-18")
def test_roots_of_one_state(queue: Queue) -> None:
    made = {state: created(queue, a_root(state=state), a_root(state=state)) for state in State}
    queue.store.commit(Create(a_child(made[State.FAILED][0], 1, state=State.FAILED)))
    for state, ids in made.items():
        assert queue.store.newest([state], after=None, limit=9) == Page(tuple(ids[::-1]), None)
        assert queue.store.oldest(state, limit=9) == ids
        assert queue.store.oldest(state, limit=1) == ids[:1]
    both = [*made[State.FAILED], *made[State.PAUSED]]
    found = queue.store.newest([State.FAILED, State.PAUSED], after=None, limit=9).ids
    assert found == tuple(sorted(both, reverse=True))


def test_counts_end_where_they_are_told_to(queue: Queue) -> None:
    created(queue, *(a_root() for _ in range(6)), *(a_root(lane=Lane.LOW) for _ in range(2)))
    parked = a_root(waiting=Waiting(Lane.NORMAL, Rank.ROOT))
    created(queue, parked)
    queue.store.write(transitions.park(parked, until=SOON, now=START))
    assert [queue.store.waiting_count(Lane.NORMAL, limit=limit) for limit in (3, 6, 7, 99)] == [3, 6, 7, 7]
    assert queue.store.waiting_count(Lane.LOW, limit=99) == 2
    assert [queue.store.count(State.PENDING, limit=limit) for limit in (1, 5, 9, 99)] == [1, 5, 9, 9]


def test_a_recount_is_kept_until_it_is_too_old(queue: Queue) -> None:
    assert queue.store.recounted() is None
    created(queue, a_root(), a_root(lane=Lane.LOW), a_root(state=State.PAUSED, waiting=None))
    queue.store.recount(now=START, older_than=START)
    first = Counts(
        at=START,
        by_lane={Lane.HIGH: 0, Lane.NORMAL: 1, Lane.LOW: 1},
        by_state={State.IN_PROGRESS: 0, State.RETRY_WAITING: 0, State.PAUSED: 1},
    )
    assert queue.store.recounted() == first
    created(queue, a_root())
    queue.store.recount(now=SOON, older_than=START)
    assert queue.store.recounted() == first
    queue.store.recount(now=SOON, older_than=START + timedelta(milliseconds=1))
    again = queue.store.recounted()
    assert again is not None
    assert (again.at, again.by_lane[Lane.NORMAL]) == (SOON, 2)
