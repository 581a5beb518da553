"""The watchdog: the catalog against the bucket, shard by shard, and repairs of what is not whole."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Final

from cratekeeper.domain.catalog import MediaRow
from cratekeeper.domain.events import SYSTEM, Detail, Event, EventType, HistoryEntry
from cratekeeper.domain.jobs import Values
from cratekeeper.domain.media import media_of_key
from cratekeeper.domain.models import Kind
from cratekeeper.domain.reconcile import SHARDS, ExpectedObject, Finding, Flaw, Join, stem
from cratekeeper.ports import CatalogStore, Clock, HistoryStore
from cratekeeper.ports.upkeep import ExpectedMedia, Inventory
from cratekeeper.services.repair import Broken, Repair
from cratekeeper.services.runner import More, Task

LISTED: Final = 1000
"""Ids of one kind of finding that a report names; the counts beside them know no bound."""

_MISSING: Final = {
    Kind.TRACK: "missing_track_audio",
    Kind.ALBUM_IMAGE: "missing_album_images",
    Kind.ARTIST_IMAGE: "missing_artist_images",
}
_LISTS: Final = (*_MISSING.values(), "truncated", "orphaned")


@dataclass(slots=True, kw_only=True)
class Report:
    """What a scan has found so far, and where it goes on: JSON as it stands, so that it outlives a process."""

    shard: int = 0
    after: str = ""
    objects: int = 0
    expected: int = 0
    items_queued: int = 0
    items_skipped: int = 0
    busy_ms: int = 0
    lists: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _LISTS})
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_LISTS, 0))

    def note(self, name: str, what: str) -> None:
        """Count a finding, and name it while there is room."""
        self.counts[name] += 1
        if len(self.lists[name]) < LISTED:
            self.lists[name].append(what)

    def result(self, *, dry_run: bool) -> dict[str, Any]:
        """The report as people get it: ids of what is missing, keys of what is truncated or orphaned."""
        return {
            **self.lists,
            "counts": self.counts,
            "items_queued": self.items_queued,
            "items_skipped": self.items_skipped,
            "objects_scanned": self.objects,
            "rows_scanned": self.expected,
            "scan_duration_ms": self.busy_ms,
            "dry_run": dry_run,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """One scan of everything. On a clean library it makes listings and queries only: no request an object.

    Args:
        shards: prefixes to scan, in order.
    """

    inventory: Inventory
    expected: ExpectedMedia
    catalog: CatalogStore
    history: HistoryStore
    repair: Repair
    clock: Clock
    shards: tuple[str, ...] = SHARDS

    def run(self, task: Task) -> Values | More:
        """Scan what is left; More when the time of this process is over.

        With the parameter `dry_run` nothing is queued, and the catalog is left as it is. Raises
        RunLost, Unavailable.
        """
        dry_run = bool(task.run.params.get("dry_run"))
        actor = task.run.triggered_by if task.run.is_by_a_user else SYSTEM
        report = Report(**task.progress) if task.progress else Report()
        if task.progress is None:
            self._tell(task, EventType.WATCHDOG_SCAN_STARTED, 1, actor, {"dry_run": str(dry_run).lower()})
        begun, before_ms = self.clock.now(), report.busy_ms
        scan = _Scan(self, report, actor, dry_run)
        while report.shard < len(self.shards):
            is_done = scan.shard(self.shards[report.shard], goes_on=task.goes_on)
            report.busy_ms = before_ms + (self.clock.now() - begun) // timedelta(milliseconds=1)
            if is_done:
                report.shard, report.after = report.shard + 1, ""
            if report.shard < len(self.shards) and not (is_done and task.goes_on()):
                return More(asdict(report))
        result = report.result(dry_run=dry_run)
        self._tell(task, EventType.WATCHDOG_SCAN_COMPLETED, 2, actor, _told(result))
        return result

    def _tell(self, task: Task, kind: EventType, seq: int, actor: str, details: Mapping[str, Detail]) -> None:
        """Scans are no downloads: their events are put into the history directly, under the run's id."""
        event = Event(type=kind, at=self.clock.now(), actor=actor, details=details)
        self.history.put([HistoryEntry(download_id=f"job:{task.run.id}", seq=seq, event=event)])


