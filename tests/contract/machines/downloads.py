"""The life of downloads: every named transition, from fresh views and from stale ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from cratekeeper.domain import transitions
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import Key, chunk_of, key_of, shard_of, split
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Chunk, Download, Kind, Upload
from cratekeeper.domain.progress import outcome
from cratekeeper.domain.retry import Counts, RetryAt
from cratekeeper.domain.states import MOVES, State, Verb
from cratekeeper.domain.writes import (
    Change,
    Create,
    FreeLock,
    FreeSlot,
    Stored,
    TakeCapacity,
    TakeLock,
    TakeSlot,
    Write,
)
from tests.contract.machines import plain
from tests.contract.machines.plain import Plain, Wish, row_of
from tests.contract.machines.sides import Answer, Compared, Side
from tests.contract.samples import a_child, a_medium, a_root
from tests.memory.samples import content_id
from tests.memory.virtual import START, SeededIds

EDGES: Final = frozenset((source, target) for (source, _), target in MOVES.items())
ENDS: Final = (State.COMPLETED, State.FAILED, State.CANCELLED)
LEASE: Final = timedelta(seconds=60)
SKEW_S: Final = 20
HOUR: Final = "H#2026-11-21T08"
ROOM: Final = 2
"""Albums that may start in that hour."""

picks = st.integers(0, 30)
backs = st.sampled_from([0, 0, 0, 0, 0, 1, 1, 2, 4, 9])
"""How old the view is on which a write rests: mostly fresh."""
skews = st.sampled_from([0, 0, 0, 0, -SKEW_S, SKEW_S])
"""By how many seconds the writer's clock is wrong."""

Pair = tuple[Write, Wish]


