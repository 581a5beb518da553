"""Projection: the table's stream becomes the audit history and the domain events."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from cratekeeper.domain.events import Detail, EventType, HistoryEntry
from cratekeeper.domain.models import Download
from cratekeeper.ports import DownloadStore, EventBus, HistoryStore

BATCH: Final = 100
"""Entries compared with the history at once."""

Seen = tuple[Download | None, Download | None]
"""An item before and after one write of the stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Idempotent: entries have deterministic ids, so a repeated record writes the same row again."""

    history: HistoryStore
    bus: EventBus

    def run(self, seen: Iterable[Seen]) -> int:
        """Write the entries of a batch of stream records, then publish them; returns how many.

        Raises Unavailable if the history or the bus does not answer: the batch is delivered again,
        so the missing entries appear once they are back (E-02).
        """
        entries = list({entry.id: entry for before, after in seen if (entry := entry_of(before, after))}.values())
        if not entries:
            return 0
        self.history.put(entries)
        self.bus.publish(entries)
        return len(entries)


def entry_of(before: Download | None, after: Download | None) -> HistoryEntry | None:
    """The entry that a write carries: only writes with an event raise `seq`, a heartbeat does not."""
    if after is None or after.event is None or (before is not None and before.seq == after.seq):
        return None
    return HistoryEntry(
        download_id=after.id,
        seq=after.seq,
        event=replace(after.event, details={**after.event.details, **_outcome(after)}),
        kind=after.kind.value,
        content_id=after.content_id,
        source=after.source.value,
        requested_by=after.requested_by,
    )


def _outcome(after: Download) -> dict[str, Detail]:
    """What the item itself says of how an attempt ended."""
    match after.event.type if after.event else None:
        case EventType.RETRY_SCHEDULED | EventType.DOWNLOAD_FAILED:
            return {"message": after.error_message, "retry_count": after.retry_count}
        case EventType.DOWNLOAD_COMPLETED:
            return {"bytes": after.bytes_downloaded, "duration_ms": after.duration_ms}
        case _:
            return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """After an outage of the stream: each item's last event that the history lacks is put in."""

    store: DownloadStore
    project: Project

    def run(self) -> int:
        """Compare every item with the history; returns how many entries were missing."""
        found, entries = 0, []
        for item in self.store.everything():
            entry = entry_of(None, item)
            entries += [entry] if entry else []
            if len(entries) == BATCH:
                found += self._put(entries)
                entries = []
        return found + self._put(entries)

    def _put(self, entries: list[HistoryEntry]) -> int:
        absent = self.project.history.absent(entries)
        if absent:
            self.project.history.put(absent)
            self.project.bus.publish(absent)
        return len(absent)
