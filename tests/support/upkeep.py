"""The services that keep the library whole, on a crate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cratekeeper.domain.catalog import MediaRow
from cratekeeper.domain.jobs import BY_SCHEDULE, WATCHDOG, JobLease, Run
from cratekeeper.domain.media import audio_key, image_key
from cratekeeper.domain.models import Kind, Media
from cratekeeper.services.jobs import Jobs
from cratekeeper.services.repair import Repair
from cratekeeper.services.runner import Runner, Task, Work
from cratekeeper.services.upkeep import AbandonedUploads, AuditRetention, StaleWork
from cratekeeper.services.usage import UsageReconcile
from cratekeeper.services.watchdog import Watchdog
from tests.memory.samples import content_id, image_id
from tests.memory.upkeep import (
    MemoryExpectedMedia,
    MemoryInventory,
    MemoryJobs,
    MemoryOldHistory,
    MemoryStarter,
    MemoryUsageRecords,
)
from tests.support.crate import Crate
from tests.support.operating import operated

LEASE_S = 60
INVOCATION_S = 870.0


@dataclass
class Upkeep:
    """Everything that keeps a crate's library whole. `retention_days` is what the jobs were deployed with."""

    crate: Crate
    retention_days: int | None = 90
    inventory: MemoryInventory = field(init=False)
    expected: MemoryExpectedMedia = field(init=False)
    records: MemoryJobs = field(init=False)
    starter: MemoryStarter = field(init=False)

    def __post_init__(self) -> None:
        world = self.crate.world
        self.inventory = MemoryInventory(world.media, world.calls)
        self.expected = MemoryExpectedMedia(world.catalog, world.calls)
        self.records = MemoryJobs(world.calls)
        self.starter = MemoryStarter(world.calls)

    @property
    def watchdog(self) -> Watchdog:
        """The watchdog."""
        world = self.crate.world
        return Watchdog(
            inventory=self.inventory,
            expected=self.expected,
            catalog=world.catalog,
            history=world.history,
            repair=self.repair,
            clock=world.clock,
        )

    @property
    def repair(self) -> Repair:
        """What queues repairs."""
        world = self.crate.world
        return Repair(
            store=world.store,
            clock=world.clock,
            ids=world.ids,
            log=world.log,
            release=self.crate.release,
            max_retries=self.crate.knobs.max_retries,
            lease_s=world.lease_s,
        )

    @property
    def works(self) -> dict[str, Callable[[], Work]]:
        """What each job does."""
        world = self.crate.world
        usage = UsageReconcile(
            store=world.store,
            permits=world.permits,
            usage=MemoryUsageRecords(world.table),
            clock=world.clock,
            log=world.log,
        )
        uploads = AbandonedUploads(
            inventory=self.inventory,
            media=lambda: world.media,
            store=world.store,
            clock=world.clock,
            lease_s=world.lease_s,
        )
        retention = AuditRetention(history=MemoryOldHistory(world.history), clock=world.clock, days=self.retention_days)
        stale = StaleWork(overview=operated(self.crate).overview, log=world.log, metrics=world.metrics)
        return {
            "usage_reconcile": lambda: usage.run,
            "abandoned_uploads": lambda: uploads.run,
            "audit_retention": lambda: retention.run,
            "stale_in_progress": lambda: stale.run,
        }

    def runner(self, works: Mapping[str, Callable[[], Work]] | None = None) -> Runner:
        """The process of the jobs function, or of one that does this work."""
        world = self.crate.world
        return Runner(
            records=self.records,
            starter=self.starter,
            clock=world.clock,
            ids=world.ids,
            pulse=world.pulse,
            log=world.log,
            metrics=world.metrics,
            works=self.works if works is None else works,
            lease_s=LEASE_S,
        )

    @property
    def watchdog_runner(self) -> Runner:
        """The process of the watchdog's function."""
        return self.runner({WATCHDOG: lambda: self.watchdog.run})

    @property
    def jobs(self) -> Jobs:
        """What operators see."""
        world = self.crate.world
        return Jobs(
            records=self.records,
            starter=self.starter,
            clock=world.clock,
            ids=world.ids,
            watchdog_schedule="rate(1 day)",
        )

    def task(self, job_id: str = WATCHDOG, *, by: str = BY_SCHEDULE, **fields: Any) -> Task:
        """A run under way, for one piece of work alone."""
        world = self.crate.world
        now = world.clock.now()
        run = Run(id=world.ids.download(now), job_id=job_id, started_at=now, triggered_by=by, params=fields)
        lease = JobLease(run=run, until=now + timedelta(seconds=LEASE_S), owner="me")
        self.records.leases[job_id] = lease
        deadline = now + timedelta(seconds=INVOCATION_S)
        return Task(records=self.records, clock=world.clock, lease=lease, deadline=deadline, lease_s=LEASE_S)

    def scan(self, **params: Any) -> Mapping[str, Any]:
        """One whole scan, and the report of it."""
        found = self.watchdog.run(self.task(**params))
        assert isinstance(found, dict), found
        return found

    def store(self, name: str, kind: Kind = Kind.TRACK, *, body: bytes = b"bytes of it") -> MediaRow:
        """A content whose object and media row are there."""
        row = self.know(name, kind, size_bytes=len(body))
        assert row.media
        self.crate.world.media.place(row.media.key, body, row.media.content_type)
        return row

    def know(self, name: str, kind: Kind = Kind.TRACK, *, size_bytes: int = 11) -> MediaRow:
        """A content of which the catalog says that its object is there."""
        is_track = kind is Kind.TRACK
        each, content_type = (content_id(name), "audio/mpeg") if is_track else (image_id(name), "image/jpeg")
        key = audio_key(each, content_type) if is_track else image_key(each)
        media = Media(key=key, size_bytes=size_bytes, sha256="5e" * 32, content_type=content_type)
        row = MediaRow(content_id=each, kind=kind, media=media)
        self.crate.world.catalog.rows[kind, each] = row
        return row


def kept(crate: Crate, *, retention_days: int | None = 90) -> Upkeep:
    """The services as they are deployed."""
    return Upkeep(crate, retention_days)