class Downloads(Compared):
    """A track, an album that is to be expanded, and one with children in two chunks of sets."""

    def __init__(self, sides: Sequence[Side]) -> None:
        super().__init__(sides)
        self.plain = Plain()
        self.past: dict[Key, list[Download | Chunk]] = {}
        self.times: dict[Key, list[int]] = {}
        self.commits = 0
        self.now = START
        self.ids = SeededIds(seed=7)
        self.rejoined: set[tuple[str, int]] = set()
        self.done: list[tuple[Pair, ...]] = []

    @initialize()
    def request(self) -> None:
        track = self._request(Kind.TRACK, "a track")
        self._request(Kind.ALBUM, "an album", lane=Lane.LOW)
        far = frozenset({99, 100})
        family: dict[str, Any] = {"state": State.IN_PROGRESS, "epoch": 1, "attempts": 1, "counted": True}
        family |= {"expanded": True, "total": 100, "cursor": 100, "plan_epoch": 1, "started_at": START}
        family |= {"open": frozenset({1, 2}), "open_chunks": frozenset({1})}
        big = self._request(Kind.ALBUM, "a big album", waiting=Waiting(Lane.NORMAL, Rank.CHILDREN), **family)
        born = [a_child(big.id, ordinal) for ordinal in (1, 2, 99, 100)]
        records: list[Download | Chunk] = [Chunk(root=big.id, number=1, open=far), *born]
        self.do(*[(Create(each), plain.create(each)) for each in records])
        assert track.id < big.id

    def _request(self, kind: Kind, name: str, **fields: Any) -> Download:
        item = a_root(self.ids.download(START), kind=kind, content_id=content_id(name), **fields)
        slot = TakeSlot(
            user_id=item.requested_by, root=item.id, day="", known_day="", max_active=9, max_requests=None,
            is_request=False,
        )  # fmt: skip
        self.do(
            (Create(item), plain.create(item)),
            (TakeLock(item.kind, item.content_id, item.id), plain.take_lock(item)),
            (slot, plain.take_slot(item)),
        )
        return item

    def do(self, *pairs: Pair) -> None:
        """Carry out the writes on every side and on the model, and compare what came of them."""
        self.done.append(pairs)
        writes = [write for write, _ in pairs]
        if len(writes) == 1 and isinstance(writes[0], Change):
            change = writes[0]
            answer = self.ask(lambda side: side.store.write(change))
            found = {change.key: answer.value}
        else:
            answer = self.ask(lambda side: side.store.commit(*writes))
            found = {}
        refused = self.plain.carry_out([wish for _, wish in pairs])
        if refused:
            assert answer.error == "WriteRefused", f"the model refuses {writes[refused.number]}"
            self._compare_refusal(answer, writes[refused.number], refused.current)
        else:
            assert not answer.error, f"{answer.error}, but the model does it: {answer.said}"
            keys = [wish.place for _, wish in pairs if isinstance(wish.place, Key)]
            self._learn(found or self.ask(lambda side: side.store.get(*keys)).value, keys)

    def _compare_refusal(self, answer: Answer, write: Write, current: Any) -> None:
        assert answer.said
        assert answer.said["write"] == write
        told = answer.said["current"]
        if isinstance(told, Download | Chunk):
            assert row_of(told) == current
        elif current is None:
            assert told is None

    def _learn(self, found: Mapping[Key, Stored], keys: list[Key]) -> None:
        """What was written is what the model has, and came about by legal moves."""
        self.commits += 1
        for key in keys:
            record = found.get(key)
            assert (row_of(record) if record else None) == self.plain.rows.get(key)
            if record is None:
                self.past.pop(key, None)
                self.times.pop(key, None)
                continue
            before = self.past.setdefault(key, [])
            if before and isinstance(record, Download) and isinstance(before[-1], Download):
                _check_move(before[-1], record)
            if not before or before[-1] != record:
                before.append(record)
                self.times.setdefault(key, []).append(self.commits)

    def view(self, pick: int, back: int, *, roots: bool | None = None) -> Download:
        """Some download, as it is or as it was."""
        keys = [
            key
            for key, versions in sorted(self.past.items())
            if isinstance(versions[0], Download) and roots in (None, versions[0].is_root)
        ]
        versions = self.past[keys[pick % len(keys)]]
        found = versions[max(0, len(versions) - 1 - back)]
        assert isinstance(found, Download)
        return found

    def holder(self, child: Download, back: int) -> Download | Chunk:
        """The sets of the child's chunk, as they are or as they were."""
        root, ordinal = split(child.id)
        versions = self.past[_holder_key(root, ordinal or 0)]
        return versions[max(0, len(versions) - 1 - back)]

    def farewell(self, item: Download) -> tuple[Pair, ...]:
        """What a root gives back."""
        if not item.is_root:
            return ()
        return (
            (FreeLock(item.kind, item.content_id, item.id), plain.free_lock(item)),
            (FreeSlot(item.requested_by, item.id), plain.free_slot(item)),
        )

    def clock(self, skew: int) -> datetime:
        return self.now + timedelta(seconds=skew)

    @rule(seconds=st.sampled_from([1, 20, 61, 300]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(pick=picks, back=backs, skew=skews)
    def claim(self, pick: int, back: int, skew: int) -> None:
        item, now = self.view(pick, back), self.clock(skew)
        if not item.is_claimable(now):
            return
        owner, counts = self.ids.nonce(), item.kind is Kind.ALBUM and not item.counted
        change = transitions.claim(item, lease_until=now + LEASE, owner=owner, now=now, counted=counts)
        wish = plain.claim(item, until=now + LEASE, owner=owner, now=now, counted=counts)
        window = [(TakeCapacity(HOUR, ROOM), plain.count_in(HOUR, ROOM))] if counts else []
        self.do((change, wish), *window)

    @rule(pick=picks, back=backs, skew=skews)
    def claim_unread(self, pick: int, back: int, skew: int) -> None:
        """By a worker that knows the album alone."""
        child, now, owner = self.view(pick, 0, roots=False), self.clock(skew), self.ids.nonce()
        root, ordinal = split(child.id)
        albums = [each for each in self.past[key_of(root)] if isinstance(each, Download) and each.expanded]
        born = albums[max(0, len(albums) - 1 - back)].updated_at
        unread = a_child(root, ordinal or 0, created_at=born, updated_at=born)
        self.do((
            transitions.claim_unread(unread, lease_until=now + LEASE, owner=owner, now=now),
            plain.claim_unread(unread, until=now + LEASE, owner=owner, now=now),
        ))

    @rule(pick=picks, back=backs, skew=skews)
    def beat(self, pick: int, back: int, skew: int) -> None:
        item, until = self.view(pick, back), self.clock(skew) + LEASE
        self.do((transitions.renew(item, lease_until=until), plain.renew(item, until=until)))

    @rule(pick=picks, back=backs, skew=skews)
    def park(self, pick: int, back: int, skew: int) -> None:
        item, now = self.view(pick, back, roots=True), self.clock(skew)
        if item.state is State.PENDING and item.cascade is None:
            until = now + 60 * LEASE
            self.do((transitions.park(item, until=until, now=now), plain.park(item, until=until, now=now)))

    @rule(pick=picks, back=backs, skew=skews)
    def unpark(self, pick: int, back: int, skew: int) -> None:
        item, now = self.view(pick, back, roots=True), self.clock(skew)
        if item.state is State.PENDING and item.parked_until and item.cascade is None:
            visit = now + LEASE
            self.do((transitions.unpark(item, now=now, next_visit=visit), plain.unpark(item, now=now, visit=visit)))

    @rule(pick=picks, back=backs, skew=skews)
    def finish(self, pick: int, back: int, skew: int) -> None:
        item, now, media = self.view(pick, back), self.clock(skew), a_medium("a track")
        if item.kind is not Kind.ALBUM:
            done = (transitions.finish(item, media, now=now), plain.finish(item, media, now=now))
            self.do(done, *self.farewell(item))

    @rule(pick=picks, back=backs, skew=skews, error_type=st.sampled_from([ErrorType.NOT_FOUND, ErrorType.LOST]))
    def fail(self, pick: int, back: int, skew: int, error_type: ErrorType) -> None:
        item, now = self.view(pick, back), self.clock(skew)
        if item.expanded or item.cursor:
            return
        change = transitions.fail(item, error_type, "no", now=now)
        wish = plain.fail(item, error_type, "no", now=now, lapsed=error_type is ErrorType.LOST)
        self.do((change, wish), *self.farewell(item))

    @rule(pick=picks, back=backs, skew=skews, wait_s=st.sampled_from([0, 30, 4_000]))
    def wait(self, pick: int, back: int, skew: int, wait_s: int) -> None:
        item, now = self.view(pick, back), self.clock(skew)
        if item.expanded or item.cursor:
            return
        at, counts = now + timedelta(seconds=wait_s), Counts(item.retry_count + 1, item.busy_count, 1)
        retry = RetryAt(at, counts)
        self.do((
            transitions.wait(item, ErrorType.CORRUPT, "again", retry=retry, now=now),
            plain.wait(item, ErrorType.CORRUPT, "again", retry=retry, now=now),
        ))

    @rule(pick=picks, back=backs, skew=skews, carries_on=st.booleans())
    def upload(self, pick: int, back: int, skew: int, *, carries_on: bool) -> None:
        item, now = self.view(pick, back), self.clock(skew)
        upload = Upload(key="audio/a.flac", upload_id="u", length=9)
        if item.kind is Kind.ALBUM:
            return
        if carries_on:
            self.do((transitions.carry_on(item, upload, now=now), plain.carry_on(item, upload, now=now)))
        else:
            self.do((transitions.save_upload(item, upload), plain.save_upload(item, upload)))

    @rule(pick=picks, back=backs, artist=st.sampled_from([None, "An Artist"]))
    def name(self, pick: int, back: int, artist: str | None) -> None:
        item = self.view(pick, back)
        if item.kind is not Kind.ALBUM:
            change = transitions.name(item, content_name="A Title", artist_name=artist)
            self.do((change, plain.name(item, "A Title", artist)))

    @rule(pick=picks, back=backs, skew=skews, total=st.sampled_from([0, 2, 3]))
    def expand(self, pick: int, back: int, skew: int, total: int) -> None:
        album, now = self.view(pick, back, roots=True), self.clock(skew)
        if album.kind is not Kind.ALBUM or album.state is not State.IN_PROGRESS or album.plan_epoch is not None:
            return
        step, visit = transitions.Step(total, total), now + LEASE
        born = [a_child(album.id, n, created_at=now, updated_at=now, lane=album.lane) for n in range(1, total + 1)]
        self.do(
            (transitions.expand(album, step, now=now, next_visit=visit),
             plain.expand(album, total=total, now=now, visit=visit)),
            *((Create(child), plain.create(child)) for child in born),
        )  # fmt: skip

    @rule(pick=picks, back=backs, skew=skews)
    def rejoin(self, pick: int, back: int, skew: int) -> None:
        """By a worker whose claim met an expanded album: once for each claim."""
        album, now = self.view(pick, back, roots=True), self.clock(skew)
        visit, claim = now + LEASE, (album.id, album.epoch)
        if not album.expanded or album.lease_until is None or claim in self.rejoined:
            return
        self.rejoined.add(claim)
        self.do((transitions.rejoin(album, now=now, next_visit=visit), plain.rejoin(album, now=now, visit=visit)))

    @rule(pick=picks, back=backs, old=backs)
    def settle(self, pick: int, back: int, old: int) -> None:
        child = self.view(pick, back, roots=False)
        if child.is_terminal:
            holder, ordinal = self.holder(child, old), split(child.id)[1] or 0
            self.do((transitions.settle(holder, child), plain.settle(holder, child, ordinal)))

    @rule(pick=picks, back=backs, old=backs)
    def hold(self, pick: int, back: int, old: int) -> None:
        child = self.view(pick, back, roots=False)
        if child.state is State.RETRY_WAITING:
            holder, ordinal = self.holder(child, old), split(child.id)[1] or 0
            self.do((transitions.hold(holder, ordinal), plain.hold(holder, ordinal)))

    @rule(pick=picks, old=backs)
    def unhold(self, pick: int, old: int) -> None:
        child = self.view(pick, 0, roots=False)
        holder = self.holder(child, old)
        if holder.held:
            self.do((transitions.unhold(holder, holder.held), plain.unhold(holder, holder.held)))

    @rule(pick=picks, back=backs)
    def close_chunk(self, pick: int, back: int) -> None:
        root = self.view(pick, back, roots=True)
        for number in root.open_chunks:
            holder = self.past[Key(root.id, f"S#{number:05d}")][-1]
            if isinstance(holder, Chunk) and not holder.open:
                closed = (transitions.close_chunk(root, number), plain.close_chunk(root, number))
                self.do(closed, (transitions.still_empty(holder), plain.still_empty(holder)))

    @rule(pick=picks, back=backs, skew=skews)
    def end_album(self, pick: int, back: int, skew: int) -> None:
        root, now = self.view(pick, back, roots=True), self.clock(skew)
        chunks = [each[-1] for key, each in self.past.items() if key.root == root.id]
        ends = outcome(root, [each for each in chunks if isinstance(each, Chunk)])
        if root.awaits_children and ends:
            over = (transitions.end_album(root, ends, now=now), plain.end_album(root, ends, now=now))
            self.do(over, *self.farewell(root))

    @rule(pick=picks, back=backs, skew=skews)
    def visit(self, pick: int, back: int, skew: int) -> None:
        root, due_at = self.view(pick, back, roots=True), self.clock(skew) + LEASE
        if not root.is_terminal and root.cascade is None:
            change = transitions.visit(root, due_at=due_at, waiting=root.waiting)
            self.do((change, plain.visit(root, due_at=due_at, waiting=root.waiting)))

    @rule(pick=picks, back=backs, is_left=st.booleans())
    def list_children(self, pick: int, back: int, *, is_left: bool) -> None:
        root = self.view(pick, back, roots=True)
        if root.awaits_children and is_left:
            self.do((transitions.children_left(root), plain.children_left(root)))
        elif root.awaits_children:
            self.do((transitions.no_child_left(root), plain.no_child_left(root)))

    @precondition(lambda self: self.done)
    @rule(back=st.sampled_from([1, 1, 1, 2, 3, 5]))
    def repeat(self, back: int) -> None:
        """The same writes once more: their answer was lost, or they were long under way."""
        self.do(*self.done[-min(back, len(self.done))])

    @precondition(lambda self: self.past)
    @rule(pick=picks, state=st.sampled_from(State))
    def look(self, pick: int, state: State) -> None:
        """What the indexes and the lists say is what the rows are."""
        waiting = self.ask(lambda side: side.store.waiting(limit=9)).value
        roots = list(self.plain.roots())
        listed = [row for row in roots if row["waiting"] and row["waiting"].rank is not Rank.PARKED]
        in_order = sorted((*row["waiting"], row["id"]) for row in listed)
        assert [(each.lane, each.rank, each.id) for each in waiting] == in_order
        assert self.ask(lambda side: side.store.count(state, limit=99)).value == sum(
            row["state"] is state for row in roots
        )
        mine = tuple(sorted((row["id"] for row in roots), reverse=True))
        assert self.ask(lambda side: side.store.roots_of("alice", after=None, limit=9)).value.ids == mine
        row = roots[pick % len(roots)]
        shard, is_due = shard_of(row["id"]), row["due_at"] is not None and row["due_at"] <= self.now
        due = self.ask(lambda side: side.store.due(shard, before=self.now, limit=9)).value
        assert (row["id"] in due) is is_due
        assert self._strong_read_agrees()

    def _strong_read_agrees(self) -> bool:
        """The very records, also those that no write has just touched."""
        keys = [place for place in self.plain.rows if isinstance(place, Key)]
        found = self.ask(lambda side: side.store.get(*keys)).value
        return {key: row_of(record) for key, record in found.items()} == {key: self.plain.rows[key] for key in keys}

    @invariant()
    def what_must_hold(self) -> None:
        """I2: locks and slots are those of active roots. I12: `open` holds every child that has not ended."""
        rows = self.plain.rows
        active = {row["id"] for row in self.plain.roots() if row["state"] not in ENDS}
        locks = {holder for place, holder in rows.items() if place[0] == "lock"}
        assert locks == active == rows.get(("slots", "alice"), frozenset())
        for row in self.plain.downloads():
            root, ordinal = split(row["id"])
            if ordinal and row["state"] not in ENDS:
                assert ordinal in rows[_holder_key(root, ordinal)]["open"], f"{row['id']} is not open"
        for row in rows.values():
            if isinstance(row, dict):
                assert row["held"] <= row["open"]
                assert not row["open"] & (row["failed"] | row["cancelled"])


def _holder_key(root: str, ordinal: int) -> Key:
    chunk = chunk_of(ordinal)
    return key_of(root) if chunk == 0 else Key(root, f"S#{chunk:05d}")


def _check_move(old: Download, new: Download) -> None:
    """I3, I4, I27, I28 of one write."""
    assert new.state is old.state or (old.state, new.state) in EDGES
    assert not old.is_terminal or new.round > old.round or _is_cleaned(old, new), "a terminal state absorbs"
    assert new.epoch in (old.epoch, old.epoch + 1)
    assert new.epoch == old.epoch or (new.state is State.IN_PROGRESS and new.owner), "the epoch rises at claims only"
    assert new.updated_at >= old.updated_at, "updated_at falls"
    assert new.seq in (old.seq, old.seq + 1)
    assert new.seq > old.seq or (new.state, new.epoch) == (old.state, old.epoch), "a move without an event"


def _is_cleaned(old: Download, new: Download) -> bool:
    """What still happens to an ended download: its upload is collected, nobody looks again, or it is to be deleted."""
    left = replace(new, upload=old.upload, due_at=old.due_at)
    if new.cascade and new.cascade.verb is Verb.DELETE:
        left = replace(left, cascade=old.cascade, waiting=old.waiting, seq=old.seq, event=old.event)
    return left == old
