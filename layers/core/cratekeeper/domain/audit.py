"""Searching the audit history."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cratekeeper.domain.events import EventType, HistoryEntry


class AuditPage(NamedTuple):
    """Entries in the order asked for, and the place to go on from (None = that was all)."""

    entries: list[HistoryEntry]
    next_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """Which entries are wanted; None or nothing = any.

    Args:
        download_id: whose entries, a child's or a root's.
        user_id: who acted.
        types: of any of these types.
        kind: of a download of this kind.
        content_id: of a download of this content.
        since: at or after this time.
        until: at or before this time.
        is_oldest_first: the order; else the newest comes first.
    """

    until: datetime
    since: datetime | None = None
    download_id: str | None = None
    user_id: str | None = None
    types: frozenset[EventType] = frozenset()
    kind: str | None = None
    content_id: str | None = None
    is_oldest_first: bool = False

    def match(self, entry: HistoryEntry) -> bool:
        """Whether the entry is one of them."""
        return (
            self.download_id in {None, entry.download_id}
            and self.user_id in {None, entry.event.actor}
            and (not self.types or entry.event.type in self.types)
            and self.kind in {None, entry.kind}
            and self.content_id in {None, entry.content_id}
            and (self.since is None or self.since <= entry.event.at)
            and entry.event.at <= self.until
        )
