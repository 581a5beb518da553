"""The holder's side of a lease: a heartbeat beside the work, and the moment it is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from cratekeeper.domain.control import Control, Held
from cratekeeper.domain.errors import LeaseLost, PermitRefused, Unavailable, WriteRefused
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.domain.transitions import renew
from cratekeeper.ports import Clock, DownloadStore, Permits, Pulse

BEATS: Final = 3
"""Heartbeats per lease."""


@dataclass(slots=True, kw_only=True)
class Lease:
    """A claimed item, its permit, and whether both are still ours.

    The heartbeat renews the permit first, then the lease, so that a permit never ends before the
    lease it covers. Whatever the work waits for can register to be aborted when the lease is lost.

    Args:
        item: as claimed; only `lease_until` of the stored item moves on.
        held: the permit, None while no limit is set.
        control: the control item as the last heartbeat saw it.
    """

    store: DownloadStore
    permits: Permits
    clock: Clock
    lease_s: int
    item: Download
    held: Held | None
    control: Control | None = None
    is_lost: bool = False
    _until: datetime | None = None
    _abort: Callable[[Exception], None] | None = None
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def beating(self, pulse: Pulse) -> Iterator["Lease"]:
        """Keep the lease for as long as the context lasts."""
        with pulse.beating(self.beat, first_s=self._next_beat_s()):
            yield self

    @contextmanager
    def aborting(self, abort: Callable[[Exception], None]) -> Iterator[None]:
        """Have `abort(LeaseLost)` called from the heartbeat, at most once, if the lease is lost meanwhile."""
        with self._lock:
            self._abort = abort
        self.check()
        try:
            yield
        finally:
            with self._lock:
                self._abort = None

    def check(self) -> None:
        """Raise LeaseLost if the lease is known to be lost."""
        if self.is_lost:
            raise LeaseLost(self.item.id)

    def beat(self) -> float | None:
        """Renew once; the seconds until the next beat, None once the lease is lost."""
        now = self.clock.now()
        if self.item.lease_until is None or now > self.item.lease_until:
            self._lose()
            return None
        # After an unheard answer the same value is written again: then our own success is recognised.
        self._until = self._until or now + timedelta(seconds=self.lease_s)
        try:
            self._renew(self._until)
        except (PermitRefused, WriteRefused):
            self._lose()
            return None
        except Unavailable:
            return max(0.05, (self.item.lease_until - now).total_seconds() / BEATS)
        self._until = None
        return self._next_beat_s()

    def _renew(self, until: datetime) -> None:
        """The permit first, then the lease, each under its exact value as last known."""
        if self.held and self.held.permit.until < until:
            self.held = self._renew_permit(self.held, until)
        try:
            self.store.write(renew(self.item, lease_until=until))
        except WriteRefused as refused:
            if not self._is_renewed(refused.current, until):
                raise
        with self._lock:
            self.item = replace(self.item, lease_until=until)

    def keep(self, item: Download) -> None:
        """Know what the work has written of the item; how long the lease lasts only the heartbeat knows."""
        with self._lock:
            self.item = replace(item, lease_until=self.item.lease_until)

    def _renew_permit(self, held: Held, until: datetime) -> Held:
        """Extend the permit; one of this attempt with another end is ours too: the dispatcher rang for it again."""
        try:
            self.control = self.permits.renew(held, until=until)
        except PermitRefused as refused:
            present = refused.control.permits.get(held.id)
            if present is None or (present.epoch, present.round) != (held.permit.epoch, held.permit.round):
                raise
            until = max(until, present.until)  # the dispatcher's clock may be ahead of ours
            self.control = self.permits.renew(Held(held.id, present), until=until)
        return Held(held.id, held.permit._replace(until=until))

    def _is_renewed(self, current: object, until: datetime) -> bool:
        """Whether the refusal met our own success, whose answer was lost (I6)."""
        mine = (State.IN_PROGRESS, self.item.epoch, self.item.owner, until)
        return isinstance(current, Download) and (
            (current.state, current.epoch, current.owner, current.lease_until) == mine
        )

    def _lose(self) -> None:
        with self._lock:
            self.is_lost = True
            abort, self._abort = self._abort, None
        if abort:
            abort(LeaseLost(self.item.id))

    def _next_beat_s(self) -> float:
        """A third of a lease after its last renewal; at once where a late claim left less than that."""
        left_s = (self.item.lease_until - self.clock.now()).total_seconds() if self.item.lease_until else 0.0
        return max(0.0, left_s - self.lease_s * (BEATS - 1) / BEATS)
