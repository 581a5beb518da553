"""What operators send, and what they get: orders, overviews and statistics."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AwareDatetime, Field

from cratekeeper.api.bodies import Body
from cratekeeper.api.parameters import Flag, Paged, Query, Whole
from cratekeeper.api.schemas import DownloadOut, Integer, Out, Time
from cratekeeper.domain.activity import Activity, total
from cratekeeper.domain.models import Kind, Source
from cratekeeper.domain.states import State
from cratekeeper.services.overview import Search, Stats

MOST_HOURS = 168

UserId = Annotated[str, Field(min_length=1, max_length=64, description="Only those that this user asked for")]


class PauseQueue(Body):
    """Body of `POST /v1/admin/queue/pause`; at `resume_at` the queue opens by itself."""

    reason: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    resume_at: Annotated[AwareDatetime | None, Field(description="In the future")] = None


class LimitQueue(Body):
    """Body of `PATCH /v1/admin/queue`."""

    max_concurrent: Annotated[Integer, Field(ge=1, le=1000, description="Downloads that run at once")]


class ProcessNow(Body):
    """Body of `POST /v1/admin/process`."""

    max: Annotated[Integer, Field(ge=1, le=10, description="Most items that are worked on")] = 1


class Everybodys(Paged):
    """Filters of everybody's top-level downloads."""

    status: Annotated[State | None, Field(description="Only those in this state")] = None
    user_id: UserId | None = None
    kind: Annotated[Kind | None, Field(description="Only those of this kind")] = None
    source: Annotated[Source | None, Field(description="Only those of this source")] = None

    @property
    def search(self) -> Search:
        """The service's value."""
        return Search(state=self.status, user_id=self.user_id, kind=self.kind, source=self.source)


class FailedOnes(Query):
    """Filters of `POST /v1/admin/downloads/retry-failed`; only what is FAILED is ever retried by it."""

    status: Annotated[Literal["FAILED"], Field(description="May be named, as in the list")] = "FAILED"
    user_id: UserId | None = None
    kind: Annotated[Kind | None, Field(description="Only those of this kind")] = None
    source: Annotated[Source | None, Field(description="Only those of this source")] = None

    @property
    def search(self) -> Search:
        """The service's value."""
        return Search(state=State.FAILED, user_id=self.user_id, kind=self.kind, source=self.source)


class Forced(Query):
    """Query of `POST /v1/admin/downloads/{id}/retry`."""

    force: Annotated[Flag, Field(description="Also from IN_PROGRESS and RETRY_WAITING")] = False


class Hours(Query):
    """Query of `GET /v1/admin/activity`."""

    hours: Annotated[Whole, Field(ge=1, le=MOST_HOURS, description="Hours shown, the current one included")] = 24


class ProcessedOut(Out):
    """Answer of `POST /v1/admin/process`: what was worked on, as it is now, in the order of work."""

    processed: list[DownloadOut]


class RequeuedOut(Out):
    """Answer of `POST /v1/admin/downloads/retry-failed`.

    `skipped` were refused (content queued again meanwhile, owner's queue full); `more` if a further
    call is needed. Both are left out where there is nothing to say.
    """

    left_out: ClassVar[frozenset[str]] = frozenset({"skipped", "more"})

    requeued: int
    skipped: int | None = None
    more: Literal[True] | None = None


class AmountsOut(Out):
    """What ended: albums, tracks and images completed, bytes of the latter two, and what failed for good."""

    albums: int
    tracks: int
    images: int
    bytes: int
    failed: int

    @classmethod
    def of(cls, row: Activity) -> Self:
        """The answer for the domain's value."""
        return cls(**_amounts(row))


class HourOut(Out):
    """One hour, from `hour` on; the amounts are those of `totals`."""

    hour: Time
    albums: int
    tracks: int
    images: int
    bytes: int
    failed: int

    @classmethod
    def of(cls, row: Activity) -> Self:
        """The answer for the domain's value."""
        return cls(hour=row.at, **_amounts(row))


class ActivityOut(Out):
    """Answer of `GET /v1/admin/activity`: every hour, oldest first; `totals` is the sum of the rows."""

    hourly: list[HourOut]
    totals: AmountsOut

    @classmethod
    def of(cls, rows: Iterable[Activity], *, now: datetime) -> Self:
        """The answer for the service's values."""
        hours = list(rows)
        return cls(hourly=[HourOut.of(row) for row in hours], totals=AmountsOut.of(total(now, hours)))


class QueueStatsOut(Out):
    """Top-level downloads by state, and what ended since 00:00 UTC.

    The first four are exact up to 1,000, beyond that at most a minute old. `stale_in_progress` is
    work, children too, that has been running for longer than StaleInProgressSeconds.
    """

    pending: int
    in_progress: int
    retry_waiting: int
    paused: int
    completed_today: int
    failed_today: int
    stale_in_progress: int


class CapacityOut(Out):
    """Albums started in this hour and on this day; -1 = unlimited."""

    albums_this_hour: int
    max_per_hour: int
    albums_today: int
    max_per_day: int


class ProcessingOut(Out):
    """Averages over the top-level downloads of the last seven days; null where none has ended."""

    average_duration_ms: int | None
    success_rate_percent: float | None


class StatsOut(Out):
    """Answer of `GET /v1/admin/stats`."""

    queue: QueueStatsOut
    capacity: CapacityOut
    processing: ProcessingOut

    @classmethod
    def of(cls, found: Stats) -> Self:
        """The answer for the service's value."""
        hour, day = found.capacity.max_per_hour, found.capacity.max_per_day
        return cls(
            queue=QueueStatsOut(
                pending=found.pending,
                in_progress=found.by_state[State.IN_PROGRESS],
                retry_waiting=found.by_state[State.RETRY_WAITING],
                paused=found.by_state[State.PAUSED],
                completed_today=found.completed_today,
                failed_today=found.failed_today,
                stale_in_progress=found.stale,
            ),
            capacity=CapacityOut(
                albums_this_hour=found.albums_this_hour,
                max_per_hour=-1 if hour is None else hour,
                albums_today=found.albums_today,
                max_per_day=-1 if day is None else day,
            ),
            processing=ProcessingOut(
                average_duration_ms=found.average_duration_ms, success_rate_percent=found.success_rate_percent
            ),
        )


def _amounts(row: Activity) -> dict[str, int]:
    return {
        "albums": row.albums,
        "tracks": row.tracks,
        "images": row.images,
        "bytes": row.size_bytes,
        "failed": row.failed,
    }
