"""Domain events: what the bus is told, made from entries of the history.

Every change of a download's state is one event. Of a child only what becomes of it is told, not
that it began: an album of 14 costs 18 events instead of 32 (ADR 0019).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cratekeeper.domain.events import Detail, EventType, HistoryEntry
from cratekeeper.domain.ids import parent_of
from cratekeeper.domain.models import Kind
from cratekeeper.domain.states import State
from cratekeeper.domain.users import User

GONE: Final = "DELETED"
"""In place of a state, of a download that there is no longer."""


class Topic(StrEnum):
    """Types of domain events."""

    DOWNLOAD_REQUESTED = "DownloadRequested"
    DOWNLOAD_STATUS_CHANGED = "DownloadStatusChanged"
    DOWNLOAD_COMPLETED = "DownloadCompleted"
    DOWNLOAD_FAILED = "DownloadFailed"
    ALBUM_COMPLETED = "AlbumCompleted"
    CATALOG_CHANGED = "CatalogChanged"
    USER_CREATED = "UserCreated"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """One event as subscribers get it.

    Args:
        id: deterministic, so that a repetition can be told from news.
        topic: its type.
        at: when it happened.
        subject: the download or the user.
        data: what the schema of the topic says (docs/events).
    """

    id: str
    topic: Topic
    at: datetime
    subject: str
    data: Mapping[str, Detail | Mapping[str, Detail]] = field(default_factory=dict)


_STATUS: Final = MappingProxyType({
    EventType.REQUEST_CREATED: State.PENDING.value,
    EventType.WATCHDOG_QUEUED: State.PENDING.value,
    EventType.DOWNLOAD_STARTED: State.IN_PROGRESS.value,
    EventType.LEASE_RECOVERED: State.IN_PROGRESS.value,
    EventType.CHILDREN_CREATED: State.IN_PROGRESS.value,
    EventType.RETRY_SCHEDULED: State.RETRY_WAITING.value,
    EventType.DOWNLOAD_PAUSED: State.PAUSED.value,
    EventType.DOWNLOAD_RESUMED: State.PENDING.value,
    EventType.USER_RETRY: State.PENDING.value,
    EventType.ADMIN_RETRY: State.PENDING.value,
    EventType.DOWNLOAD_CANCELLED: State.CANCELLED.value,
    EventType.DOWNLOAD_COMPLETED: State.COMPLETED.value,
    EventType.DOWNLOAD_FAILED: State.FAILED.value,
    EventType.DOWNLOAD_DELETED: GONE,
})
"""The state that an event leads to; what is not here changes none and is not announced."""

_TOPICS: Final = MappingProxyType({
    EventType.REQUEST_CREATED: Topic.DOWNLOAD_REQUESTED,
    EventType.WATCHDOG_QUEUED: Topic.DOWNLOAD_REQUESTED,
    EventType.CHILDREN_CREATED: Topic.CATALOG_CHANGED,
    EventType.DOWNLOAD_COMPLETED: Topic.DOWNLOAD_COMPLETED,
    EventType.DOWNLOAD_FAILED: Topic.DOWNLOAD_FAILED,
})
TOPICS_OF: Final = MappingProxyType({
    kind: {_TOPICS.get(kind, Topic.DOWNLOAD_STATUS_CHANGED)}
    | ({Topic.ALBUM_COMPLETED} if kind is EventType.DOWNLOAD_COMPLETED else set())
    for kind in _STATUS
})
"""The topics under which an event may be announced."""

_BEGUN: Final = frozenset({EventType.DOWNLOAD_STARTED, EventType.LEASE_RECOVERED})
_REASONS: Final = ("message", "reason", "error_type")


def announced(entry: HistoryEntry) -> DomainEvent | None:
    """What subscribers are told of an entry; None for one that is for the history alone."""
    kind, status = entry.event.type, _STATUS.get(entry.event.type)
    parent = parent_of(entry.download_id)
    if entry.kind is None or status is None or (parent and kind in _BEGUN):
        return None
    topic = _TOPICS.get(kind, Topic.DOWNLOAD_STATUS_CHANGED)
    if topic is Topic.DOWNLOAD_COMPLETED and entry.kind == Kind.ALBUM:
        topic = Topic.ALBUM_COMPLETED
    details = entry.event.details
    return DomainEvent(
        id=entry.id,
        topic=topic,
        at=entry.event.at,
        subject=entry.download_id,
        data={
            "event_type": kind.value,
            "download_id": entry.download_id,
            "parent_id": parent,
            "kind": entry.kind,
            "content_id": entry.content_id,
            "status": status,
            "reason": next((details[name] for name in _REASONS if details.get(name)), None),
            "user_id": entry.event.actor,
            "requested_by": entry.requested_by,
            "source": entry.source,
            "details": dict(details),
        },
    )


def user_created(user: User) -> DomainEvent:
    """What subscribers are told of a new user."""
    return DomainEvent(
        id=f"{user.subject}:created",
        topic=Topic.USER_CREATED,
        at=user.created_at,
        subject=user.subject,
        data={"user_id": user.user_id, "role": user.role.value},
    )
