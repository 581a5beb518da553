"""Bodies of the HTTP contract."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from cratekeeper.domain.events import HistoryEntry
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.progress import Progress
from cratekeeper.domain.states import State
from cratekeeper.services.queries import LimitsView, QueueView, View
from cratekeeper.services.requests import NewDownload


def utc(at: datetime) -> str:
    """ISO-8601 in UTC with milliseconds and `Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


Time = Annotated[datetime, PlainSerializer(utc, return_type=str)]
Name = Annotated[str, Field(max_length=500)]


def _integral(given: object) -> object:
    return int(given) if isinstance(given, float) and given.is_integer() else given


Integer = Annotated[int, BeforeValidator(_integral)]
"""A whole number of a body: to JSON, 3.0 is 3."""
Item = TypeVar("Item")


class Out(BaseModel):
    """An answer; `left_out` names the parts that are left out where there are none, rather than null."""

    model_config = ConfigDict(frozen=True)
    left_out: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_absent(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        body: dict[str, Any] = serialize(self)
        return {name: value for name, value in body.items() if value is not None or name not in self.left_out}


class CreateDownload(BaseModel):
    """Body of `POST /v1/downloads`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Annotated[Literal["album", "track"], Field(description="What to fetch")]
    content_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{22}$", description="22 base62 digits")]
    content_name: Name | None = None
    artist_name: Name | None = None
    priority: Annotated[Integer, Field(ge=1, le=3, description="1 high, 2 normal, 3 low")] = 2
    force: bool = False

    def wanted(self) -> NewDownload:
        """The service's value."""
        return NewDownload(
            kind=Kind(self.kind),
            content_id=self.content_id,
            content_name=self.content_name,
            artist_name=self.artist_name,
            lane=Lane(self.priority),
            force=self.force,
        )


class ProgressOut(Out):
    """Children by state; the parts add up to `total`."""

    total: int
    completed: int
    failed: int
    cancelled: int
    in_progress: int
    retry_waiting: int
    pending: int
    paused: int
    percent: int
    bytes: int

    @classmethod
    def of(cls, found: Progress) -> "ProgressOut":
        """The answer for the domain's value."""
        return cls(
            total=found.total,
            completed=found.completed,
            failed=found.failed,
            cancelled=found.cancelled,
            in_progress=found.in_progress,
            retry_waiting=found.retry_waiting,
            pending=found.pending,
            paused=found.paused,
            percent=found.percent,
            bytes=found.size_bytes,
        )


class MediaOut(Out):
    """A stored object."""

    key: str
    size: int
    sha256: str
    content_type: str


class DownloadOut(Out):
    """The Download object."""

    left_out: ClassVar[frozenset[str]] = frozenset({"progress", "media"})

    id: str
    kind: Kind
    content_id: str
    content_name: str | None
    artist_name: str | None
    parent_id: str | None
    status: State
    priority: int
    source: str
    requested_by: str
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    updated_at: Time
    next_retry_at: Time | None
    attempts: int
    retry_count: int
    max_retries: int
    error_type: str | None
    error_message: str | None
    bytes_downloaded: int | None
    duration_ms: int | None
    partial: bool
    paused_from: State | None
    queue_position: int | None
    progress: ProgressOut | None = None
    media: MediaOut | None = None

    @classmethod
    def of(cls, view: View) -> "DownloadOut":
        """The answer for one download."""
        item = view.item
        return cls(
            id=item.id,
            kind=item.kind,
            content_id=item.content_id,
            content_name=item.content_name,
            artist_name=item.artist_name,
            parent_id=item.parent_id,
            status=item.state,
            priority=int(item.lane),
            source=item.source,
            requested_by=item.requested_by,
            created_at=item.created_at,
            started_at=item.started_at,
            completed_at=item.completed_at,
            updated_at=item.updated_at,
            next_retry_at=item.next_retry_at,
            attempts=item.attempts,
            retry_count=item.retry_count,
            max_retries=item.max_retries,
            error_type=item.error_type,
            error_message=item.error_message,
            bytes_downloaded=item.bytes_downloaded,
            duration_ms=item.duration_ms,
            partial=item.partial,
            paused_from=item.paused_from,
            queue_position=view.position,
            progress=ProgressOut.of(view.progress) if view.progress else None,
            media=_media(item),
        )


def _media(item: Download) -> MediaOut | None:
    """Only of a completed single download."""
    found = item.media
    if found is None or item.state is not State.COMPLETED:
        return None
    return MediaOut(key=found.key, size=found.size_bytes, sha256=found.sha256, content_type=found.content_type)


class EventOut(Out):
    """One entry of the history; `user_id` is who acted."""

    id: str
    timestamp: Time
    event_type: str
    download_id: str
    kind: str | None
    content_id: str | None
    user_id: str
    source: str | None
    details: dict[str, str | int | None]

    @classmethod
    def of(cls, entry: HistoryEntry) -> "EventOut":
        """The answer for one entry."""
        return cls(
            id=entry.id,
            timestamp=entry.event.at,
            event_type=entry.event.type,
            download_id=entry.download_id,
            kind=entry.kind,
            content_id=entry.content_id,
            user_id=entry.event.actor,
            source=entry.source,
            details=dict(entry.event.details),
        )


class UserLimitsOut(Out):
    """What the caller may still request; -1 = unlimited."""

    requests_today: int
    max_per_day: int
    in_queue: int
    max_queue: int
    can_request: bool
    resets_at: Time


class GlobalLimitsOut(Out):
    """Albums that may still start; -1 = unlimited."""

    albums_this_hour: int
    max_per_hour: int
    albums_today: int
    max_per_day: int
    at_capacity: bool
    resets_at: Time


class LimitsOut(Out):
    """Answer of `GET /v1/limits`."""

    user: UserLimitsOut
    global_: Annotated[GlobalLimitsOut, Field(serialization_alias="global")]

    @classmethod
    def of(cls, found: LimitsView) -> "LimitsOut":
        """The answer for the service's value."""
        return cls(
            user=UserLimitsOut(
                requests_today=found.requests_today,
                max_per_day=_edge(found.mine.max_per_day),
                in_queue=found.in_queue,
                max_queue=_edge(found.mine.max_queue),
                can_request=found.can_request,
                resets_at=found.resets_at,
            ),
            global_=GlobalLimitsOut(
                albums_this_hour=found.albums_this_hour,
                max_per_hour=_edge(found.capacity.max_per_hour),
                albums_today=found.albums_today,
                max_per_day=_edge(found.capacity.max_per_day),
                at_capacity=found.at_capacity,
                resets_at=found.capacity_resets_at,
            ),
        )


class QueueOut(Out):
    """Answer of `GET /v1/queue`; -1 = unlimited.

    Counts are of top-level downloads, exact up to 1,000 a number; beyond that at most a minute old.
    """

    left_out: ClassVar[frozenset[str]] = frozenset({"paused_reason", "paused_by", "resume_at"})

    paused: bool
    paused_reason: str | None = None
    paused_by: str | None = None
    resume_at: Time | None = None
    max_concurrent: int
    active: int
    pending: int
    retry_waiting: int
    by_priority: dict[str, int]

    @classmethod
    def of(cls, found: QueueView) -> "QueueOut":
        """The answer for the service's value."""
        return cls(
            paused=found.control.paused,
            paused_reason=found.control.paused_reason,
            paused_by=found.control.paused_by,
            resume_at=found.control.resume_at,
            max_concurrent=_edge(found.control.limit),
            active=found.active,
            pending=sum(found.by_lane.values()),
            retry_waiting=found.retry_waiting,
            by_priority={str(int(lane)): count for lane, count in found.by_lane.items()},
        )


class PageOut(Out, Generic[Item]):
    """A page of a list; `limits` only on the first page of the caller's downloads."""

    left_out: ClassVar[frozenset[str]] = frozenset({"limits"})

    items: list[Item]
    next_cursor: str | None
    limits: LimitsOut | None = None


class HealthOut(Out):
    """Answer of `GET /health`."""

    status: Literal["ok"] = "ok"
    version: str
    provider: Literal["configured", "missing"]


def _edge(limit: int | None) -> int:
    """Unlimited is -1 at the edge."""
    return -1 if limit is None else limit
