"""Claiming: a good permit, then the one conditional write that takes an item (protocol rules 1-3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

from cratekeeper.domain.control import Control, Held, Seeker
from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.failures import MAX_LEASE_LOSSES, ErrorType
from cratekeeper.domain.ids import parent_of
from cratekeeper.domain.limits import AlbumCapacity, day_window, hour_window, window_end
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.permits import is_spent
from cratekeeper.domain.states import State
from cratekeeper.domain.transitions import claim, claim_unread, fail, park
from cratekeeper.domain.writes import Change, FreeLock, FreeSlot, TakeCapacity, Window, Write, applied
from cratekeeper.ports import Clock, DownloadStore, Ids
from cratekeeper.services.release import Release, Seen
from cratekeeper.services.settle import Settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Takes items for one attempt.

    Args:
        capacity: albums that may start an hour and a day.
        lease_s: length of a lease in seconds.
    """

    store: DownloadStore
    clock: Clock
    ids: Ids
    release: Release
    settle: Settle
    capacity: AlbumCapacity
    lease_s: int

    def enter(self, item: Download, control: Control, held: Held | None) -> tuple[Download, Held | None] | None:
        """Get a good permit, then the claim; None if either cannot be had now."""
        if control.is_closed or not self.release.candidates.is_configured:
            return None  # nobody could use the permit: it stays, for whoever may be claiming under it
        if control.limit is not None and not self._is_good(held, item):
            if held and not self._is_free(held, item):
                return None  # it is of a claim later than what was read, or of one whose lease has just lapsed
            held = self.release.claimable(item, held=held, seen=Seen(control))
            if held is None:
                return None
        if control.limit is None:
            held = None
        claimed = self._claim(item, held)
        if claimed is None:
            self._step_back(item, held)
            return None
        return claimed, held

    def _is_good(self, held: Held | None, item: Download) -> bool:
        """Rule 1: a permit is good only for the claim of exactly its epoch and round."""
        return (
            held is not None
            and (held.permit.epoch, held.permit.round) == (item.epoch, item.round)
            and held.permit.until >= self.clock.now()
        )

    def _is_free(self, held: Held, item: Download) -> bool:
        """Whether a permit in the item's name may go to others: it has lapsed, or is of no use any more."""
        now = self.clock.now()
        return held.permit.until < now or is_spent(held.permit, item, now)

    def _claim(self, item: Download, held: Held | None) -> Download | None:
        """Claim, for an album together with its capacity; None if refused."""
        now = self.clock.now()
        if item.state is State.IN_PROGRESS and item.lease_losses >= MAX_LEASE_LOSSES and not item.cursor:
            self._bury(item, now)
            return None
        until = held.permit.until if held else now + timedelta(seconds=self.lease_s)
        windows = self._windows(item, now)
        change = claim(item, lease_until=until, owner=self.ids.nonce(), now=now, counted=bool(windows))
        try:
            self.store.commit(change, *windows)
        except WriteRefused as refused:
            if isinstance(refused.current, Window):
                self._park(item, window_end(refused.current.name, now), now)
                return None
            return refused.current if _is_by(refused.current, change) else None
        return applied(item, change)

    def _windows(self, item: Download, now: datetime) -> tuple[TakeCapacity, ...]:
        """Capacity is reserved once per root album; children and repairs are never blocked by it."""
        if item.kind is not Kind.ALBUM or item.counted:
            return ()
        return (
            TakeCapacity(hour_window(now), self.capacity.max_per_hour),
            TakeCapacity(day_window(now), self.capacity.max_per_day),
        )

    def _park(self, item: Download, until: datetime, now: datetime) -> None:
        try:
            self.store.write(park(item, until=until, now=now))
        except WriteRefused:
            return  # somebody else moved it on

    def _bury(self, item: Download, now: datetime) -> None:
        """An item that keeps losing its workers ends as `lost`."""
        change = fail(item, ErrorType.LOST, f"its worker was lost {item.lease_losses + 1} times", now=now)
        try:
            self.store.commit(change, *farewell(item))
        except WriteRefused:
            return
        if not item.is_root:
            self.settle.child(applied(item, change), None)

    def _step_back(self, item: Download, held: Held | None) -> None:
        """Rule 3 after a refused claim: pass the permit on, unless the item runs under it or still can."""
        if held is None:
            return
        read, now = self.store.get(item.key).get(item.key), self.clock.now()
        found = read if isinstance(read, Download) else None
        if is_spent(held.permit, found, now):
            self.release.hand_on(held)
        elif found and found.is_claimable(now):
            self.release.ring(Seeker(found.id, found.lane, held.permit))

    def fresh(self, grant: Seeker, album: Download | None) -> Download | None:
        """Claim a child of the album that never ran, without reading it first; None if it is anything else."""
        if grant.permit[1:] != (0, 0) or album is None or parent_of(grant.id) != album.id:
            return None
        now = self.clock.now()
        born = album.updated_at  # by whichever machine's clock: the child's times must not fall below it
        unread = Download(
            id=grant.id,
            kind=Kind.TRACK,
            content_id="",
            requested_by="",
            lane=grant.lane,
            created_at=born,
            updated_at=born,
        )
        change = claim_unread(unread, lease_until=grant.permit.until, owner=self.ids.nonce(), now=now)
        try:
            claimed = self.store.write(change)
        except WriteRefused as refused:
            return refused.current if _is_by(refused.current, change) else None
        return claimed if isinstance(claimed, Download) else None


def _is_by(current: object, change: Change) -> TypeGuard[Download]:
    """Whether the stored item carries exactly this claim: its answer was lost (I6)."""
    return isinstance(current, Download) and current.owner == change.put.get("owner")


def farewell(item: Download) -> tuple[Write, ...]:
    """What a root gives back with its end: its lock and its user's slot."""
    if not item.is_root:
        return ()
    slot = (FreeSlot(item.requested_by, item.id),) if item.takes_slot else ()
    return FreeLock(item.kind, item.content_id, item.id), *slot
