"""The invariants that hold at every commit; names as in the proof's list (I3, I4 …)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cratekeeper.domain.control import Control, Permit
from cratekeeper.domain.events import SYSTEM, EventType
from cratekeeper.domain.failures import MAX_LEASE_LOSSES, RULES, ErrorType
from cratekeeper.domain.ids import chunk_key, chunk_of, key_of, split
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Chunk, Download, Kind, Sets, Usage
from cratekeeper.domain.progress import outcome
from cratekeeper.domain.states import MOVES, State, Verb
from cratekeeper.domain.writes import Window
from tests.memory.table import Effect
from tests.memory.world import World
from tests.simulation.scheduler import Process, Scheduler
from tests.support.crate import Knobs

EDGES: Final = frozenset((source, target) for (source, _), target in MOVES.items())

WORKER: Final = "worker"
"""How the names of workers' processes begin."""

WORKERS_OWN: Final = (
    "media",
    "upload",
    "cursor",
    "expanded",
    "total",
    "plan_epoch",
    "lease_until",
    "content_name",
    "state",
    "retry_count",
    "bytes_downloaded",
)
"""What only the holder of a claim may change in a running item."""


STEERINGS: Final = frozenset({
    EventType.DOWNLOAD_CANCELLED,
    EventType.DOWNLOAD_PAUSED,
    EventType.DOWNLOAD_RESUMED,
    EventType.USER_RETRY,
    EventType.ADMIN_RETRY,
    EventType.PRIORITY_CHANGED,
    EventType.DOWNLOAD_DELETED,
})
"""What people ask of a download, with an actor; the same event of the system is an album's own end."""

STEERED: Final = frozenset({"state", "lease_until", "retry_count", "bytes_downloaded"})
"""What of the workers' own a steering changes."""

