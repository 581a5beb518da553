"""Audit events: what a transition says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

Detail = str | int | None


class EventType(StrEnum):
    """Kinds of audit events; the values are those of the HTTP contract."""

    REQUEST_CREATED = "REQUEST_CREATED"
    DOWNLOAD_STARTED = "DOWNLOAD_STARTED"
    CHILDREN_CREATED = "CHILDREN_CREATED"
    DOWNLOAD_COMPLETED = "DOWNLOAD_COMPLETED"
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"
    RETRY_SCHEDULED = "RETRY_SCHEDULED"
    LEASE_RECOVERED = "LEASE_RECOVERED"
    DOWNLOAD_PAUSED = "DOWNLOAD_PAUSED"
    DOWNLOAD_RESUMED = "DOWNLOAD_RESUMED"
    DOWNLOAD_CANCELLED = "DOWNLOAD_CANCELLED"
    PRIORITY_CHANGED = "PRIORITY_CHANGED"
    USER_RETRY = "USER_RETRY"
    ADMIN_RETRY = "ADMIN_RETRY"
    DOWNLOAD_DELETED = "DOWNLOAD_DELETED"
    QUEUE_PAUSED = "QUEUE_PAUSED"
    QUEUE_RESUMED = "QUEUE_RESUMED"
    QUEUE_LIMIT_CHANGED = "QUEUE_LIMIT_CHANGED"
    WATCHDOG_QUEUED = "WATCHDOG_QUEUED"
    WATCHDOG_SCAN_STARTED = "WATCHDOG_SCAN_STARTED"
    WATCHDOG_SCAN_COMPLETED = "WATCHDOG_SCAN_COMPLETED"
    KEY_CREATED = "KEY_CREATED"
    KEY_REVOKED = "KEY_REVOKED"


SYSTEM: Final = "system"
"""Who acted where nobody asked: workers, the dispatcher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The event that a transition writes into its item, in the same write.

    Args:
        type: what happened.
        at: when, aware UTC, whole milliseconds.
        actor: user id of who acted, or SYSTEM.
        details: few and short: they are part of the item's price.

    """

    type: EventType
    at: datetime
    actor: str = SYSTEM
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One row of the audit history under its deterministic id.

    Args:
        download_id: the item, or another subject such as `queue` or a user id.
        seq: 1-based number of the event among the item's; id = `{download_id}:{seq}`.
        event: what happened.
        kind: kind of the item, None for other subjects.
        content_id: content of the item, None for other subjects.
        source: source of the item, None for other subjects.
        requested_by: owner of the item.

    """

    download_id: str
    seq: int
    event: Event
    kind: str | None = None
    content_id: str | None = None
    source: str | None = None
    requested_by: str | None = None

    @property
    def id(self) -> str:
        """The deterministic id: a repeated projection writes the same row again."""
        return f"{self.download_id}:{self.seq}"
