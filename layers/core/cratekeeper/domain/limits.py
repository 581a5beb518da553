"""Per-user quotas and album capacity: days and windows are UTC."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cratekeeper.domain.models import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLimits:
    """What a user may do: requests a day, active downloads at once; None = unlimited, 0 = none."""

    max_per_day: int | None
    max_queue: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlbumCapacity:
    """How many albums may start an hour and a day; None = unlimited, 0 = none."""

    max_per_hour: int | None
    max_per_day: int | None


def day_of(now: datetime) -> str:
    """The UTC day as an ISO date."""
    return now.date().isoformat()


def next_day(now: datetime) -> datetime:
    """The next 00:00 UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def next_hour(now: datetime) -> datetime:
    """The next whole hour."""
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def hour_window(now: datetime) -> str:
    """Name of the hour's capacity window, `H#2026-11-21T08`."""
    return f"H#{now:%Y-%m-%dT%H}"


def day_window(now: datetime) -> str:
    """Name of the day's capacity window, `D#2026-11-21`."""
    return f"D#{now:%Y-%m-%d}"


def window_end(window: str, now: datetime) -> datetime:
    """When the window that contains `now` ends."""
    return next_hour(now) if window.startswith("H#") else next_day(now)


def can_request(usage: Usage, limits: UserLimits, now: datetime) -> bool:
    """Whether one more request would be accepted."""
    below_day = limits.max_per_day is None or usage.requests_on(day_of(now)) < limits.max_per_day
    below_queue = limits.max_queue is None or len(usage.active) < limits.max_queue
    return below_day and below_queue


def at_capacity(capacity: AlbumCapacity, *, this_hour: int, today: int) -> bool:
    """Whether no further album may start in this hour or on this day."""
    full_hour = capacity.max_per_hour is not None and this_hour >= capacity.max_per_hour
    full_day = capacity.max_per_day is not None and today >= capacity.max_per_day
    return full_hour or full_day
