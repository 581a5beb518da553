"""Conditions that must hold whoever comes first: many threads at once, on the emulator alone.

What is in memory here has one thread, and proves nothing about races.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest

from cratekeeper.domain import transitions
from cratekeeper.domain.control import Held, Permit, Seeker
from cratekeeper.domain.errors import PermitRefused, WriteRefused
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download, Kind, Usage
from cratekeeper.domain.progress import outcome
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Change, Create, FreeLock, FreeSlot, TakeCapacity, TakeLock, TakeSlot
from tests.contract.conftest import LIMIT, Queue, Tables, queue_on
from tests.contract.emulator import Emulator
from tests.contract.races import at_once
from tests.contract.samples import SOON, a_child, a_root, an_id
from tests.memory.virtual import START

TODAY = "2026-11-21"
ROOT = an_id()


@pytest.fixture
def queue(emulator: Emulator, tables: Tables) -> Queue:
    return queue_on(emulator, tables.queue)


def succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except (WriteRefused, PermitRefused):
        return False
    return True


def winners(calls: Sequence[Callable[[], object]]) -> list[bool]:
    """Which of the calls were not refused."""
    return at_once([partial(succeeds, call) for call in calls])


def a_seeker(number: int, *, epoch: int = 0) -> Seeker:
    return Seeker(f"{ROOT}-{number}", Lane.NORMAL, Permit(SOON, epoch, 0))


def stored(queue: Queue, item: Download) -> Download:
    found = queue.store.get(item.key)[item.key]
    assert isinstance(found, Download)
    return found


@pytest.mark.case("T-02", "N-03")
def test_one_worker_claims(queue: Queue) -> None:
    root = a_root()
    queue.store.commit(Create(root))
    claims = [transitions.claim(root, lease_until=SOON, owner=f"worker {n}", now=START) for n in range(40)]
    won = winners([partial(queue.store.write, claim) for claim in claims])
    after = stored(queue, root)
    assert sum(won) == 1
    assert (after.epoch, after.attempts, after.owner) == (1, 1, f"worker {won.index(True)}")


@pytest.mark.case("N-01", "N-02")
@pytest.mark.parametrize("limit", [1, LIMIT, 16])
def test_no_more_permits_than_the_limit(queue: Queue, limit: int) -> None:
    queue.set_control(limit=limit)
    won = winners([partial(queue.permits.take, a_seeker(n), limit=limit) for n in range(1, 41)])
    assert sum(won) == limit
    assert set(queue.permits.read().permits) == {f"{ROOT}-{n}" for n, is_won in enumerate(won, 1) if is_won}


def test_a_permit_is_swapped_once(queue: Queue) -> None:
    first = a_seeker(99)
    queue.permits.take(first, limit=LIMIT)
    held = Held(first.id, first.permit)
    won = winners([partial(queue.permits.swap, held, a_seeker(n), limit=LIMIT) for n in range(1, 31)])
    assert sum(won) == 1
    assert set(queue.permits.read().permits) == {f"{ROOT}-{won.index(True) + 1}"}


def test_who_finds_no_room_is_marked_hungry(queue: Queue) -> None:
    """Rule 5: take, or mark while it is full; whatever the order, nobody is forgotten."""

    def take_or_mark(seeker: Seeker) -> None:
        while not succeeds(partial(queue.permits.take, seeker, limit=LIMIT)):
            if succeeds(partial(queue.permits.mark, seeker.id, seeker.lane, limit=LIMIT)):
                return

    seekers = [a_seeker(n) for n in range(1, 31)]
    at_once([partial(take_or_mark, seeker) for seeker in seekers])
    control = queue.permits.read()
    assert len(control.permits) == LIMIT
    assert control.permits.keys() | control.hungry[Lane.NORMAL] == {seeker.id for seeker in seekers}


def test_drops_and_takes_lose_no_place(queue: Queue) -> None:
    """Twenty workers take and drop again and again: never above the limit, and none is left behind."""
    seen: list[int] = []

    def work(number: int) -> None:
        for epoch in range(5):
            seeker = a_seeker(number, epoch=epoch)
            if succeeds(partial(queue.permits.take, seeker, limit=LIMIT)):
                seen.append(len(queue.permits.read().permits))
                queue.permits.drop(Held(seeker.id, seeker.permit))

    at_once([partial(work, number) for number in range(1, 21)])
    assert max(seen) <= LIMIT
    assert queue.permits.read().permits == {}


@pytest.mark.case("L-05", "L-04")
@pytest.mark.parametrize("bound", ["max_active", "max_requests"])
def test_ten_left_admits_ten(queue: Queue, bound: str) -> None:
    most = {"max_active": 999, "max_requests": 999, bound: 15}
    limits = TakeSlot(
        user_id="alice",
        root="",
        day=TODAY,
        known_day=TODAY,
        max_active=most["max_active"],
        max_requests=most["max_requests"],
    )
    before = [a_root() for _ in range(5)]
    for number, root in enumerate(before):
        known_day = TODAY if number else ""
        queue.store.commit(
            TakeSlot(user_id="alice", root=root.id, day=TODAY, known_day=known_day, max_active=9, max_requests=9)
        )
    roots = [a_root(content_id=f"album {number}") for number in range(40)]

    def create(root: Download) -> None:
        slot = replace(limits, root=root.id)
        queue.store.commit(Create(root), TakeLock(root.kind, root.content_id, root.id), slot)

    won = winners([partial(create, root) for root in roots])
    usage = queue.store.usage("alice")
    created = frozenset(root.id for root, is_won in zip(roots, won, strict=True) if is_won)
    assert sum(won) == 10
    assert usage == Usage(user_id="alice", day=TODAY, requests=15, active=created | {root.id for root in before})
    assert set(queue.store.roots_of("alice", after=None, limit=99).ids) == created


@pytest.mark.case("D-03")
def test_one_content_is_queued_once(queue: Queue) -> None:
    roots = [a_root() for _ in range(50)]
    queue.store.commit(
        TakeSlot(user_id="alice", root="r0", day=TODAY, known_day="", max_active=None, max_requests=None)
    )

    def create(root: Download) -> None:
        slot = TakeSlot(user_id="alice", root=root.id, day=TODAY, known_day=TODAY, max_active=None, max_requests=None)
        queue.store.commit(Create(root), TakeLock(root.kind, root.content_id, root.id), slot)

    won = winners([partial(create, root) for root in roots])
    only = roots[won.index(True)]
    assert sum(won) == 1
    assert queue.store.lock_holder(only.kind, only.content_id) == only.id
    assert queue.store.usage("alice").active == {"r0", only.id}
    assert queue.store.usage("alice").requests == 2


@pytest.mark.case("L-10", "L-11")
def test_a_window_admits_as_many_albums_as_its_limit(queue: Queue) -> None:
    roots = [a_root() for _ in range(30)]
    for root in roots:
        queue.store.commit(Create(root))

    def claim(root: Download) -> None:
        change = transitions.claim(root, lease_until=SOON, owner="me", now=START, counted=True)
        queue.store.commit(change, TakeCapacity("H#2026-11-21T08", 10), TakeCapacity("D#2026-11-21", 60))

    assert sum(winners([partial(claim, root) for root in roots])) == 10
    assert queue.store.albums_started("H#2026-11-21T08", "D#2026-11-21") == (10, 10)
    assert queue.store.count(State.IN_PROGRESS, limit=99) == 10


@pytest.mark.case("P-10")
def test_children_that_end_together_end_their_album_once(queue: Queue) -> None:
    root = a_root(state=State.IN_PROGRESS, expanded=True, epoch=1, total=14, open=frozenset(range(1, 15)))
    lock = TakeLock(root.kind, root.content_id, root.id)
    queue.store.commit(Create(root), lock)
    children = [a_child(root.id, n, state=State.COMPLETED, bytes_downloaded=100 + n) for n in range(1, 15)]

    def finish(child: Download) -> bool:
        after = queue.store.write(transitions.settle(root, child))
        if not isinstance(after, Download) or after.open:
            return False
        ends = outcome(after)
        assert ends is not None
        free = FreeLock(root.kind, root.content_id, root.id), FreeSlot("alice", root.id)
        queue.store.commit(transitions.end_album(after, ends, now=SOON), *free)
        return True

    # Each message is delivered twice: the second settles nothing.
    ended = at_once([partial(succeeds_with, partial(finish, child)) for child in children * 2])
    after = stored(queue, root)
    assert sum(ended) == 1
    assert (after.state, after.open, after.seq) == (State.COMPLETED, frozenset(), 2)
    assert after.bytes_downloaded == sum(child.bytes_downloaded or 0 for child in children)
    assert queue.store.lock_holder(root.kind, root.content_id) is None


def succeeds_with(call: Callable[[], bool]) -> bool:
    try:
        return call()
    except WriteRefused:
        return False


def test_every_event_has_a_number_of_its_own(queue: Queue) -> None:
    root = a_root()
    queue.store.commit(Create(root))
    event = Event(type=EventType.PRIORITY_CHANGED, at=START)
    after = at_once([partial(queue.store.write, Change(key=root.key, event=event)) for _ in range(20)])
    assert sorted(each.seq for each in after if isinstance(each, Download)) == list(range(2, 22))


def test_transactions_that_meet_are_all_carried_out(queue: Queue) -> None:
    """Conflicts pass: only a condition that does not hold refuses."""

    def take(number: int) -> None:
        queue.store.commit(
            TakeSlot(
                user_id="alice",
                root=f"r{number}",
                day=TODAY,
                known_day=TODAY,
                max_active=None,
                max_requests=None,
                is_request=False,
            ),
            TakeLock(Kind.TRACK, f"track {number}", f"r{number}"),
        )

    assert all(winners([partial(take, number) for number in range(40)]))
    assert len(queue.store.usage("alice").active) == 40