CLEANED: Final = frozenset({"upload", "due_at"})
"""What still changes of an ended download: its upload is aborted, and nobody looks again."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant, and when in virtual time."""

    invariant: str
    detail: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Checker:
    """Watches the table.

    `skew` is how far the clocks of processes may be from the true one; `broken` are the keys of
    objects that are no better at the provider; `cancelled` has the rounds of downloads whose
    cancellation was answered; `erased` the last `seq` and the owner of what was deleted, by id, and
    `counted` is how many albums of it had taken capacity.
    """

    world: World
    scheduler: Scheduler
    knobs: Knobs
    skew: timedelta = timedelta()
    broken: set[str] = field(default_factory=set)
    cancelled: dict[str, int] = field(default_factory=dict)
    erased: dict[str, tuple[int, str]] = field(default_factory=dict)
    counted: int = 0
    violations: list[Violation] = field(default_factory=list)
    closed_to: set[int] | None = None
    limited_to: set[int] = field(default_factory=set)
    left: dict[str, Lane] = field(default_factory=dict)
    holders: dict[tuple[str, int], Process | None] = field(default_factory=dict)
    unlimited: set[tuple[str, int]] = field(default_factory=set)
    moved_at: datetime | None = None
    _control: Control | None = None
    _overwritten: int = 0

    def watch(self) -> None:
        """Begin to look at every commit."""
        self._control = self.world.control
        self.world.table.watchers.append(self.commit)

    def commit(self, effects: Sequence[Effect]) -> None:
        """Look at what one commit changed."""
        process = self.scheduler.process
        for _, old, new in effects:
            if isinstance(old, Download) and new is None:
                self._erasure(old)
            if isinstance(new, Download):
                self._item(old if isinstance(old, Download) else None, new, process)
            if isinstance(new, Download | Chunk):
                self._sets(old if isinstance(old, Download | Chunk) else None, new)
            if isinstance(new, Usage) and isinstance(old, Usage):
                self._usage(old, new)
            if isinstance(new, Window):
                self._window(new)
        self._permits(process)
        for _, _, new in effects:
            if isinstance(new, Download) and new.is_root:
                self._belongings(new)

    def that(self, holds: object, invariant: str, detail: str) -> None:
        """Note a violation unless the condition holds."""
        if not holds:
            self.scheduler.is_stopped = True
            self.violations.append(Violation(invariant, detail, self.world.clock.now()))

    def _item(self, old: Download | None, new: Download, process: Process | None) -> None:
        """I3, I4, I5, I21, I27, I28 of one item."""
        if old is None:
            self._birth(new, process)
            return
        self._path(old, new)
        self.that(new.updated_at >= old.updated_at, "I27", f"{new.id}: updated_at falls")
        self.that(new.epoch in (old.epoch, old.epoch + 1), "I4", f"{new.id}: epoch {old.epoch} to {new.epoch}")
        if new.epoch != old.epoch:
            self._claim(old, new, process)
        elif _is_steering(old, new):
            self._steering(old, new, process)
        elif not _is_by_anybody(old, new, self._horizon()):
            self._worker(old, new, process)
        self._stays_cancelled(old, new)
        self._counts(new)
        self._in_lane(new)
        if new.is_terminal and not old.is_terminal and new.cursor:
            self._album_end(new, is_cancelled=_is_steering(old, new))
        if new.state is State.PAUSED and old.state is not State.PAUSED:
            rest = {child.state for child in self.world.family(new.id) if not child.is_terminal}
            self.that(rest <= {State.PAUSED}, "I26", f"{new.id} is paused, its children are {rest}")
        if not new.is_root and not new.is_terminal:
            self._is_open(new)
            self._in_lane(new)

    def _horizon(self) -> datetime:
        """A lease that ends before this may be lapsed for somebody."""
        return self.world.clock.now() + self.skew

    def _birth(self, new: Download, process: Process | None) -> None:
        self.moved_at = self.world.clock.now()
        self.that(new.state is State.PENDING, "I3", f"{new.id} is born {new.state.value}")
        parent = self.world.table.download(new.parent_id, key_of(new.parent_id)) if new.parent_id else None
        if parent:
            holder = self.holders.get((parent.id, parent.epoch))
            self.that(parent.state is State.IN_PROGRESS, "I25", f"{new.id} is born to a {parent.state.value} parent")
            self.that(holder is process, "I5", f"{new.id} is born to a parent that another worker holds")
            self.that(parent.cascade is None, "rule 7", f"{new.id} is born in a cascade")
            self._is_open(new)
            self._in_lane(new)

    def _in_lane(self, child: Download) -> None:
        """I20: whoever may run does so in the lane of its album."""
        album = self.world.table.download(child.parent_id, key_of(child.parent_id)) if child.parent_id else None
        if album and not (album.cascade or child.is_terminal):
            lanes = f"{child.id} is in {child.lane}, its album in {album.lane}"
            self.that(child.lane is album.lane, "I20", lanes)

    def _path(self, old: Download, new: Download) -> None:
        """I3: legal edges, absorbing ends; I28: each move carries its event."""
        if old.is_terminal:
            changed = [name for name in Download.__dataclass_fields__ if getattr(old, name) != getattr(new, name)]
            is_deleted = new.cascade is not None and new.cascade.verb is Verb.DELETE
            is_allowed = new.round > old.round or is_deleted or CLEANED.issuperset(changed)
            self.that(is_allowed, "I3", f"{new.id}: {changed} change after its end")
        if new.parked_until != old.parked_until:
            self.moved_at = self.world.clock.now()
        if (new.state, new.epoch, new.expanded) == (old.state, old.epoch, old.expanded):
            self.that(new.seq in (old.seq, old.seq + 1), "I28", f"{new.id}: seq {old.seq} to {new.seq}")
            return
        self.moved_at = self.world.clock.now()
        if new.state is not old.state:
            self.that(
                (old.state, new.state) in EDGES, "I3", f"{new.id}: {old.state.value} to {new.state.value} is no edge"
            )
        self.that(new.seq == old.seq + 1, "I28", f"{new.id}: {new.state.value} without an event")

    def _claim(self, old: Download, new: Download, process: Process | None) -> None:
        """I4, and I18: a claim has a live permit of exactly its epoch and round, and no longer lease."""
        self.that(new.state is State.IN_PROGRESS, "I4", f"{new.id}: the epoch rises without a claim")
        self.that(new.owner and new.lease_until, "I4", f"{new.id}: a claim without owner or lease")
        self.that(old.cascade is None, "rule 7", f"{new.id} is claimed in a cascade")
        self._closed(new, process)
        self.that(old.is_claimable(self._horizon()), "I4", f"{new.id} is claimed while {old.state.value} and not due")
        self.holders[new.id, new.epoch] = process
        control = self.world.table.control
        if control.limit is None or id(process) in self.limited_to:
            self.unlimited.add((new.id, new.epoch))
            return
        if new.lease_until and new.lease_until <= self._horizon():
            return  # a claim that comes so late is lapsed at once: its first heartbeat ends it
        permit = control.permits.get(new.id)
        is_good = permit is not None and (permit.epoch, permit.round) == (old.epoch, old.round)
        self.that(is_good, "I18", f"{new.id} is claimed under {permit}, of epoch {old.epoch} round {old.round}")
        self._lease(new)

    def _worker(self, old: Download, new: Download, process: Process | None) -> None:
        """I4, I5: only the holder of the current claim changes what is a worker's, and only while it runs."""
        changed = [name for name in WORKERS_OWN if getattr(old, name) != getattr(new, name)]
        if not changed or (changed == ["upload"] and old.is_terminal and new.upload is None):
            return
        holder = self.holders.get((old.id, old.epoch))
        self.that(old.state is State.IN_PROGRESS, "I5", f"{old.id}: {changed} change while {old.state.value}")
        self.that(
            holder is process, "I5", f"{old.id}: {changed} change by another than the holder of epoch {old.epoch}"
        )
        if "lease_until" in changed and (new.id, new.epoch) not in self.unlimited:
            self._lease(new)

    def _steering(self, old: Download, new: Download, process: Process | None) -> None:
        """I5: workers steer nothing, and what is steered keeps the work that was done."""
        is_worker = process is not None and process.name.startswith(WORKER)
        self.that(not is_worker, "I5", f"{new.id} is steered by a worker")
        changed = {name for name in WORKERS_OWN if getattr(old, name) != getattr(new, name)}
        self.that(changed <= STEERED, "I5", f"{new.id}: a steering changes {sorted(changed - STEERED)}")
        self.that(new.event and new.event.actor != SYSTEM, "I28", f"{new.id}: nobody steers it")
        if new.lane is not old.lane and new.is_root:
            self.left[new.id] = min(self.left.get(new.id, Lane.LOW), old.lane)

    def _stays_cancelled(self, old: Download, new: Download) -> None:
        """I25: once a cancellation is answered, nothing of that tree is created, runs or completes."""
        for each in filter(None, (new.id, new.parent_id)):
            if each in self.cancelled and self._round(each, old) == self.cancelled[each]:
                self.that(
                    old.state is new.state or new.round > old.round,
                    "I25",
                    f"{new.id}: {old.state} to {new.state}, cancelled: {each}",
                )

    def _round(self, download_id: str, old: Download) -> int | None:
        """The round of a download before the commit in hand, as far as it is part of it."""
        found = old if old.id == download_id else self.world.table.download(download_id, key_of(download_id))
        return found.round if found else None

    def has_cancelled(self, item: Download) -> None:
        """I25: what a cancelled tree had is given back when the answer comes, unless something went wrong."""
        table = self.world.table
        held = [each for each in table.control.permits if each == item.id or (item.is_root and _root(each) == item.id)]
        self.that(not held, "I25", f"{item.id} is cancelled and has permits: {held}")

    def has_closed(self) -> None:
        """A pause of the queue was answered: who began before may claim what it has in hand, once."""
        self.closed_to = self._alive()

    def _alive(self) -> set[int]:
        return {id(actor.process) for actor in self.scheduler.actors}

    def _closed(self, new: Download, process: Process | None) -> None:
        """I26: nothing starts in a paused queue."""
        if not self.world.control.paused or self.closed_to is None:
            return
        self.that(id(process) in self.closed_to, "I26", f"{new.id} is claimed in a paused queue")
        self.closed_to.discard(id(process))

    def _erasure(self, old: Download) -> None:
        """A root is deleted after its end, and says so before; of its family nothing stays."""
        self.moved_at = self.world.clock.now()
        self.erased[old.id] = (old.seq, old.requested_by)
        self.counted += old.counted
        self.that(old.is_terminal, "I3", f"{old.id} is deleted while {old.state.value}")
        if old.is_root:
            is_told = old.event is not None and old.event.type is EventType.DOWNLOAD_DELETED
            self.that(is_told, "I28", f"{old.id} is deleted without an event")
            left = sorted(self.world.table.parts.get(old.id, {}))
            self.that(not left, "I3", f"{old.id} is deleted, {left} stays")

    def _lease(self, new: Download) -> None:
        """I18: the permit of a running item ends no earlier than its lease; without a limit there are none."""
        permit = self.world.table.control.permits.get(new.id)
        is_live = new.lease_until is not None and new.lease_until > self._horizon()
        if is_live and new.lease_until and self.world.table.control.limit is not None:
            covers = permit is not None and permit.until >= new.lease_until
            self.that(covers, "I18", f"{new.id}: the lease {new.lease_until} outlasts its permit {permit}")

    def _counts(self, new: Download) -> None:
        """I21."""
        self.that(new.retry_count <= new.max_retries, "I21", f"{new.id}: {new.retry_count} retries")
        for error_type, count in ((ErrorType.BUSY, new.busy_count), (ErrorType.CORRUPT, new.corrupt_count)):
            self.that(count <= (RULES[error_type].cap or 0), "I21", f"{new.id}: {count} x {error_type.value}")
        self.that(new.lease_losses <= MAX_LEASE_LOSSES, "I21", f"{new.id}: {new.lease_losses} lease losses")
        self.that((new.duration_ms or 0) >= 0, "I27", f"{new.id}: a negative duration")

    def _album_end(self, album: Download, *, is_cancelled: bool) -> None:
        """I13: all children have ended, and the album's state is a pure function of theirs."""
        children = self.world.family(album.id)
        self.that(all(child.is_terminal for child in children), "I13", f"{album.id} ends before its children")
        states = [child.state for child in children]
        failed, done = states.count(State.FAILED), states.count(State.COMPLETED)
        expected = State.FAILED if failed else State.CANCELLED if states and not done else State.COMPLETED
        is_partial = 0 < done < len(states)
        if is_cancelled:  # by people, wherever it stood
            expected, is_partial = State.CANCELLED, done > 0
        self.that(
            (album.state, album.partial) == (expected, is_partial),
            "I13",
            f"{album.id} ends {album.state}, not {expected}",
        )
        size_bytes = sum(child.bytes_downloaded or 0 for child in children if child.state is State.COMPLETED)
        self.that(
            album.bytes_downloaded == size_bytes, "I12", f"{album.id}: {album.bytes_downloaded} B, not {size_bytes}"
        )
        self.that(len(children) == album.cursor, "I11", f"{album.id}: {len(children)} of {album.cursor} children")
        self.that(is_cancelled or album.cursor == album.total, "I11", f"{album.id} ends before its expansion")
        tally = album.final
        counts = (tally.completed, tally.failed) if tally else None
        self.that(counts == (done, failed), "I12", f"{album.id} keeps {tally}, not {done} and {failed}")

    def _is_open(self, child: Download) -> None:
        """I12: `open` holds every child that has not ended."""
        ordinal = split(child.id)[1] or 0
        chunk = chunk_of(ordinal)
        holder = self.world.table.at(chunk_key(child.parent_id or "", chunk))
        self.that(holder and ordinal in holder.open, "I12", f"{child.id} is {child.state.value} and not in `open`")
        parent = self.world.table.download(child.parent_id or "", key_of(child.parent_id or ""))
        is_active = parent is not None and not parent.is_terminal
        self.that(is_active, "I13", f"{child.id} is {child.state.value}, its album {parent and parent.state.value}")

    def _sets(self, old: Sets | None, new: Sets) -> None:
        """I12, and rule 9: what leaves `open` has ended; `held` is a part of it; `failed` is none."""
        name = new.id if isinstance(new, Download) else f"{new.root} chunk {new.number}"
        self.that(not new.open & (new.failed | new.cancelled), "I12", f"{name}: open and ended at once")
        self.that(new.held <= new.open, "rule 9", f"{name}: held {sorted(new.held - new.open)} are not open")
        if old is None:
            return
        root = new.id if isinstance(new, Download) else new.root
        for ordinal in old.open - new.open:
            key = key_of(f"{root}-{ordinal}")
            child = self.world.table.at(key)
            is_over = isinstance(child, Download) and child.is_terminal
            self.that(is_over, "I12", f"{root}-{ordinal} left `open` before its end")
        if isinstance(new, Download) and isinstance(old, Download):
            for number in old.open_chunks - new.open_chunks:
                chunk = self.world.table.at(chunk_key(root, number))
                self.that(chunk and not chunk.open, "I12", f"{name}: chunk {number} is closed with open children")

    def _usage(self, old: Usage, new: Usage) -> None:
        """I20 of a user."""
        limits = self.knobs.limits
        if limits.max_queue is not None and len(new.active) > len(old.active):
            self.that(len(new.active) <= limits.max_queue, "I20", f"{new.user_id}: {len(new.active)} active")
        if limits.max_per_day is not None:
            self.that(new.requests <= limits.max_per_day, "I20", f"{new.user_id}: {new.requests} requests")

    def _window(self, window: Window) -> None:
        """I20: capacity holds, and counts each album once."""
        capacity = self.knobs.capacity
        most = capacity.max_per_hour if window.name.startswith("H") else capacity.max_per_day
        self.that(most is None or window.used <= most, "I20", f"{window.name}: {window.used} albums")
        counted = sum(root.counted for root in self.world.table.roots() if root.kind is Kind.ALBUM) + self.counted
        hours = sum(each.used for name, each in self.world.table.windows.items() if name.startswith("H"))
        self.that(hours == counted, "I20", f"{hours} albums counted, {counted} started")

    def _belongings(self, root: Download) -> None:
        """I2, I20: exactly the roots that have not ended have lock and slot; who waits does so in its own lane."""
        table = self.world.table
        place = root.waiting and root.waiting.lane
        self.that(place in {None, root.lane} or root.cascade, "I20", f"{root.id} of {root.lane} waits in {place}")
        lock = table.locks.get((root.kind, root.content_id))
        has_lock = lock is not None and lock.holder == root.id
        self.that(has_lock is not root.is_terminal, "I2", f"{root.id} is {root.state.value}, its lock is {lock}")
        is_active = root.id in self.world.usage(root.requested_by).active
        self.that(
            is_active is (root.takes_slot and not root.is_terminal),
            "I20",
            f"{root.id} is {root.state.value}, active: {is_active}",
        )

    def _permits(self, process: Process | None) -> None:
        """I18 and rules 1 and 4 of what changed in the control item."""
        old, new = self._control, self.world.table.control
        self._control = new
        if old is None or old is new:
            return
        limit = new.limit
        if (limit, new.paused) != (old.limit, old.paused):
            self.that(new.permits == old.permits, "I19", "an operator's order changes permits")
            if old.limit is None:
                self.limited_to = self._alive()  # they saw that no permit was needed
            return
        if limit is None:
            return  # what is left of other times
        if len(new.permits) > len(old.permits):
            self.that(len(new.permits) <= limit, "I18", f"{len(new.permits)} permits of {limit}")
        for download_id, permit in old.permits.items():
            if new.permits.get(download_id) != permit:
                self._removed(download_id, permit, new.permits.get(download_id), process)
        for download_id, permit in new.permits.items():
            before = old.permits.get(download_id)
            if before is None or (before.epoch, before.round) != (permit.epoch, permit.round):
                self._granted(download_id, old)

    def _removed(self, download_id: str, permit: Permit, after: Permit | None, process: Process | None) -> None:
        """I5, I18: the live permit of a running item is only ever extended, and by no other worker.

        A worker whose album carries a cascade's mark is refused, stops, and hands its own permit on.
        """
        item = self.world.table.download(download_id, key_of(download_id))
        if item is None or item.lease_until is None or item.lease_until <= self._horizon():
            return
        if item.state is not State.IN_PROGRESS or (item.epoch, item.round) != (permit.epoch + 1, permit.round):
            return
        is_foreign = self.holders.get((item.id, item.epoch)) is not process and process is not None
        if item.cascade is not None and not is_foreign:
            return
        is_extended = after is not None and after[1:] == permit[1:] and after.until >= permit.until
        self.that(is_extended, "I18", f"{download_id} runs and loses its permit {permit}")
        is_worker = process is not None and process.name.startswith(WORKER)
        self.that(not (is_foreign and is_worker), "I5", f"{download_id}: a foreign permit is changed")

    def lease_lost(self, download_id: str, epoch: int) -> None:
        """I6: nobody gives up a lease that is still his, and live, for an answer that was lost.

        A marked cascade is no such answer: its mark refuses the worker's writes until it ends.
        """
        item = self.world.table.download(download_id, key_of(download_id))
        if item is None or item.cascade is not None:
            return
        if item.epoch == epoch and item.state is State.IN_PROGRESS and item.lease_until:
            is_live = item.lease_until > self._horizon()
            self.that(not is_live, "I6", f"{download_id}: epoch {epoch} is given up, live until {item.lease_until}")

    def _granted(self, download_id: str, before: Control) -> None:
        """I20, rule 4: nothing is granted while a higher lane is hungry, or the queue closed."""
        item = self.world.table.download(download_id, key_of(download_id))
        # Whoever grants may have read the item before it was moved to another lane.
        lane = min(self.left.get(_root(download_id), Lane.LOW), item.lane if item else Lane.LOW)
        first = before.hungry_above(lane) - {download_id}
        self.that(not first, "I20", f"{download_id} is granted past {sorted(first)}")
        self.that(not before.is_closed, "I26", f"{download_id} is granted while the queue is closed")

    def objects(self) -> None:
        """I15: a key is created once, and only a broken object is replaced."""
        bodies = {source.body for source in self.world.provider.sources.values()}
        for key, replaced in self.world.media.replaced[self._overwritten :]:
            is_whole = replaced.body in bodies and key not in self.broken
            self.that(not is_whole, "I15", f"{key} was whole and is overwritten")
        self._overwritten = len(self.world.media.replaced)


def _root(download_id: str) -> str:
    return split(download_id)[0]


def _is_steering(old: Download, new: Download) -> bool:
    """Whether a write carries out what somebody asked for."""
    event = new.event if new.seq > old.seq else None
    return event is not None and event.type in STEERINGS and event.actor != SYSTEM


def _is_by_anybody(old: Download, new: Download, horizon: datetime) -> bool:
    """Writes that need no claim: the end of an album, and the burial of an item that kills its workers."""
    if old.awaits_children and new.is_terminal:
        return outcome(new) is not None
    is_lapsed = old.lease_until is not None and old.lease_until < horizon
    return new.error_type is ErrorType.LOST and is_lapsed
