"""The port DownloadStore: active slots, requests of a day, capacity windows."""

from dataclasses import replace
from typing import Any

import pytest

from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.models import Usage
from cratekeeper.domain.writes import Create, FreeSlot, TakeCapacity, TakeSlot, Window
from tests.contract.conftest import Queue
from tests.contract.samples import a_root

TODAY, TOMORROW = "2026-11-21", "2026-11-22"
HOUR, DAY = "H#2026-11-21T08", "D#2026-11-21"


def a_slot(root: str = "r1", **fields: Any) -> TakeSlot:
    first = TakeSlot(user_id="alice", root=root, day=TODAY, known_day=TODAY, max_active=2, max_requests=3)
    return replace(first, **fields)


def first_slot(root: str = "r1", **fields: Any) -> TakeSlot:
    return a_slot(root, known_day="", **fields)


def used(queue: Queue) -> tuple[str, int, set[str]]:
    usage = queue.store.usage("alice")
    return usage.day, usage.requests, set(usage.active)


def one_before(queue: Queue) -> None:
    """A download of today that has ended."""
    queue.store.commit(first_slot("r0"))
    queue.store.commit(FreeSlot("alice", "r0"))


def refused(queue: Queue, slot: TakeSlot) -> Usage:
    before = queue.store.usage(slot.user_id)
    with pytest.raises(WriteRefused) as refusal:
        queue.store.commit(slot)
    assert queue.store.usage(slot.user_id) == before
    assert refusal.value.write is slot
    return refusal.value.current if isinstance(refusal.value.current, Usage) else Usage(user_id=slot.user_id)


@pytest.mark.case("L-02")
def test_a_request_takes_a_slot_and_counts(queue: Queue) -> None:
    queue.store.commit(first_slot("r1"))
    queue.store.commit(a_slot("r2"))
    assert used(queue) == (TODAY, 2, {"r1", "r2"})
    queue.store.commit(FreeSlot("alice", "r1"))
    queue.store.commit(FreeSlot("alice", "r1"))
    assert used(queue) == (TODAY, 2, {"r2"})


def test_a_day_that_the_caller_does_not_know_refuses(queue: Queue) -> None:
    assert refused(queue, a_slot()) == Usage(user_id="alice")
    queue.store.commit(first_slot())
    assert refused(queue, first_slot("r2")).day == TODAY
    assert refused(queue, a_slot("r2", day=TOMORROW, known_day="2026-11-20")).day == TODAY


@pytest.mark.case("L-05")
def test_the_active_set_is_bounded(queue: Queue) -> None:
    queue.store.commit(first_slot("r1"))
    queue.store.commit(a_slot("r2"))
    assert refused(queue, a_slot("r3")).active == {"r1", "r2"}
    queue.store.commit(FreeSlot("alice", "r2"))
    queue.store.commit(a_slot("r3"))
    assert used(queue) == (TODAY, 3, {"r1", "r3"})


@pytest.mark.case("L-04")
def test_the_requests_of_a_day_are_bounded(queue: Queue) -> None:
    for number, slot in enumerate((first_slot("r0"), a_slot("r1"), a_slot("r2"))):
        queue.store.commit(slot)
        queue.store.commit(FreeSlot("alice", f"r{number}"))
    assert refused(queue, a_slot("r3")).requests == 3


@pytest.mark.case("B-01")
@pytest.mark.parametrize("known_day", ["", TODAY])
def test_a_batch_takes_all_of_its_slots(queue: Queue, known_day: str) -> None:
    if known_day:
        one_before(queue)
    others = frozenset({"r2", "r3"})
    queue.store.commit(a_slot("r1", others=others, known_day=known_day, max_active=3, max_requests=4))
    assert used(queue) == (TODAY, 3 + bool(known_day), {"r1", "r2", "r3"})


@pytest.mark.parametrize("known_day", ["", TODAY])
@pytest.mark.parametrize("limits", [{"max_active": 2}, {"max_requests": 2}])
def test_a_batch_takes_no_slot_beyond_a_limit(queue: Queue, known_day: str, limits: Any) -> None:
    if known_day:
        one_before(queue)
    slot = a_slot("r1", others=frozenset({"r2", "r3"}), known_day=known_day, max_active=9, max_requests=9)
    refused(queue, replace(slot, **limits))
    assert used(queue)[2] == set()


@pytest.mark.case("L-07")
def test_a_new_day_counts_anew(queue: Queue) -> None:
    queue.store.commit(first_slot("r1", max_requests=1))
    queue.store.commit(a_slot("r2", day=TOMORROW, max_requests=1))
    assert used(queue) == (TOMORROW, 1, {"r1", "r2"})


def test_a_lagging_clock_does_not_count_anew(queue: Queue) -> None:
    queue.store.commit(first_slot("r1", day=TOMORROW))
    assert refused(queue, a_slot("r2", known_day=TOMORROW)).day == TOMORROW


def test_no_limit(queue: Queue) -> None:
    unlimited: dict[str, Any] = {"max_active": None, "max_requests": None}
    queue.store.commit(first_slot("r0", **unlimited))
    for number in range(1, 6):
        queue.store.commit(a_slot(f"r{number}", **unlimited))
    assert used(queue)[1] == 6


@pytest.mark.parametrize("limit", ["max_active", "max_requests"])
@pytest.mark.parametrize("known_day", ["", TODAY, "2026-11-20"])
def test_zero_admits_none(queue: Queue, limit: str, known_day: str) -> None:
    if known_day:
        queue.store.commit(first_slot("r0", day=known_day))
        queue.store.commit(FreeSlot("alice", "r0"))
    refused(queue, a_slot("r1", known_day=known_day, **{limit: 0}))


def test_a_retry_takes_a_slot_but_no_request(queue: Queue) -> None:
    queue.store.commit(a_slot("r1", is_request=False, max_requests=0))
    assert used(queue) == ("", 0, {"r1"})
    queue.store.commit(first_slot("r2"))
    assert refused(queue, a_slot("r3", is_request=False)).active == {"r1", "r2"}


def test_users_are_counted_apart(queue: Queue) -> None:
    queue.store.commit(first_slot("r1", max_active=1))
    queue.store.commit(first_slot("r2", max_active=1, user_id="bob"))
    assert queue.store.usage("bob").active == {"r2"}


@pytest.mark.case("L-10")
def test_a_window_takes_as_many_albums_as_its_limit(queue: Queue) -> None:
    for _ in range(2):
        queue.store.commit(Create(a_root()), TakeCapacity(HOUR, 2), TakeCapacity(DAY, 9))
    with pytest.raises(WriteRefused) as refusal:
        queue.store.commit(TakeCapacity(DAY, 9), TakeCapacity(HOUR, 2))
    assert refusal.value.current == Window(HOUR, 2)
    assert queue.store.albums_started(HOUR, DAY, "H#2026-11-21T09") == (2, 2, 0)


def test_a_window_without_a_limit_only_counts(queue: Queue) -> None:
    for _ in range(3):
        queue.store.commit(TakeCapacity(HOUR, None))
    assert queue.store.albums_started(HOUR) == (3,)


def test_a_window_of_zero_takes_none(queue: Queue) -> None:
    with pytest.raises(WriteRefused):
        queue.store.commit(TakeCapacity(HOUR, 0))
    assert queue.store.albums_started(HOUR) == (0,)
