"""Activity: what ended, by ten minutes. A pure recount of the history, so repeating it changes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from cratekeeper.domain.events import EventType, HistoryEntry
from cratekeeper.domain.ids import parent_of
from cratekeeper.domain.models import Kind

SLOT: Final = timedelta(minutes=10)
"""What is counted at once: a reader counts at most the open slot and the one before it himself."""

ENDED: Final = (EventType.DOWNLOAD_COMPLETED, EventType.DOWNLOAD_FAILED)
"""The events that are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What ended from `at` on, for a slot or an hour.

    Args:
        at: begin, UTC.
        albums: albums completed, and so on.
        size_bytes: of the tracks and images.
        failed: tracks and images that failed for good, and albums that did so before they had children.
        roots_completed: top-level downloads among them.
        roots_failed: top-level downloads that failed, albums with failed children too.
        duration_ms: sum over the completed top-level downloads.
        events: entries counted; of two recounts the one that saw more is right.

    """

    at: datetime
    albums: int = 0
    tracks: int = 0
    images: int = 0
    size_bytes: int = 0
    failed: int = 0
    roots_completed: int = 0
    roots_failed: int = 0
    duration_ms: int = 0
    events: int = 0


_NUMBERS: Final = tuple(each.name for each in fields(Activity) if each.name != "at")
_COLUMN: Final = {Kind.ALBUM: "albums", Kind.TRACK: "tracks", Kind.ALBUM_IMAGE: "images", Kind.ARTIST_IMAGE: "images"}


def slot_of(at: datetime) -> datetime:
    """Begin of the slot that holds the time."""
    return at.replace(minute=at.minute // 10 * 10, second=0, microsecond=0)


def hour_of(at: datetime) -> datetime:
    """Begin of the hour that holds the time."""
    return at.replace(minute=0, second=0, microsecond=0)


def total(at: datetime, rows: Iterable[Activity]) -> Activity:
    """The sum of rows, as a row that begins at `at`."""
    seen = list(rows)
    return Activity(at=at, **{name: sum(getattr(row, name) for row in seen) for name in _NUMBERS})


def counted(entries: Iterable[HistoryEntry]) -> dict[datetime, Activity]:
    """The slots in which something ended, by their begin; an entry given twice counts once."""
    once = {entry.id: entry for entry in entries if entry.event.type in ENDED}
    slots: dict[datetime, list[Activity]] = {}
    for entry in once.values():
        at = slot_of(entry.event.at)
        slots.setdefault(at, []).append(_of(entry, at))
    return {at: total(at, rows) for at, rows in sorted(slots.items())}


def _of(entry: HistoryEntry, at: datetime) -> Activity:
    details, is_root = entry.event.details, parent_of(entry.download_id) is None
    if entry.event.type is EventType.DOWNLOAD_FAILED:
        # An album that ends because children failed says how many it has; those are counted themselves.
        return Activity(at=at, failed=int("children" not in details), roots_failed=int(is_root), events=1)
    column = _COLUMN[Kind(entry.kind or Kind.TRACK)]
    numbers = {column: 1, "size_bytes": 0 if column == "albums" else int(details.get("bytes") or 0)}
    duration_ms = int(details.get("duration_ms") or 0) if is_root else 0
    return Activity(at=at, roots_completed=int(is_root), duration_ms=duration_ms, events=1, **numbers)
