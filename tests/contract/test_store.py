"""The port DownloadStore: single records, changes, transactions, families and plans."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cratekeeper.domain import transitions
from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import CHUNK, Key, chunk_key, plan_key
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import ChildPlan, Chunk, Download, Kind, PlanChunk, Usage
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Change, Create, Erase, Fields, FreeLock, Lock, Pin, TakeLock
from tests.contract.conftest import Queue
from tests.contract.samples import SOON, a_child, a_medium, a_root, an_id
from tests.memory.virtual import START


def running(queue: Queue) -> Download:
    """A root that a worker holds."""
    root = a_root()
    queue.store.commit(Create(root))
    after = queue.store.write(transitions.claim(root, lease_until=SOON, owner="me", now=START))
    assert isinstance(after, Download)
    return after


def stored(queue: Queue, key: Key) -> Download | Chunk | None:
    return queue.store.get(key).get(key)


def test_a_created_record_is_read_back(queue: Queue) -> None:
    root, child, chunk = a_root(), a_child(an_id(), 7), Chunk(root=an_id(), number=2, open=frozenset({197}))
    queue.store.commit(Create(root), Create(child), Create(chunk))
    assert queue.store.get(root.key, child.key, chunk.key, a_root().key) == {
        root.key: root,
        child.key: child,
        chunk.key: chunk,
    }


def test_a_record_is_created_once(queue: Queue) -> None:
    root = a_root()
    queue.store.commit(Create(root))
    with pytest.raises(WriteRefused) as refused:
        queue.store.commit(Create(replace(root, requested_by="bob")))
    assert refused.value.current == root
    assert stored(queue, root.key) == root


@pytest.mark.parametrize("count", [0, 101])
def test_a_read_takes_1_to_100_keys(queue: Queue, count: int) -> None:
    keys = [Key(an_id(), "D") for _ in range(count)]
    with pytest.raises(ValueError, match=str(count)):
        queue.store.get(*keys)


def test_a_hundred_records_are_read_at_once(queue: Queue) -> None:
    root = an_id()
    children = [a_child(root, ordinal) for ordinal in range(1, 101)]
    queue.store.commit(*map(Create, children))
    assert queue.store.get(*(child.key for child in children)) == {child.key: child for child in children}


def test_a_change_answers_with_the_record_after_it(queue: Queue) -> None:
    root = a_root()
    queue.store.commit(Create(root))
    after = queue.store.write(transitions.claim(root, lease_until=SOON, owner="me", now=START, counted=True))
    assert after == replace(
        root,
        state=State.IN_PROGRESS,
        epoch=1,
        attempts=1,
        owner="me",
        lease_until=SOON,
        started_at=START,
        waiting=None,
        counted=True,
        seq=2,
        event=Event(type=EventType.DOWNLOAD_STARTED, at=START, details={"attempt": 1}),
    )
    assert stored(queue, root.key) == after


@pytest.mark.case("T-02")
def test_a_refused_change_shows_the_record_and_writes_nothing(queue: Queue) -> None:
    held = running(queue)
    second = transitions.claim(replace(held, state=State.PENDING, epoch=0), lease_until=SOON, owner="you", now=START)
    with pytest.raises(WriteRefused) as refused:
        queue.store.write(second)
    assert refused.value.current == held
    assert refused.value.write is second
    assert stored(queue, held.key) == held


def test_a_change_of_nothing_is_refused(queue: Queue) -> None:
    with pytest.raises(WriteRefused) as refused:
        queue.store.write(Change(key=a_root().key, put=Fields(round=1)))
    assert refused.value.current is None


@pytest.mark.case("T-07", "I-09")
def test_a_late_worker_changes_nothing(queue: Queue) -> None:
    late = running(queue)
    after = timedelta(seconds=1)
    again = transitions.claim(late, lease_until=SOON + after, owner="you", now=SOON + after)
    current = queue.store.write(again)
    for change in (
        transitions.finish(late, a_medium("t"), now=SOON),
        transitions.fail(late, ErrorType.TIMEOUT, "late", now=SOON),
        transitions.renew(late, lease_until=SOON + after + after),
    ):
        with pytest.raises(WriteRefused):
            queue.store.write(change)
    assert stored(queue, late.key) == current


@pytest.mark.case("T-08")
def test_completion_without_a_claim_is_refused(queue: Queue) -> None:
    root = a_root()
    queue.store.commit(Create(root))
    with pytest.raises(WriteRefused):
        queue.store.write(transitions.finish(root, a_medium("t"), now=START))
    assert stored(queue, root.key) == root


def test_a_change_without_effect_still_asks(queue: Queue) -> None:
    root = a_root()
    queue.store.commit(Create(root))
    assert queue.store.write(Change(key=root.key, given=Fields(epoch=0))) == root
    with pytest.raises(WriteRefused):
        queue.store.write(Change(key=root.key, given=Fields(epoch=1)))
    with pytest.raises(WriteRefused):
        queue.store.commit(Create(a_root()), Change(key=root.key, given=Fields(epoch=1)))


def test_a_settled_child_leaves_open_once(queue: Queue) -> None:
    root = a_root(open=frozenset({1, 2}), held=frozenset({1}), round=3)
    queue.store.commit(Create(root))
    child = a_child(root.id, 1, state=State.COMPLETED, bytes_downloaded=500)
    once = queue.store.write(transitions.settle(root, child))
    assert once == replace(root, open=frozenset({2}), held=frozenset(), bytes_done=500)
    with pytest.raises(WriteRefused) as refused:
        queue.store.write(transitions.settle(root, child))
    assert refused.value.current == once


def test_a_set_write_of_an_earlier_round_changes_nothing(queue: Queue) -> None:
    chunk = Chunk(root=an_id(), number=1, round=2, open=frozenset({99}))
    queue.store.commit(Create(chunk))
    with pytest.raises(WriteRefused):
        queue.store.write(transitions.hold(replace(chunk, round=1), 99))
    assert stored(queue, chunk.key) == chunk


def test_an_emptied_set_is_the_empty_set(queue: Queue) -> None:
    chunk = Chunk(root=an_id(), number=1, open=frozenset({99}))
    queue.store.commit(Create(chunk))
    after = queue.store.write(transitions.settle(chunk, a_child(chunk.root, 99, state=State.FAILED)))
    assert after == Chunk(root=chunk.root, number=1, failed=frozenset({99}))
    queue.store.write(Change(key=chunk.key, given=Fields(open=frozenset()), put=Fields(round=1)))


def test_sets_are_compared_as_sets(queue: Queue) -> None:
    root = a_root(state=State.IN_PROGRESS, expanded=True, open=frozenset({10, 2, 1}), held=frozenset({2}))
    queue.store.commit(Create(root))
    after = queue.store.write(transitions.no_child_left(root))
    assert after == replace(root, waiting=None)
    with pytest.raises(WriteRefused):
        queue.store.write(transitions.no_child_left(root))


def test_a_transaction_writes_all_or_nothing(queue: Queue) -> None:
    root, other = a_root(), a_root()
    queue.store.commit(Create(other))
    lock = TakeLock(root.kind, root.content_id, root.id)
    with pytest.raises(WriteRefused):
        queue.store.commit(Create(root), lock, Change(key=other.key, given=Fields(epoch=9), put=Fields(round=1)))
    assert stored(queue, root.key) is None
    assert queue.store.lock_holder(root.kind, root.content_id) is None
    assert stored(queue, other.key) == other


def test_the_first_refused_write_of_a_transaction_is_named(queue: Queue) -> None:
    root, lock = a_root(), TakeLock(Kind.ALBUM, "X" * 22, "me")
    queue.store.commit(Create(root), lock)
    writes = (Create(a_root()), Create(root), replace(lock, holder="you"))
    with pytest.raises(WriteRefused) as refused:
        queue.store.commit(*writes)
    assert refused.value.write is writes[1]
    assert refused.value.current == root


@pytest.mark.parametrize("count", [0, 101])
def test_a_transaction_takes_1_to_100_writes(queue: Queue, count: int) -> None:
    root = an_id()
    with pytest.raises(ValueError, match=str(count)):
        queue.store.commit(*(Create(a_child(root, ordinal)) for ordinal in range(1, count + 1)))


def test_a_chunk_of_an_expansion_fits_one_transaction(queue: Queue) -> None:
    root = running(queue)
    total, ordinals = 2 * CHUNK, range(CHUNK + 1, 2 * CHUNK + 1)
    chunk = Chunk(root=root.id, number=1, open=frozenset(ordinals))
    children = [a_child(root.id, ordinal) for ordinal in ordinals]
    step = transitions.Step(total, total, plan_epoch=1)
    change = transitions.expand(root, step, now=START, next_visit=SOON)
    queue.store.commit(change, Create(chunk), *map(Create, children))
    family = queue.store.family(root.id)
    assert family is not None
    assert family.children == tuple(children)
    assert family.chunks == (chunk,)
    assert family.root.expanded


def test_a_briefing_of_a_root(queue: Queue) -> None:
    root = a_root()
    queue.store.commit(Create(root))
    briefing = queue.store.briefing(root.id)
    assert (briefing.item, briefing.parent, briefing.holder_chunk) == (root, None, None)
    assert briefing.control == queue.permits.read()


@pytest.mark.parametrize("ordinal", [1, CHUNK, CHUNK + 1])
def test_a_briefing_of_a_child(queue: Queue, ordinal: int) -> None:
    root = a_root()
    child, chunk = a_child(root.id, ordinal), Chunk(root=root.id, number=1, open=frozenset({CHUNK + 1}))
    queue.store.commit(Create(root), Create(child), Create(chunk))
    briefing = queue.store.briefing(child.id)
    assert (briefing.item, briefing.parent) == (child, root)
    assert briefing.holder_chunk == (chunk if ordinal > CHUNK else None)


def test_a_briefing_of_nothing(queue: Queue) -> None:
    briefing = queue.store.briefing(f"{an_id()}-3")
    assert (briefing.item, briefing.parent, briefing.holder_chunk) == (None, None, None)
    assert not briefing.control.permits


def test_a_family_is_whole_beyond_one_page(queue: Queue) -> None:
    root = a_root()
    children = [a_child(root.id, ordinal, content_name="x" * 13_000) for ordinal in range(1, 96)]
    queue.store.commit(Create(root), *map(Create, children))
    family = queue.store.family(root.id)
    assert family is not None
    assert family.children == tuple(children)


def test_a_family_without_its_root_is_none(queue: Queue) -> None:
    child = a_child(an_id(), 1)
    queue.store.commit(Create(child))
    assert queue.store.family(child.parent_id or "") is None


def test_children_are_listed_in_album_order(queue: Queue) -> None:
    root = a_root()
    children = [a_child(root.id, ordinal) for ordinal in (1, 2, 9, 10, 99, 100)]
    chunk = Chunk(root=root.id, number=1)
    queue.store.commit(Create(root), Create(chunk), *map(Create, reversed(children)))
    assert queue.store.children(root.id, after=0, limit=99) == children
    assert queue.store.children(root.id, after=2, limit=3) == children[2:5]
    assert queue.store.children(root.id, after=100, limit=3) == []


def test_everything_is_every_root_and_child(queue: Queue) -> None:
    roots = [a_root(content_name="x" * 9_000) for _ in range(3)]
    children = [a_child(root.id, ordinal, content_name="x" * 9_000) for root in roots for ordinal in range(1, 60)]
    for start in range(0, len(children), 59):
        queue.store.commit(*map(Create, children[start : start + 59]))
    queue.store.commit(*map(Create, roots), Create(Chunk(root=roots[0].id, number=1)), TakeLock(Kind.TRACK, "t", "me"))
    queue.store.commit(Pin(PlanChunk(root=roots[0].id, epoch=1, number=0, total=0, children=())))
    queue.permits.unmark(["x"], Lane.LOW)
    found = [each for each in queue.store.everything() if isinstance(each, Download)]
    assert {each.id: each for each in found} == {each.id: each for each in [*roots, *children]}


def test_a_plan_is_kept_apart_from_the_family(queue: Queue) -> None:
    root = a_root()
    planned = (
        ChildPlan(kind=Kind.TRACK, content_id="t" * 22, content_name="A", artist_name="B", stored=True),
        ChildPlan(kind=Kind.ARTIST_IMAGE, content_id="0f" * 20),
    )
    chunks = [PlanChunk(root=root.id, epoch=2, number=number, total=99, children=planned) for number in (0, 1)]
    queue.store.commit(Create(root))
    queue.store.commit(*map(Pin, chunks))
    queue.store.commit(*map(Pin, chunks))
    assert [queue.store.plan_chunk(root.id, epoch=2, chunk=number) for number in (0, 1)] == chunks
    assert queue.store.plan_chunk(root.id, epoch=1, chunk=0) is None
    assert queue.store.plans(root.id) == [plan_key(root.id, 2, 0), plan_key(root.id, 2, 1)]
    assert queue.store.plans(an_id()) == []
    family = queue.store.family(root.id)
    assert family is not None
    assert (family.chunks, family.children) == ((), ())


@pytest.mark.case("D-02")
def test_a_lock_has_one_holder(queue: Queue) -> None:
    mine = TakeLock(Kind.ALBUM, "X" * 22, "me")
    queue.store.commit(mine)
    queue.store.commit(mine)
    with pytest.raises(WriteRefused) as refused:
        queue.store.commit(replace(mine, holder="you"))
    assert refused.value.current == Lock("me")
    queue.store.commit(replace(mine, kind=Kind.TRACK, holder="you"))
    assert queue.store.lock_holder(Kind.ALBUM, "X" * 22) == "me"
    assert queue.store.lock_holder(Kind.TRACK, "X" * 22) == "you"


def test_only_its_holder_frees_a_lock(queue: Queue) -> None:
    queue.store.commit(TakeLock(Kind.ALBUM, "X" * 22, "me"))
    with pytest.raises(WriteRefused) as refused:
        queue.store.commit(FreeLock(Kind.ALBUM, "X" * 22, "you"))
    assert refused.value.current == Lock("me")
    queue.store.commit(FreeLock(Kind.ALBUM, "X" * 22, "me"))
    queue.store.commit(FreeLock(Kind.ALBUM, "X" * 22, "me"))
    assert queue.store.lock_holder(Kind.ALBUM, "X" * 22) is None


def test_what_is_erased_is_gone_and_erasing_it_again_is_harmless(queue: Queue) -> None:
    root = a_root()
    child = a_child(root.id, 1)
    plan = PlanChunk(root=root.id, epoch=1, number=0, total=0, children=())
    queue.store.commit(Create(root), Create(child))
    queue.store.commit(Pin(plan))
    erasures = [Erase(root.key), Erase(child.key), Erase(plan_key(root.id, 1, 0))]
    queue.store.commit(*erasures)
    assert (queue.store.family(root.id), queue.store.plan_chunk(root.id, epoch=1, chunk=0)) == (None, None)
    assert queue.store.waiting_roots(limit=9) == []
    queue.store.commit(*erasures)
    queue.store.commit(erasures[0])


def test_nothing_is_in_use_at_first(queue: Queue) -> None:
    assert queue.store.usage("nobody") == Usage(user_id="nobody")
    assert queue.store.lock_holder(Kind.TRACK, "X" * 22) is None
    assert queue.store.albums_started("H#2026-11-21T08", "D#2026-11-21") == (0, 0)
    assert stored(queue, chunk_key(an_id(), 1)) is None
