"""History, bus, identities, secrets and log in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cratekeeper.domain.activity import ENDED, Activity
from cratekeeper.domain.announcements import DomainEvent
from cratekeeper.domain.audit import AuditPage, AuditSearch
from cratekeeper.domain.events import HistoryEntry
from cratekeeper.domain.metrics import Measure, Metric
from cratekeeper.ports import Sealed
from tests.memory.calls import Calls, fault_point

MAX_ENTRIES = 100
"""Keys in one batch read of DynamoDB."""


@dataclass(slots=True)
class MemoryHistory:
    """Rows by their deterministic id. `clashes` are ids that were put again with another content."""

    calls: Calls = field(default_factory=Calls)
    rows: dict[str, HistoryEntry] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)
    slots: dict[datetime, Activity] = field(default_factory=dict)
    sealed_until: datetime | None = None
    port: str = "history"

    @fault_point
    def put(self, entries: Sequence[HistoryEntry]) -> None:
        for entry in entries:
            if self.rows.setdefault(entry.id, entry) != entry:
                self.clashes.append(entry.id)

    @fault_point
    def absent(self, entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"{len(entries)} entries in one read")
        return [entry for entry in entries if entry.id not in self.rows]

    @fault_point
    def of_download(self, download_id: str, *, after: int, limit: int) -> list[HistoryEntry]:
        found = [each for each in self.rows.values() if each.download_id == download_id and each.seq > after]
        return sorted(found, key=lambda entry: entry.seq)[:limit]

    @fault_point
    def audit(self, search: AuditSearch, *, after: str | None, limit: int) -> AuditPage:
        rows = sorted(
            filter(search.match, self.rows.values()), key=lambda row: (row.event.at, row.seq, row.download_id)
        )
        found = rows if search.is_oldest_first else rows[::-1]
        start = next((number for number, row in enumerate(found, 1) if row.id == after), 0)
        page = found[start : start + limit]
        return AuditPage(page, page[-1].id if found[start + limit :] else None)

    @fault_point
    def ended(self, *, since: datetime, until: datetime) -> Iterator[HistoryEntry]:
        found = [each for each in self.rows.values() if each.event.type in ENDED and since <= each.event.at < until]
        return iter(sorted(found, key=lambda entry: entry.event.at))

    @fault_point
    def activity(self, *, since: datetime) -> Sealed:
        return Sealed(self.sealed_until, [row for at, row in sorted(self.slots.items()) if at >= since])

    @fault_point
    def seal(self, rows: Sequence[Activity], *, until: datetime | None = None) -> None:
        for row in rows:
            stored = self.slots.get(row.at)
            if stored is None or stored.events <= row.events:
                self.slots[row.at] = row
        if until and (self.sealed_until is None or self.sealed_until < until):
            self.sealed_until = until


@dataclass(slots=True)
class MemoryBus:
    """Everything ever published."""

    calls: Calls = field(default_factory=Calls)
    published: list[DomainEvent] = field(default_factory=list)
    port: str = "bus"

    @fault_point
    def publish(self, events: Sequence[DomainEvent]) -> None:
        self.published.extend(events)


@dataclass(slots=True)
class MemoryMetrics:
    """Every value that was told, by metric and dimensions."""

    told: list[Measure] = field(default_factory=list)

    def emit(self, *measures: Measure) -> None:
        self.told.extend(measures)

    def of(self, metric: Metric, *dimensions: str) -> list[float]:
        """The values of a metric with these values of its dimensions."""
        wanted = dict(zip(metric.dimensions, dimensions, strict=True))
        return [
            value for each in self.told if (each.metric, each.dimensions) == (metric, wanted) for value in each.values
        ]


@dataclass(slots=True)
class MemorySecrets:
    """The deployment's secrets; `reads` counts how often they were fetched."""

    calls: Calls = field(default_factory=Calls)
    reads: int = 0
    port: str = "secrets"

    @fault_point
    def pepper(self) -> bytes:
        self.reads += 1
        return b"pepper of the tests"


class Line(NamedTuple):
    """One line of the log."""

    level: str
    action: str
    fields: dict[str, object]


@dataclass(slots=True)
class MemoryLog:
    """Every line logged."""

    lines: list[Line] = field(default_factory=list)

    def info(self, action: str, **fields: object) -> None:
        self.lines.append(Line("info", action, fields))

    def warning(self, action: str, **fields: object) -> None:
        self.lines.append(Line("warning", action, fields))

    def actions(self) -> list[str]:
        """What was logged, without the fields."""
        return [line.action for line in self.lines]
