"""Records for tests, each whole and plausible: a test names only the fields that it is about."""

from datetime import datetime, timedelta
from typing import Any

from cratekeeper.domain.catalog import Album, Artist, Image, MediaRow, Metadata, Track
from cratekeeper.domain.control import Control, Held, Permit, Seeker
from cratekeeper.domain.events import Event, EventType, HistoryEntry
from cratekeeper.domain.ids import child_id, chunk_of
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Chunk, Download, Kind, Media
from cratekeeper.domain.states import State
from tests.memory.samples import content_id, image_id
from tests.memory.virtual import START

Values = dict[str, Any]
"""Fields of a record, as parametrized tests hand them over."""

NOW = START
"""When the worlds of the tests begin: 2026-11-21, 08:00 UTC."""


def at(seconds: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def root_id(number: int = 1) -> str:
    """A root's id; the lower number is the older one."""
    return f"01JD{number:022d}"


ROOT = root_id()


def a_download(download_id: str = ROOT, **fields: Any) -> Download:
    """A single track that alice asked for and that waits for its first start."""
    lane, state = fields.get("lane", Lane.NORMAL), fields.get("state", State.PENDING)
    values: Values = {
        "kind": Kind.TRACK,
        "content_id": content_id(download_id),
        "requested_by": "alice",
        "created_at": NOW,
        "updated_at": NOW,
        "due_at": at(60),
        "waiting": Waiting(lane, Rank.ROOT) if state is State.PENDING else None,
        "seq": 1,
        "event": Event(type=EventType.REQUEST_CREATED, at=NOW, actor="alice"),
    }
    return Download(id=download_id, **{**values, **fields})


def a_running(download_id: str = ROOT, **fields: Any) -> Download:
    """A download in its first attempt, under a lease of a minute."""
    values: Values = {
        "state": State.IN_PROGRESS,
        "epoch": 1,
        "attempts": 1,
        "owner": "worker",
        "started_at": NOW,
        "lease_until": at(60),
    }
    return a_download(download_id, **{**values, **fields})


def an_album(children: int = 2, **fields: Any) -> Download:
    """An album that waits for as many open children, all of them in its first chunk."""
    values: Values = {
        "kind": Kind.ALBUM,
        "state": State.IN_PROGRESS,
        "epoch": 1,
        "attempts": 1,
        "started_at": NOW,
        "expanded": True,
        "total": children,
        "cursor": children,
        "open": frozenset(range(1, children + 1)),
        "waiting": Waiting(Lane.NORMAL, Rank.CHILDREN),
        "counted": True,
    }
    return a_download(fields.pop("id", ROOT), **{**values, **fields})


def a_child(ordinal: int = 1, *, root: str = ROOT, **fields: Any) -> Download:
    """A track of an album, not started yet."""
    values: Values = {"waiting": None, "due_at": None, "seq": 0, "event": None}
    return a_download(child_id(root, ordinal), **{**values, **fields})


def a_chunk(number: int = 1, *, root: str = ROOT, **fields: Any) -> Chunk:
    """A further chunk of an album's sets."""
    return Chunk(root=root, number=number, **fields)


def holder_of(*ordinals: int) -> Download | Chunk:
    """The chunk that holds these ordinals, all of them open."""
    number = chunk_of(ordinals[0])
    if number:
        return a_chunk(number, open=frozenset(ordinals))
    return an_album(open=frozenset(ordinals))


def a_media(size_bytes: int = 1000, *, key: str = "audio/4u7EnebtmKWzUH433cf5Qv.wav") -> Media:
    """A stored object."""
    return Media(key=key, size_bytes=size_bytes, sha256="5e" * 32, content_type="audio/wav")


def a_row(track_id: str, **fields: Any) -> MediaRow:
    """The catalog's row of a stored track."""
    media = a_media(key=f"audio/{track_id}.wav")
    return MediaRow(content_id=track_id, kind=Kind.TRACK, **{"media": media, **fields})


def a_track(number: int = 1, **fields: Any) -> Track:
    """A track of an album by one artist."""
    values: Values = {
        "id": content_id(f"track {number}"),
        "name": f"Track {number}",
        "album_id": content_id("album"),
        "artist_ids": (content_id("artist"),),
        "number": number,
    }
    return Track(**{**values, **fields})


def an_image(name: str = "cover") -> Image:
    """A picture."""
    return Image(id=image_id(name), width=640, height=640)


def an_artist(**fields: Any) -> Artist:
    """The artist of `a_track`."""
    values: Values = {"id": content_id("artist"), "name": "An Artist"}
    return Artist(**{**values, **fields})


def some_metadata(*tracks: Track, covers: tuple[Image, ...] = (), artists: tuple[Artist, ...] = ()) -> Metadata:
    """An album with these tracks, covers and artists."""
    album = Album(
        id=content_id("album"),
        name="An Album",
        artist_ids=tuple(artist.id for artist in artists),
        covers=covers,
        track_ids=tuple(track.id for track in tracks),
    )
    return Metadata(album=album, tracks=tracks, artists=artists)


def a_permit(until: datetime | None = None, *, epoch: int = 0, round: int = 0) -> Permit:  # noqa: A002 - the field's name
    """A permit of a minute, for a first attempt."""
    return Permit(until or at(60), epoch, round)


def a_held(download_id: str = ROOT, permit: Permit | None = None) -> Held:
    """A permit as its holder knows it."""
    return Held(download_id, permit or a_permit())


def a_seeker(download_id: str = ROOT, lane: Lane = Lane.NORMAL, **fields: Any) -> Seeker:
    """An item that may run."""
    return Seeker(download_id, lane, **{"permit": a_permit(), **fields})


def a_control(*held: str, limit: int | None = 3, **fields: Any) -> Control:
    """The control item with permits of a minute for the ids."""
    return Control(limit=limit, **{"permits": {each: a_permit() for each in held}, **fields})


def an_event(kind: EventType = EventType.DOWNLOAD_STARTED, **fields: Any) -> Event:
    """An audit event of the system."""
    return Event(type=kind, **{"at": NOW, **fields})


def an_entry(seq: int = 1, *, download_id: str = ROOT, **fields: Any) -> HistoryEntry:
    """A row of the history."""
    return HistoryEntry(download_id=download_id, seq=seq, **{"event": an_event(), **fields})
