"""Small records for the suites; ids rise in the order in which they are made."""

from datetime import datetime, timedelta
from typing import Any

from cratekeeper.domain.events import Event, EventType, HistoryEntry
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Download, Kind, Media
from tests.memory.samples import content_id
from tests.memory.virtual import START, SeededIds

_ids = SeededIds(seed=1)

SOON = START + timedelta(seconds=60)


def an_id() -> str:
    """A root's id, above all earlier ones."""
    return _ids.download(START)


def a_root(download_id: str | None = None, **fields: Any) -> Download:
    """A requested album, as the service makes it."""
    lane = fields.get("lane", Lane.NORMAL)
    values: dict[str, Any] = {
        "kind": Kind.ALBUM,
        "content_id": content_id("an album"),
        "requested_by": "alice",
        "created_at": START,
        "updated_at": START,
        "due_at": SOON,
        "waiting": Waiting(lane, Rank.ROOT),
        "seq": 1,
        "event": Event(type=EventType.REQUEST_CREATED, at=START, actor="alice"),
    }
    return Download(id=download_id or an_id(), **{**values, **fields})


def a_child(root: str, ordinal: int, **fields: Any) -> Download:
    """A child as the expansion makes it."""
    values: dict[str, Any] = {
        "kind": Kind.TRACK,
        "content_id": content_id(f"track {ordinal}"),
        "content_name": f"Track {ordinal}",
        "artist_name": "An Artist",
        "requested_by": "alice",
        "created_at": START,
        "updated_at": START,
    }
    return Download(id=child_id(root, ordinal), **{**values, **fields})


def a_medium(track: str) -> Media:
    """What is known of a stored track."""
    return Media(key=f"audio/{track}.flac", size_bytes=31_457_280, sha256="5e" * 32, content_type="audio/flac")


def a_key_event(kind: EventType = EventType.KEY_CREATED, *, key_id: str = "k", at: datetime = START) -> Event:
    """What is told of a key of alice."""
    return Event(type=kind, at=at, actor="root", details={"key_id": key_id, "owner": "alice"})


def an_entry(download_id: str, seq: int, *, at: datetime = START, **fields: Any) -> HistoryEntry:
    """A row of the history."""
    values: dict[str, Any] = {
        "kind": Kind.TRACK.value,
        "content_id": content_id("a track"),
        "source": "USER",
        "requested_by": "alice",
        "event": Event(type=EventType.DOWNLOAD_STARTED, at=at, actor="system", details={"attempt": seq}),
    }
    return HistoryEntry(download_id=download_id, seq=seq, **{**values, **fields})
