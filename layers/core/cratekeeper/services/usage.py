"""The work of the job `usage_reconcile`: what is told twice in the queue table must not disagree."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cratekeeper.domain.control import Held
from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.ids import key_of
from cratekeeper.domain.jobs import Values
from cratekeeper.domain.limits import day_of
from cratekeeper.domain.models import Download, Usage
from cratekeeper.domain.writes import Change, Fields, FreeLock, FreeSlot, TakeLock, TakeSlot, Write
from cratekeeper.ports import Clock, DownloadStore, Log, Permits
from cratekeeper.ports.upkeep import HeldLock, UsageRecords
from cratekeeper.services.runner import Task
from cratekeeper.services.upkeep import active_roots

READS: Final = 100
"""Items of one strong read."""


@dataclass(slots=True)
class Drift:
    """What was found wrong, and put right. On a system without bugs all of it is zero."""

    slots_freed: int = 0
    slots_taken: int = 0
    locks_freed: int = 0
    locks_taken: int = 0
    permits_dropped: int = 0
    checked: int = 0

    @property
    def total(self) -> int:
        """Everything that was put right."""
        return self.slots_freed + self.slots_taken + self.locks_freed + self.locks_taken + self.permits_dropped


@dataclass(slots=True, kw_only=True)
class UsageReconcile:
    """Each repair is one transaction with a check of the root as read: a retry or an end in between refuses it."""

    store: DownloadStore
    permits: Permits
    usage: UsageRecords
    clock: Clock
    log: Log
    _drift: Drift = field(default_factory=Drift)

    def run(self, task: Task) -> Values:
        """Compare active sets, locks and permits with the downloads, repair them and report."""
        self._drift = Drift()
        for claim in self.usage.claims():
            task.goes_on()
            if isinstance(claim, Usage):
                self._check_usage(claim)
            else:
                self._check_lock(claim)
        for root in active_roots(self.store):
            task.goes_on()
            self._check_root(root)
        self._check_permits()
        if self._drift.total:
            self.log.warning("usage_drift", **_told(self._drift))
        return _told(self._drift)

    def _check_usage(self, usage: Usage) -> None:
        """A slot of a download that has ended, or is gone, would be lost to its user for ever."""
        ids = sorted(usage.active)
        for start in range(0, len(ids), READS):
            some = ids[start : start + READS]
            found = self._read(some)
            for root in some:
                self._drift.checked += 1
                item = found.get(root)
                if item is None or item.is_terminal:
                    self._drift.slots_freed += self._commit(FreeSlot(usage.user_id, root), item)

    def _check_lock(self, lock: HeldLock) -> None:
        """A lock of a download that has ended would keep its content from being asked for."""
        self._drift.checked += 1
        item = self._read([lock.holder]).get(lock.holder)
        if item is None or item.is_terminal:
            self._drift.locks_freed += self._commit(FreeLock(*lock), item)

    def _check_root(self, root: Download) -> None:
        """An active download without slot would let its user exceed the limit; without lock, be asked for twice."""
        if root.takes_slot and root.id not in self.store.usage(root.requested_by).active:
            day = day_of(self.clock.now())
            slot = TakeSlot(
                user_id=root.requested_by,
                root=root.id,
                day=day,
                known_day=day,
                max_active=None,
                max_requests=None,
                is_request=False,
            )
            self._drift.slots_taken += self._commit(slot, root)
        if self.store.lock_holder(root.kind, root.content_id) is None:
            self._drift.locks_taken += self._commit(TakeLock(root.kind, root.content_id, root.id), root)

    def _check_permits(self) -> None:
        """A permit of what has ended, or is gone, is of use to nobody; the dispatcher would wait for its end."""
        control = self.permits.read()
        found = self._read(control.permits)
        for download_id, permit in control.permits.items():
            item = found.get(download_id)
            if item is None or item.is_terminal:
                self.permits.drop(Held(download_id, permit))
                self._drift.permits_dropped += 1

    def _read(self, ids: Iterable[str]) -> dict[str, Download]:
        wanted = list(ids)
        found: dict[str, Download] = {}
        for start in range(0, len(wanted), READS):
            items = self.store.get(*map(key_of, wanted[start : start + READS])).values()
            found |= {item.id: item for item in items if isinstance(item, Download)}
        return found

    def _commit(self, write: Write, item: Download | None) -> int:
        """One repair; 0 if the download moved on meanwhile: whoever moved it wrote what belongs to it."""
        try:
            self.store.commit(write, *([_unchanged(item)] if item else []))
        except WriteRefused:
            return 0
        return 1


def _unchanged(item: Download) -> Change:
    """A write of nothing, refused if the download moved on."""
    return Change(key=item.key, given=Fields(state=item.state, epoch=item.epoch, round=item.round))


def _told(drift: Drift) -> dict[str, int]:
    return {
        "checked": drift.checked,
        "slots_freed": drift.slots_freed,
        "slots_taken": drift.slots_taken,
        "locks_freed": drift.locks_freed,
        "locks_taken": drift.locks_taken,
        "permits_dropped": drift.permits_dropped,
    }
