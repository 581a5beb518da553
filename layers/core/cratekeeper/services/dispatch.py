"""The dispatcher's tick: the backstop that finds lost rings, lapsed leases, due and parked work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cratekeeper.domain.control import Control, Held
from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.ids import SHARDS, chunk_of, key_of, split
from cratekeeper.domain.lanes import order_of
from cratekeeper.domain.limits import AlbumCapacity, at_capacity, day_window, hour_window, next_day, next_hour
from cratekeeper.domain.models import Download, Family
from cratekeeper.domain.states import State
from cratekeeper.domain.transitions import children_left, park, unhold, unpark, visit
from cratekeeper.domain.writes import Change, applied
from cratekeeper.ports import Clock, DownloadStore, Permits
from cratekeeper.services.control import reopened
from cratekeeper.services.counting import recount
from cratekeeper.services.release import Release
from cratekeeper.services.settle import Settle
from cratekeeper.services.steer import Steer

RERING_AFTER_S: Final = 10
"""A permit granted this long ago whose item is still unclaimed was perhaps never rung: ring again."""

READS: Final = 100
"""Items of one strong read."""

RELAXED_VISITS: Final = 60
"""A root that waits for a permit is visited once in so many leases: release finds it by its index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one tick did: roots visited, permits granted, permits and hungry marks cleaned up."""

    visited: int
    granted: int
    cleaned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Bounded, resumable by the `due` index, and harmless when two run at once: every write is conditional.

    Args:
        at_most: roots visited, and permits granted, in one tick.
    """

    store: DownloadStore
    permits: Permits
    clock: Clock
    release: Release
    settle: Settle
    steer: Steer
    capacity: AlbumCapacity
    lease_s: int
    at_most: int = 200

    def tick(self) -> Tick:
        """Visit what is due, clean the control item, and use every free permit."""
        control = reopened(self.permits.read(), self.permits, self.clock.now())
        cleaned = self._clean(control)
        due = [root for shard in range(SHARDS) for root in self._due(shard)]
        for item in sorted(filter(None, map(self.visit, due)), key=lambda item: order_of(item.id, item.lane)):
            self.release.offer(item)
        granted = 0
        if control.limit is not None and not control.is_closed:
            granted = self.release.fill(self.permits.read() if cleaned or due else control, at_most=self.at_most)
        recount(self.store, control, due, self.clock.now())
        return Tick(visited=len(due), granted=granted, cleaned=cleaned)

    def _due(self, shard: int) -> list[str]:
        return self.store.due(shard, before=self.clock.now(), limit=self.at_most // SHARDS)

    def visit(self, root: str) -> Download | None:
        """Look at one root and do what its state calls for.

        Returns the root if it may run and must be offered a permit; the caller does so in the order of work.
        """
        key = key_of(root)
        item = self.store.get(key).get(key)
        if not isinstance(item, Download):
            return None
        if item.cascade or item.is_terminal:
            self._visit_steered(item)
            return None
        now = self.clock.now()
        if item.awaits_children:
            family = self.store.family(root)
            if family and family.root.awaits_children:  # it may have ended between the two reads
                self._visit_family(family, now)
            return None
        if item.state is State.PENDING and item.parked_until:
            return self._unpark(item, now)
        if item.is_claimable(now):
            return self._visit_waiting(item, now)
        self._look_again(item, _next_look(item))
        return None

    def _visit_steered(self, item: Download) -> None:
        """Carry an unfinished cascade on; an ended root is looked at once more for uploads that nobody goes on with."""
        if item.cascade:
            self.steer.carry_on(item.id)
            return
        family = self.store.family(item.id)
        if family and family.root.is_terminal:
            is_clean = not self.steer.collect.uploads_of(family)
            if is_clean:  # else the records have changed: the next visit finds nothing left
                self._look_again(family.root, None)

    def _visit_waiting(self, item: Download, now: datetime) -> Download | None:
        """A claimable root: its ring may be lost, its retry due, its lease lapsed."""
        rests = self.permits.read().limit is not None and item.state is State.PENDING
        self._look_again(item, now + timedelta(seconds=self.lease_s * (RELAXED_VISITS if rests else 1)))
        return None if rests else item  # what never ran is found by its index

    def _unpark(self, item: Download, now: datetime) -> Download | None:
        """A parked album goes back among the releasable work once a window has room."""
        hour, day = self.store.albums_started(hour_window(now), day_window(now))
        if at_capacity(self.capacity, this_hour=hour, today=day):
            full_day = self.capacity.max_per_day is not None and day >= self.capacity.max_per_day
            self._attempt(park(item, until=next_day(now) if full_day else next_hour(now), now=now))
        elif item.parked_until and item.parked_until <= now:
            change = unpark(item, now=now, next_visit=now + timedelta(seconds=self.lease_s))
            if self._attempt(change) and self.permits.read().limit is None:
                return applied(item, change)
        return None

    def _visit_family(self, family: Family, now: datetime) -> None:
        """An album that waits for its children: settle, unhold, and make sure that somebody goes on."""
        for child in family.children:
            holder = family.sets_of(chunk_of(split(child.id)[1] or 1))
            if child.is_terminal and split(child.id)[1] in holder.open:
                self.settle.child(child, holder)
        self.steer.collect.uploads_of(family)
        root = family.root
        for chunk in family.chunks:
            if not chunk.open and chunk.number in root.open_chunks:
                self.settle.close(chunk)  # whoever emptied it died before the root was told
        self._unhold(family, now)
        self.settle.end_if_done(root)
        open_now = [child for child in family.children if not child.is_terminal]
        self._look_again(root, self._family_due(open_now, now))
        if any(child.is_claimable(now) for child in open_now):
            if root.waiting is None:
                self._attempt(children_left(root))
            self._ring_unlimited(open_now, now)

    def _ring_unlimited(self, children: list[Download], now: datetime) -> None:
        """Without a limit nothing is granted: claimable children are rung at once."""
        if self.permits.read().limit is None:
            for child in children:
                if child.is_claimable(now):
                    self.release.offer(child)

    def _unhold(self, family: Family, now: datetime) -> None:
        """Make held children releasable whose wait is over (rule 9: `held` is a subset of `open`)."""
        due = [split(child.id)[1] or 0 for child in family.children if child.is_claimable(now)]
        for sets in family.holders:
            over = sets.held & frozenset(due)
            if over:
                self._attempt(unhold(sets, over))

    def _family_due(self, children: list[Download], now: datetime) -> datetime:
        """The earliest lapse or retry among the open children, at most a lease away."""
        times = [child.lease_until or child.next_retry_at for child in children]
        ahead = [at for at in times if at and at > now]
        return min([*ahead, now + timedelta(seconds=self.lease_s)])

    def _look_again(self, item: Download, due_at: datetime | None) -> None:
        if due_at != item.due_at:
            self._attempt(visit(item, due_at=due_at, waiting=item.waiting))

    def _attempt(self, change: Change) -> bool:
        """A write that may lose its race: somebody else moved the item on, and the next visit sees it."""
        try:
            self.store.write(change)
        except WriteRefused:
            return False
        return True

    def _clean(self, control: Control) -> int:
        """Drop permits and hungry marks of items that cannot run, and ring those that were perhaps not rung."""
        now, cleaned = self.clock.now(), 0
        items = self._read_all([*control.permits, *(download_id for download_id, _ in control.all_hungry())])
        for download_id, permit in control.permits.items():
            item = items.get(download_id)
            held = Held(download_id, permit)
            is_above = control.limit is not None and len(control.permits) > control.limit  # since it was lowered
            if permit.until < now and (is_above or not (item and item.is_claimable(now))):
                self.permits.drop(held)
                cleaned += 1
            elif item and self._is_open(control) and self._is_unrung(item, held, now):
                self.release.ring_again(item, held)
        for download_id, lane in control.all_hungry():
            item = items.get(download_id)
            if item is None or not item.is_claimable(now) or item.lane is not lane:
                self.permits.unmark([download_id], lane)
                cleaned += 1
        return cleaned

    def _is_open(self, control: Control) -> bool:
        """Whether a worker that is rung could begin."""
        return not control.is_closed and self.release.candidates.is_configured

    def _is_unrung(self, item: Download, held: Held, now: datetime) -> bool:
        """Whether a live permit has waited so long for its claim that its ring may be lost."""
        granted_at = held.permit.until - timedelta(seconds=self.lease_s)
        is_for_next = (held.permit.epoch, held.permit.round) == (item.epoch, item.round)
        return is_for_next and item.is_claimable(now) and now - granted_at >= timedelta(seconds=RERING_AFTER_S)

    def _read_all(self, ids: list[str]) -> dict[str, Download]:
        """The downloads that exist, by id."""
        found: dict[str, Download] = {}
        for start in range(0, len(ids), READS):
            keys = [key_of(download_id) for download_id in ids[start : start + READS]]
            items = self.store.get(*keys).values()
            found |= {item.id: item for item in items if isinstance(item, Download)}
        return found


def _next_look(item: Download) -> datetime | None:
    match item.state:
        case State.RETRY_WAITING:
            return item.next_retry_at
        case State.IN_PROGRESS:
            return item.lease_until
        case _:
            return None  # paused: nothing becomes due