@dataclass(slots=True)
class _Scan:
    """The scan of this process."""

    watchdog: Watchdog
    report: Report
    actor: str
    dry_run: bool

    def shard(self, shard: str, *, goes_on: Callable[[], bool]) -> bool:
        """Join one shard page by page; False if it stopped in between, with the report saying where.

        Each page is listed after the rows before its last key were asked for, or nearly so: what
        seems wrong is looked at again (`_deal`), so no order of the two is needed.
        """
        report = self.report
        rows = self.watchdog.expected.expected(shard, start=stem(report.after))
        join = Join(rows, after=report.after)
        pages = iter(self.watchdog.inventory.objects(shard, after=report.after))
        page = next(pages, ())
        while True:
            following = next(pages, None)
            found = join.page(page, is_last=following is None)
            self._deal(found)
            report.objects += len(page)
            report.expected, join.seen = report.expected + join.seen, 0
            if following is None:
                return True
            report.after = page[-1].key if page else report.after
            if not goes_on():
                return False
            page = following

    def _deal(self, found: list[Finding]) -> None:
        """Look again at what seems wrong, strongly and one by one, and act on what is."""
        if not found:
            return
        rows = self._rows_of(found)
        for finding in found:
            if finding.flaw is Flaw.ORPHANED:
                self._orphan(finding.key, rows)
            elif finding.expected and (row := rows.get(finding.expected.content_id)):
                self._check(row, finding.expected)

    def _rows_of(self, found: Iterable[Finding]) -> dict[str, MediaRow]:
        """The catalog's rows now, 100 a read."""
        refs = [ref for finding in found if (ref := _ref_of(finding))]
        return self.watchdog.catalog.media(refs) if refs else {}

    def _orphan(self, key: str, rows: Mapping[str, MediaRow]) -> None:
        """Nobody's object is only reported: deleting it is for people."""
        content_id = stem(key).partition("/")[2]
        row = rows.get(content_id)
        if row is None or row.media is None or row.media.key != key:
            self.report.note("orphaned", key)

    def _check(self, row: MediaRow, expected: ExpectedObject) -> None:
        """One more listing, of this key: what was stored or recorded meanwhile is no flaw."""
        key = row.media.key if row.media else expected.key
        stored = self.watchdog.inventory.find(key) if row.media else None
        if row.media and stored and stored.size_bytes == row.media.size_bytes:
            return
        if stored:
            self.report.note("truncated", key)
        else:
            self.report.note(_MISSING[row.kind], row.content_id)
        if not self.dry_run:
            self._repair(row, Flaw.TRUNCATED if stored else Flaw.MISSING)

    def _repair(self, row: MediaRow, flaw: Flaw) -> None:
        self.watchdog.catalog.lose(row)  # so that an album it belongs to may be asked for again
        made = self.watchdog.repair.queue(Broken(row.kind, row.content_id, flaw.value), actor=self.actor)
        if made:
            self.report.items_queued += 1
        else:
            self.report.items_skipped += 1


def _ref_of(finding: Finding) -> tuple[Kind, str] | None:
    """Where the finding's row would be; None for a key that no content has. Pictures share their rows' folder."""
    if finding.expected:
        return finding.expected.kind, finding.expected.content_id
    try:
        found = media_of_key(finding.key)
    except ValueError:
        return None
    return (Kind.TRACK if found.kind == "audio" else Kind.ALBUM_IMAGE), found.id


def _told(result: Mapping[str, Any]) -> dict[str, Detail]:
    """The counts of a report, for the history."""
    missing = sum(result["counts"][name] for name in _MISSING.values())
    return {
        "missing": missing,
        "truncated": result["counts"]["truncated"],
        "orphaned": result["counts"]["orphaned"],
        "items_queued": result["items_queued"],
        "items_skipped": result["items_skipped"],
        "objects_scanned": result["objects_scanned"],
        "dry_run": str(result["dry_run"]).lower(),
    }
