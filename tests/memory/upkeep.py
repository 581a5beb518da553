"""What keeps the library whole, in memory: listings, expectations, jobs, and what is told twice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from cratekeeper.domain.jobs import JobLease, JobState, Run
from cratekeeper.domain.limits import day_of
from cratekeeper.domain.models import Usage
from cratekeeper.domain.reconcile import ExpectedObject, StoredObject
from cratekeeper.ports.upkeep import HeldLock, OpenUpload
from tests.memory.calls import Calls, fault_point
from tests.memory.catalog import MemoryCatalog
from tests.memory.media import MemoryMedia
from tests.memory.records import MemoryHistory
from tests.memory.table import Table


@dataclass(slots=True)
class MemoryInventory:
    """Listings of a bucket in memory; `listed` counts the requests."""

    media: MemoryMedia
    calls: Calls = field(default_factory=Calls)
    page: int = 1000
    listed: int = 0
    port: str = "inventory"

    def objects(self, prefix: str, *, after: str = "") -> Iterator[Sequence[StoredObject]]:
        while True:
            page = self.list_page(prefix, after)
            yield page[: self.page]
            if len(page) <= self.page:
                return
            after = page[self.page - 1].key

    @fault_point
    def list_page(self, prefix: str, after: str) -> list[StoredObject]:
        """A page, and one object more if there is one."""
        self.listed += 1
        keys = sorted(key for key in self.media.objects if key.startswith(prefix) and key > after)
        return [StoredObject(key, len(self.media.objects[key].body)) for key in keys[: self.page + 1]]

    @fault_point
    def find(self, key: str) -> StoredObject | None:
        self.listed += 1
        found = self.media.objects.get(key)
        return StoredObject(key, len(found.body)) if found else None

    def uploads(self) -> Iterator[OpenUpload]:
        for upload_id, upload in list(self.media.open_uploads.items()):
            yield OpenUpload(upload.key, upload_id, upload.begun_at)


@dataclass(slots=True)
class MemoryExpectedMedia:
    """The media rows of a catalog in memory; `shown` makes this read of them a stale one."""

    catalog: MemoryCatalog
    calls: Calls = field(default_factory=Calls)
    shown: list[ExpectedObject] | None = None
    port: str = "expected"

    def expected(self, shard: str, *, start: str = "") -> Iterator[ExpectedObject]:
        rows = self.rows() if self.shown is None else self.shown
        return iter(sorted(row for row in rows if row.key.startswith(shard) and row.key >= start))

    @fault_point
    def rows(self) -> list[ExpectedObject]:
        """Every row."""
        return [
            ExpectedObject(row.media.key, row.media.size_bytes, kind, content_id)
            if row.media
            else ExpectedObject(f"{'audio' if kind == 'track' else 'images'}/{content_id}", None, kind, content_id)
            for (kind, content_id), row in self.catalog.rows.items()
        ]


@dataclass(slots=True)
class MemoryJobs:
    """Leases and ended runs of the jobs."""

    calls: Calls = field(default_factory=Calls)
    leases: dict[str, JobLease] = field(default_factory=dict)
    ended: dict[str, dict[str, Run]] = field(default_factory=dict)
    port: str = "jobs"

    @fault_point
    def read(self, job_id: str, *, runs: int) -> JobState:
        ended = sorted(self.ended.get(job_id, {}).values(), key=lambda run: run.id, reverse=True)
        return JobState(self.leases.get(job_id), tuple(ended[:runs]))

    @fault_point
    def swap(self, job_id: str, before: JobLease | None, after: JobLease | None, *, ended: Run | None = None) -> bool:
        stored = self.leases.get(job_id)
        if _name(stored) != _name(before):
            is_done = stored == after and (ended is None or ended in self.ended.get(job_id, {}).values())
            return is_done and (after or ended) is not None
        if ended:
            self.ended.setdefault(job_id, {})[ended.id] = ended
        self.leases.pop(job_id, None)
        if after:
            self.leases[job_id] = after
        return True


def _name(lease: JobLease | None) -> tuple[str, datetime, str | None] | None:
    return (lease.run.id, lease.until, lease.owner) if lease else None


@dataclass(slots=True)
class MemoryStarter:
    """Runs that were asked for, oldest first."""

    calls: Calls = field(default_factory=Calls)
    started: list[tuple[str, str]] = field(default_factory=list)
    port: str = "starter"

    @fault_point
    def start(self, job_id: str, run_id: str) -> None:
        self.started.append((job_id, run_id))


@dataclass(slots=True)
class MemoryUsageRecords:
    """Usage and locks of a table in memory."""

    table: Table

    def claims(self) -> Iterator[Usage | HeldLock]:
        yield from list(self.table.usages.values())
        yield from [HeldLock(*content, lock.holder) for content, lock in self.table.locks.items()]


@dataclass(slots=True)
class MemoryOldHistory:
    """The rows of a history in memory, to be removed."""

    history: MemoryHistory

    def older_than(self, moment: datetime, *, on_day: str) -> list[Mapping[str, str]]:
        rows = self.history.rows.values()
        return [{"id": row.id} for row in rows if day_of(row.event.at) == on_day and row.event.at < moment]

    def remove(self, keys: Sequence[Mapping[str, str]]) -> None:
        for key in keys:
            self.history.rows.pop(key["id"], None)


if TYPE_CHECKING:
    from cratekeeper.ports import upkeep

    _inventory: type[upkeep.Inventory] = MemoryInventory
    _expected: type[upkeep.ExpectedMedia] = MemoryExpectedMedia
    _jobs: type[upkeep.JobRecords] = MemoryJobs
    _starter: type[upkeep.Starter] = MemoryStarter
    _usage: type[upkeep.UsageRecords] = MemoryUsageRecords
    _old: type[upkeep.OldHistory] = MemoryOldHistory
