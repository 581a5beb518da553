"""What the API answers, read into values: lenient about what is missing, strict about text.

Every text comes out on one line and without control characters, so nothing that is drawn
from these values can steer a terminal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cratekeeper_cli.errors import Unreachable
from cratekeeper_cli.text import clean

Json = Mapping[str, object]
Query = Mapping[str, str | int | bool]

_LARGEST: Final = 2**63
_EPOCH_YEAR: Final = 1970
_LAST_YEAR: Final = 9999  # times near the ends of the calendar cannot change their zone


class Kind(StrEnum):
    """What a download fetches."""

    ALBUM = "album"
    TRACK = "track"
    ALBUM_IMAGE = "album_image"
    ARTIST_IMAGE = "artist_image"
    URL = "url"


class Status(StrEnum):
    """The states of a download."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    RETRY_WAITING = "RETRY_WAITING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Source(StrEnum):
    """Who asked for a download."""

    USER = "USER"
    WATCHDOG = "WATCHDOG"
    EXPANSION = "EXPANSION"


class UserRole(StrEnum):
    """What a user may do."""

    USER = "user"
    VIEWER = "viewer"
    ADMIN = "admin"


class EventType(StrEnum):
    """What the audit history tells of."""

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


TERMINAL: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object, read field by field."""

    document: Json

    def text(self, name: str) -> str | None:
        """A cleaned text, or None if it is missing, empty or of another type."""
        value = self.document.get(name)
        return (clean(value) or None) if isinstance(value, str) else None

    def must(self, name: str) -> str:
        """A text without which the answer makes no sense. Raises Unreachable."""
        value = self.text(name)
        if value is None:
            raise Unreachable(f"the server's answer has no {name}: is the URL a Cratekeeper API?")
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, or None."""
        value = self.document.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if abs(value) < _LARGEST else None

    def number(self, name: str) -> float | None:
        """A number, whole or not, or None."""
        value = self.document.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        return float(value) if abs(value) < _LARGEST else None

    def count(self, name: str) -> int:
        """A whole number that is 0 where it is missing."""
        return self.integer(name) or 0

    def flag(self, name: str) -> bool:
        """Whether the field is true."""
        return self.document.get(name) is True

    def time(self, name: str) -> datetime | None:
        """An ISO-8601 instant, aware, or None."""
        value = self.document.get(name)
        try:
            at = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            return None
        if at is None or not _EPOCH_YEAR <= at.year < _LAST_YEAR:
            return None
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at

    def inner(self, name: str) -> "Fields | None":
        """An object inside, or None."""
        value = self.document.get(name)
        return Fields(value) if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class Progress:
    """The sums over an album's children; the parts add up to `total`."""

    total: int
    completed: int
    failed: int
    cancelled: int
    in_progress: int
    retry_waiting: int
    pending: int
    paused: int
    percent: int
    size_bytes: int

    @classmethod
    def of(cls, fields: Fields) -> "Progress":
        """Read the object `progress`."""
        return cls(
            total=fields.count("total"),
            completed=fields.count("completed"),
            failed=fields.count("failed"),
            cancelled=fields.count("cancelled"),
            in_progress=fields.count("in_progress"),
            retry_waiting=fields.count("retry_waiting"),
            pending=fields.count("pending"),
            paused=fields.count("paused"),
            percent=min(max(fields.count("percent"), 0), 100),
            size_bytes=fields.count("bytes"),
        )

    @property
    def ended(self) -> int:
        """Children that need no more work."""
        return self.completed + self.failed + self.cancelled


@dataclass(frozen=True, slots=True)
class Media:
    """Where the bytes of a finished single download are."""

    key: str
    size_bytes: int | None
    sha256: str | None
    content_type: str | None

    @classmethod
    def of(cls, fields: Fields) -> "Media | None":
        """Read the object `media`; None without a key."""
        key = fields.text("key")
        if key is None:
            return None
        return cls(key, fields.integer("size"), fields.text("sha256"), fields.text("content_type"))


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong last, and when it is tried again."""

    error_type: str | None
    message: str | None
    next_retry_at: datetime | None
    retries: int
    max_retries: int | None


@dataclass(frozen=True, slots=True)
class Download:
    """One download, parent or child."""

    id: str
    kind: str
    content_id: str | None
    name: str
    artist: str | None
    status: str
    priority: int | None
    requested_by: str | None
    created_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    attempts: int
    size_bytes: int | None
    duration_ms: int | None
    is_partial: bool
    queue_position: int | None
    trouble: Trouble
    progress: Progress | None
    media: Media | None

    @classmethod
    def of(cls, document: Json) -> "Download":
        """Read a Download object. Raises Unreachable if it has no id or no status."""
        fields = Fields(document)
        progress, media = fields.inner("progress"), fields.inner("media")
        kept = Media.of(media) if media else None
        content_id = fields.text("content_id")
        kind = fields.text("kind") or "download"
        return cls(
            id=fields.must("id"),
            kind=kind,
            content_id=content_id,
            name=fields.text("content_name") or f"{kind.replace('_', ' ')} {content_id or ''}".strip(),
            artist=fields.text("artist_name"),
            status=fields.must("status"),
            priority=fields.integer("priority"),
            requested_by=fields.text("requested_by"),
            created_at=fields.time("created_at"),
            started_at=fields.time("started_at"),
            completed_at=fields.time("completed_at"),
            attempts=fields.count("attempts"),
            size_bytes=kept.size_bytes if kept else fields.integer("bytes_downloaded"),
            duration_ms=fields.integer("duration_ms"),
            is_partial=fields.flag("partial"),
            queue_position=fields.integer("queue_position"),
            trouble=_trouble(fields),
            progress=Progress.of(progress) if progress else None,
            media=kept,
        )

    @property
    def is_waiting(self) -> bool:
        """Whether it, or a part of it, could begin if somebody let it."""
        parts = self.progress.pending + self.progress.retry_waiting if self.progress else 0
        return self.status in {"PENDING", "RETRY_WAITING"} or (self.status == "IN_PROGRESS" and parts > 0)

    @property
    def is_over(self) -> bool:
        """Whether the state is terminal."""
        return self.status in TERMINAL


def _trouble(fields: Fields) -> Trouble:
    return Trouble(
        error_type=fields.text("error_type"),
        message=fields.text("error_message"),
        next_retry_at=fields.time("next_retry_at"),
        retries=fields.count("retry_count"),
        max_retries=fields.integer("max_retries"),
    )


def items_of(page: Json, name: str = "items") -> list[Json]:
    """The objects of one page of a list, or of the list `name`; what is no object is left out."""
    items = page.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
