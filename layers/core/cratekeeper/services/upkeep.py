"""Small background jobs: stale work, abandoned uploads, old history."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final

from cratekeeper.domain.ids import key_of
from cratekeeper.domain.jobs import Values
from cratekeeper.domain.metrics import STALE, Measure
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.states import ACTIVE
from cratekeeper.ports import Clock, DownloadStore, Log, MediaStore, Metrics
from cratekeeper.ports.upkeep import Inventory, OldHistory, OpenUpload
from cratekeeper.services.overview import Overview
from cratekeeper.services.runner import More, Task

FIRST_DAY: Final = date(2026, 1, 1)
"""No event is older than the product."""

SLICE: Final = 500
"""Rows removed at once."""

PAGE: Final = 100
"""Roots looked at with one read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleWork:
    """The work of the job `stale_in_progress`: a gauge and a warning; recovery is the dispatcher's."""

    overview: Overview
    log: Log
    metrics: Metrics

    def run(self, task: Task) -> Values:
        """Count what has been running for longer than the setting says."""
        del task
        found = self.overview.stale()
        self.metrics.emit(Measure(STALE, [found]))
        if found:
            self.log.warning("stale_in_progress", count=found, older_than_s=self.overview.stale_s)
        return {"stale_in_progress": found, "older_than_s": self.overview.stale_s}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRetention:
    """The work of the job `audit_retention`.

    A row's time to live was set when it was written. So TTL does nothing about rows from before the
    retention was shortened, or from when it was *for ever*; and it is days late, which is why this
    looks at the last days of the retention each time.

    Args:
        days: retention in days; None = for ever, and nothing is removed.
    """

    history: OldHistory
    clock: Clock
    days: int | None

    def run(self, task: Task) -> Values | More:
        """Remove what is older, day by day, the oldest first."""
        if self.days is None:
            return {"removed": 0, "retention_days": None}
        before = self.clock.now() - timedelta(days=self.days)
        progress = task.progress or {"removed": 0, "day": FIRST_DAY.isoformat()}
        removed, day = int(progress["removed"]), date.fromisoformat(progress["day"])
        while day <= before.date():
            removed += self._clear(day, before)
            day += timedelta(days=1)
            if not task.goes_on():
                return More({"removed": removed, "day": day.isoformat()})
        return {"removed": removed, "retention_days": self.days, "before": before.isoformat()}

    def _clear(self, day: date, before: datetime) -> int:
        keys = iter(self.history.older_than(before, on_day=day.isoformat()))
        removed = 0
        while some := list(islice(keys, SLICE)):
            self.history.remove(some)
            removed += len(some)
        return removed


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonedUploads:
    """The work of the job `abandoned_uploads`: the net below the dispatcher, above the bucket's lifecycle rule.

    The dispatcher aborts uploads that are recorded in ended downloads. Some are recorded nowhere:
    their worker died between beginning and writing that down.

    Args:
        lease_s: an upload younger than that may be about to be recorded.
    """

    inventory: Inventory
    media: Callable[[], MediaStore]
    store: DownloadStore
    clock: Clock
    lease_s: int

    def run(self, task: Task) -> Values:
        """Abort the old ones that no active download holds: they are listed first, so none of those is overlooked."""
        before = self.clock.now() - timedelta(seconds=self.lease_s)
        old = [upload for upload in self.inventory.uploads() if upload.begun_at < before]
        kept = self._active(task) if old else frozenset()
        abandoned = [upload for upload in old if upload.upload_id not in kept]
        for upload in abandoned:
            task.goes_on()
            self.media().abort(upload.key, upload.upload_id)
        return {"aborted": len(abandoned), "kept": len(old) - len(abandoned), "keys": _keys(abandoned)}

    def _active(self, task: Task) -> frozenset[str]:
        """The uploads that active downloads hold; read only when there is something to abort."""
        return frozenset(item.upload.upload_id for item in self._open_items(task) if item.upload)

    def _open_items(self, task: Task) -> Iterator[Download]:
        for root in active_roots(self.store):
            task.goes_on()
            if root.kind is not Kind.ALBUM:
                yield root
            elif family := self.store.family(root.id):
                yield from (item for item in (family.root, *family.children) if not item.is_terminal)


def active_roots(store: DownloadStore) -> Iterator[Download]:
    """Every root that has not ended, in reads of a hundred."""
    after: str | None = None
    while True:
        page = store.newest(sorted(ACTIVE), after=after, limit=PAGE)
        found = store.get(*map(key_of, page.ids)) if page.ids else {}
        yield from (item for item in found.values() if isinstance(item, Download) and not item.is_terminal)
        if page.next_after is None:
            return
        after = page.next_after


def _keys(uploads: list[OpenUpload]) -> list[str]:
    """The first hundred, for the report."""
    return [upload.key for upload in uploads[:PAGE]]
