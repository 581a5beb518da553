"""The port DownloadStore: what the indexes tell, and that children are in none."""

from datetime import timedelta

import pytest

from cratekeeper.domain import transitions
from cratekeeper.domain.ids import SHARDS, shard_of
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Change, Create, Fields
from cratekeeper.ports import Page, WaitingEntry
from tests.contract.conftest import Queue
from tests.contract.samples import SOON, a_child, a_medium, a_root
from tests.memory.virtual import START

SECOND = timedelta(seconds=1)


def created(queue: Queue, *roots: Download) -> list[str]:
    for root in roots:
        queue.store.commit(Create(root))
    return [root.id for root in roots]


def due(queue: Queue, *, limit: int = 99) -> set[str]:
    return {each for shard in range(SHARDS) for each in queue.store.due(shard, before=SOON, limit=limit)}


def same_shard(count: int) -> list[Download]:
    """Roots of one shard."""
    roots = [a_root() for _ in range(count * SHARDS * 8)]
    shard = shard_of(roots[0].id)
    return [root for root in roots if shard_of(root.id) == shard][:count]


def test_due_roots_come_most_overdue_first(queue: Queue) -> None:
    first, second, third, late = same_shard(4)
    times = {third.id: SOON, first.id: START, second.id: SOON - SECOND, late.id: SOON + timedelta(milliseconds=1)}
    created(queue, *(a_root(root, due_at=at) for root, at in times.items()))
    shard = shard_of(first.id)
    assert queue.store.due(shard, before=SOON, limit=9) == [first.id, second.id, third.id]
    assert queue.store.due(shard, before=SOON, limit=2) == [first.id, second.id]
    assert queue.store.due((shard + 1) % SHARDS, before=SOON, limit=9) == []


def test_a_root_leaves_and_moves_in_due(queue: Queue) -> None:
    root = a_root()
    created(queue, root)
    assert due(queue) == {root.id}
    queue.store.write(Change(key=root.key, put=Fields(due_at=SOON + SECOND)))
    assert due(queue) == set()
    queue.store.write(Change(key=root.key, put=Fields(due_at=START)))
    assert due(queue) == {root.id}
    queue.store.write(Change(key=root.key, put=Fields(due_at=None)))
    assert due(queue) == set()


@pytest.mark.case("Q-01", "Q-02", "Q-07")
def test_waiting_is_the_order_of_work(queue: Queue) -> None:
    low, old, high, album, new = (
        a_root(lane=Lane.LOW),
        a_root(),
        a_root(lane=Lane.HIGH),
        a_root(waiting=Waiting(Lane.NORMAL, Rank.CHILDREN)),
        a_root(),
    )
    created(queue, new, low, album, old, high)
    expected = [
        WaitingEntry(high.id, Lane.HIGH, Rank.ROOT),
        WaitingEntry(album.id, Lane.NORMAL, Rank.CHILDREN),
        WaitingEntry(old.id, Lane.NORMAL, Rank.ROOT),
        WaitingEntry(new.id, Lane.NORMAL, Rank.ROOT),
        WaitingEntry(low.id, Lane.LOW, Rank.ROOT),
    ]
    assert queue.store.waiting(limit=9) == expected
    assert queue.store.waiting(limit=2) == expected[:2]


def test_parked_albums_wait_but_are_no_work(queue: Queue) -> None:
    parked, ready = a_root(), a_root()
    created(queue, parked, ready)
    queue.store.write(transitions.park(parked, until=SOON, now=START))
    assert [entry.id for entry in queue.store.waiting(limit=9)] == [ready.id]
    assert queue.store.waiting_count(Lane.NORMAL, limit=99) == 2
    assert queue.store.waiting_roots(limit=9) == [parked.id, ready.id]


def test_a_claimed_root_waits_no_more(queue: Queue) -> None:
    root = a_root()
    created(queue, root)
    queue.store.write(transitions.claim(root, lease_until=SOON, owner="me", now=START))
    assert queue.store.waiting(limit=9) == []
    assert queue.store.waiting_count(Lane.NORMAL, limit=99) == 0


@pytest.mark.case("Q-06", "Q-08")
def test_waiting_roots_come_by_lane_and_age(queue: Queue) -> None:
    old, parked, new, low, high = a_root(), a_root(), a_root(), a_root(lane=Lane.LOW), a_root(lane=Lane.HIGH)
    album = a_root(waiting=Waiting(Lane.NORMAL, Rank.CHILDREN))
    created(queue, old, parked, new, low, high, album)
    queue.store.write(transitions.park(parked, until=SOON, now=START))
    expected = [high.id, old.id, parked.id, new.id, low.id]
    assert queue.store.waiting_roots(limit=9) == expected
    assert queue.store.waiting_roots(limit=3) == expected[:3]


def test_active_albums_hide_no_waiting_root(queue: Queue) -> None:
    created(queue, *(a_root(waiting=Waiting(Lane.NORMAL, Rank.CHILDREN)) for _ in range(5)))
    ids = created(queue, *(a_root() for _ in range(3)))
    assert queue.store.waiting_roots(limit=2) == ids[:2]
    assert queue.store.waiting_roots(limit=3) == ids


@pytest.mark.case("A-09")
def test_roots_are_counted_by_state(queue: Queue) -> None:
    roots = [a_root() for _ in range(9)]
    created(queue, *roots)
    claimed = queue.store.write(transitions.claim(roots[0], lease_until=SOON, owner="me", now=START))
    assert isinstance(claimed, Download)
    assert (queue.store.count(State.PENDING, limit=99), queue.store.count(State.IN_PROGRESS, limit=99)) == (8, 1)
    queue.store.write(transitions.finish(claimed, a_medium("t"), now=START))
    assert (queue.store.count(State.IN_PROGRESS, limit=99), queue.store.count(State.COMPLETED, limit=99)) == (0, 1)


@pytest.mark.case("Q-10")
def test_a_users_roots_come_in_pages_newest_first(queue: Queue) -> None:
    mine = created(queue, *(a_root() for _ in range(5)))[::-1]
    created(queue, a_root(requested_by="bob"))
    assert queue.store.roots_of("alice", after=None, limit=2) == Page((mine[0], mine[1]), mine[1])
    assert queue.store.roots_of("alice", after=mine[1], limit=2) == Page((mine[2], mine[3]), mine[3])
    assert queue.store.roots_of("alice", after=mine[3], limit=2) == Page((mine[4],), None)
    assert queue.store.roots_of("alice", after=None, limit=5) == Page(tuple(mine), None)
    assert queue.store.roots_of("carol", after=None, limit=5) == Page((), None)


@pytest.mark.case("Q-11")
def test_children_are_in_no_index(queue: Queue) -> None:
    root = a_root(due_at=None, waiting=None)
    created(queue, root)
    child = a_child(root.id, 1, due_at=START, waiting=Waiting(Lane.NORMAL, Rank.ROOT), state=State.FAILED)
    queue.store.commit(Create(child))
    queue.store.write(Change(key=child.key, put=Fields(due_at=SOON, state=State.PAUSED)))
    assert due(queue) == set()
    assert queue.store.waiting(limit=9) == []
    assert [queue.store.count(state, limit=9) for state in State] == [1, 0, 0, 0, 0, 0, 0]
    assert queue.store.roots_of("alice", after=None, limit=9).ids == (root.id,)
