"""Projection: the table's stream becomes the audit history and the domain events."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from cratekeeper.domain.announcements import DomainEvent, announced, user_created
from cratekeeper.domain.control import SUBJECT, Control
from cratekeeper.domain.events import Detail, EventType, HistoryEntry
from cratekeeper.domain.metrics import measured
from cratekeeper.domain.models import Download
from cratekeeper.domain.users import User
from cratekeeper.ports import DownloadStore, EventBus, HistoryStore, Identities, Metrics
from cratekeeper.services.activity import ActivitySeal

BATCH: Final = 100
"""Entries compared with the history at once."""

Recorded = Download | Control | User
"""What carries events: downloads, the control item with the orders of operators, and users with what became of keys."""

Seen = tuple[Recorded | None, Recorded | None]
"""A record before and after one write of the stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Idempotent: entries have deterministic ids, so a repeated record writes the same row again."""

    history: HistoryStore
    bus: EventBus
    seal: ActivitySeal
    metrics: Metrics

    def run(self, seen: Iterable[Seen]) -> int:
        """Write the entries of a batch of stream records, then publish what is told of them; returns how many entries.

        Raises Unavailable if the history or the bus does not answer: the batch is delivered again,
        so the missing entries appear once they are back (E-02).
        """
        pairs = list(seen)
        entries = list({entry.id: entry for before, after in pairs if (entry := entry_of(before, after))}.values())
        made = [user_created(after) for before, after in pairs if isinstance(after, User) and before is None]
        if entries or made:
            self.put(entries, made)
            self.metrics.emit(*measured(entries))
        return len(entries)

    def put(self, entries: list[HistoryEntry], made: Iterable[DomainEvent] = ()) -> None:
        """History first, then the bus, to which `made` is news as well; last, activity that is over is sealed."""
        self.history.put(entries)
        self.bus.publish([*made, *filter(None, map(announced, entries))])
        self.seal.run(entries)


def entry_of(before: Recorded | None, after: Recorded | None) -> HistoryEntry | None:
    """The entry that a write carries: only writes with an event raise `seq`, a heartbeat does not."""
    if after is None or after.event is None or (before is not None and before.seq == after.seq):
        return None
    if isinstance(after, Control):
        return HistoryEntry(download_id=SUBJECT, seq=after.seq, event=after.event)
    if isinstance(after, User):
        return HistoryEntry(download_id=after.subject, seq=after.seq, event=after.event)
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
    identities: Identities
    project: Project

    def run(self) -> int:
        """Compare every item and user with the history; returns how many entries were missing."""
        found, entries = 0, []
        for item in chain(self.store.everything(), self.identities.everybody()):
            entry = entry_of(None, item)
            entries += [entry] if entry else []
            if len(entries) == BATCH:
                found += self._put(entries)
                entries = []
        return found + self._put(entries)

    def _put(self, entries: list[HistoryEntry]) -> int:
        absent = self.project.history.absent(entries)
        if absent:
            self.project.put(absent)
        return len(absent)
