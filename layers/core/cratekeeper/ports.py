"""The ports: everything that services need of the world, each with a promise that its adapters keep.

One conformance suite per port (`tests/contract`) runs on the adapters in memory and on the real ones.
Unless it says otherwise every method may raise `errors.Unavailable`: nothing is known of what was
written then, and the caller may repeat the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from cratekeeper.domain.access import Caller, Role
    from cratekeeper.domain.catalog import Album, Artist, MediaRow, Metadata, StoredAlbum, Track
    from cratekeeper.domain.control import Control, Held, Seeker
    from cratekeeper.domain.events import HistoryEntry
    from cratekeeper.domain.ids import Key
    from cratekeeper.domain.lanes import Lane, Rank
    from cratekeeper.domain.models import Chunk, Download, Family, Kind, PlanChunk, Usage
    from cratekeeper.domain.states import State
    from cratekeeper.domain.writes import Change, Stored, Write


class Briefing(NamedTuple):
    """What a worker must know before a claim, in one strong read.

    `holder_chunk` is the set chunk of a child beyond the parent's first one, else None.
    """

    item: Download | None
    parent: Download | None
    holder_chunk: Chunk | None
    control: Control


class WaitingEntry(NamedTuple):
    """One entry of the `waiting` index: a root's id, its lane and its rank."""

    id: str
    lane: Lane
    rank: Rank


class Page(NamedTuple):
    """Root ids, newest first, and where the next page begins (None = this was the last)."""

    ids: tuple[str, ...]
    next_after: str | None


class DownloadStore(Protocol):
    """The queue table's items. Reads by id are strong; reads of an index may lag."""

    def get(self, *keys: Key) -> dict[Key, Stored]:
        """The records (at most 100) that exist, by key; strong."""
        ...

    def briefing(self, download_id: str) -> Briefing:
        """The item, its parent and set chunk, and the control item; strong, one round trip."""
        ...

    def write(self, change: Change) -> Stored:
        """Carry out one change and return the record after it.

        Raises WriteRefused with the record as it is (None = absent) and writes nothing if a
        condition does not hold. A repeated change is refused by its own first success: callers
        recognise that by what `current` holds.
        """
        ...

    def commit(self, *writes: Write) -> None:
        """Carry out all writes (1..100, each of another record) or none.

        Raises WriteRefused for the first write, in order, whose condition does not hold.
        """
        ...

    def family(self, root: str) -> Family | None:
        """Everything in a root's partition; strong. None if the root is gone."""
        ...

    def children(self, root: str, *, after: int, limit: int) -> list[Download]:
        """Children with ordinals above `after`, in album order, at most `limit`."""
        ...

    def save_plan(self, chunks: Sequence[PlanChunk]) -> None:
        """Store the chunks of an expansion plan; repeating it is harmless."""
        ...

    def plan_chunk(self, root: str, *, epoch: int, chunk: int) -> PlanChunk | None:
        """One chunk of a stored plan; strong."""
        ...

    def due(self, shard: int, *, before: datetime, limit: int) -> list[str]:
        """Ids of roots of the shard to be visited at or before `before`, the most overdue first."""
        ...

    def waiting(self, *, limit: int) -> list[WaitingEntry]:
        """The first entries of all lanes in the order of work, parked albums left out; one Query.

        Index key: hash `w`, range `{lane}{rank}#{root}` for CHILDREN and ROOT, `P{lane}#{root}` for
        PARKED, so that one ascending Query meets the work in its order and parked albums last.
        """
        ...

    def waiting_before(self, download_id: str, lane: Lane, *, limit: int) -> int:
        """How many roots (parked ones too) wait before this one in its lane by age; at most `limit`."""
        ...

    def waiting_count(self, lane: Lane, *, limit: int | None = None) -> int:
        """How many roots are PENDING in the lane, parked ones too; at most `limit`."""
        ...

    def count(self, state: State) -> int:
        """How many roots are in the state."""
        ...

    def roots_of(self, user_id: str, *, after: str | None, limit: int) -> Page:
        """The user's roots, newest first; `after` is the last id of the page before."""
        ...

    def usage(self, user_id: str) -> Usage:
        """What the user has in use; strong."""
        ...

    def lock_holder(self, kind: Kind, content_id: str) -> str | None:
        """The id of the active root that holds the content; strong."""
        ...

    def everything(self) -> Iterator[Download]:
        """Every download, page by page: for repair after an outage, never on a hot path."""
        ...

    def albums_started(self, *windows: str) -> tuple[int, ...]:
        """Albums counted in each of the named capacity windows; strong."""
        ...


class Permits(Protocol):
    """The control item. Every write is one conditional write, and answers with the item after it.

    A refused write raises PermitRefused with the item as it is. A repeated write whose first
    success was not heard of is recognised by its exact value and answers as a success.
    """

    def read(self) -> Control:
        """The control item; strong."""
        ...

    def take(self, seeker: Seeker, *, limit: int) -> Control:
        """Add a permit under `Control.may_take`; removes the id from the hungry ones."""
        ...

    def swap(self, held: Held, seeker: Seeker, *, limit: int) -> Control:
        """Replace exactly `held` by the seeker's permit under `Control.may_swap`."""
        ...

    def drop(self, held: Held) -> Control:
        """Remove exactly `held`; removing what is gone is harmless."""
        ...

    def renew(self, held: Held, *, until: datetime) -> Control:
        """Extend exactly `held`."""
        ...

    def mark(self, download_id: str, lane: Lane, *, limit: int) -> Control:
        """Add the id to the lane's hungry ones under `Control.may_mark`; refused = room appeared."""
        ...

    def unmark(self, ids: Iterable[str], lane: Lane) -> Control:
        """Remove ids from the lane's hungry ones; removing what is not there is harmless."""
        ...


class Bell(Protocol):
    """The lane queues. A message holds only an id; losing, repeating or reordering it is harmless."""

    def ring(self, lane: Lane, download_ids: Sequence[str], *, delay_s: int = 0) -> None:
        """Send one message per id to the lane's queue, to be received after 0..900 s; ValueError outside."""
        ...

    def postpone(self, receipt: str, lane: Lane, *, seconds: int) -> None:
        """Hide a received message for 0..43,200 s; ValueError outside."""
        ...


class CatalogStore(Protocol):
    """The catalog: metadata apart from media rows, so that ingesting again never resets what is stored."""

    def ingest(self, metadata: Metadata, *, missing: frozenset[str]) -> None:
        """Write the rows of an album, its tracks, images and artists; idempotent.

        `missing` are the tracks without stored bytes at this time.
        """
        ...

    def album(self, album_id: str) -> StoredAlbum | None:
        """What is known of the album's wholeness."""
        ...

    def set_missing(self, album_id: str, missing: frozenset[str]) -> None:
        """Put the album's missing tracks; nothing to do if the album is unknown."""
        ...

    def ingest_track(self, track: Track) -> None:
        """Write the row of a track that was asked for by itself; idempotent."""
        ...

    def found(self, album_id: str, track_id: str) -> None:
        """Take a track off its album's missing ones; nothing to do if the album is unknown."""
        ...

    def media(self, refs: Iterable[tuple[Kind, str]]) -> dict[str, MediaRow]:
        """The media rows that exist, by content id."""
        ...

    def record(self, row: MediaRow) -> None:
        """Put the media row of a stored object, once per content."""
        ...


class ObjectInfo(NamedTuple):
    """A stored object: size in bytes, ETag as S3 quotes it, content type."""

    size_bytes: int
    etag: str
    content_type: str


class Part(NamedTuple):
    """A stored part of a multipart upload."""

    etag: str
    size_bytes: int


class MediaStore(Protocol):
    """The media bucket. Bodies are streamed: memory is flat in their size."""

    def head(self, key: str) -> ObjectInfo | None:
        """What is stored under the key."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in chunks of at most 1 MiB; NotFound if there is none."""
        ...

    def put(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        size_bytes: int,
        content_type: str,
        if_match: str | None = None,
    ) -> str:
        """Store an object of exactly `size_bytes` and return its ETag.

        Only if the key is free, or with `if_match` only while the object has that ETag; else
        ObjectExists. Whatever `chunks` raises flies on, and nothing is stored then.
        """
        ...

    def begin(self, key: str, *, content_type: str) -> str:
        """Begin a multipart upload and return its id."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Store part `number` (1..10,000) and return its ETag; repeating it replaces the part.

        NotFound if the upload is gone.
        """
        ...

    def complete(self, key: str, upload_id: str, parts: Sequence[str], *, if_match: str | None = None) -> str:
        """Put the parts together under the conditions of `put` and return the object's ETag.

        Raises ObjectExists, or NotFound if the upload is gone.
        """
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Throw a multipart upload away; harmless if it is gone."""
        ...

    def parts(self, key: str, upload_id: str) -> list[Part]:
        """The stored parts 1, 2, … of an upload up to the first gap; NotFound if the upload is gone."""
        ...

    def discard(self, key: str, *, etag: str) -> None:
        """Delete an object found broken, while it has that ETag; harmless if it is gone."""
        ...


class Body(Protocol):
    """A provider's answer whose bytes are still to come.

    content_type: as declared; length: declared size of the whole file (also of a resumed one),
    None = not declared; is_framed: whether the transfer's own end is known (a length or chunked
    framing); etag: strong validator for a later Range request; offset: of the first byte to come.
    """

    content_type: str
    length: int | None
    is_framed: bool
    etag: str | None
    offset: int

    def chunks(self) -> Iterator[bytes]:
        """The bytes; raises TransferFailed."""
        ...

    def abort(self, error: Exception) -> None:
        """End the transfer from another thread: `chunks` raises `error` at once, also when it is blocked."""
        ...


class Provider(Protocol):
    """The downloader service. Every method raises TransferFailed with the class of the failure.

    Raises ProviderNotConfigured where no base URL is set.
    """

    def album(self, album_id: str) -> tuple[Album, tuple[Track, ...]]:
        """An album and its tracks in album order."""
        ...

    def track(self, track_id: str) -> Track:
        """One track's metadata."""
        ...

    def artist(self, artist_id: str) -> Artist:
        """One artist."""
        ...

    def audio(
        self,
        track_id: str,
        *,
        offset: int = 0,
        etag: str | None = None,
        deadline_s: float,
    ) -> AbstractContextManager[Body]:
        """A track's bytes; with an offset, those from there on, if the provider's file is still `etag`.

        The deadline (seconds for the whole answer) and a minimum rate are enforced outside the
        read loop. A provider that ignores the range answers with `Body.offset` 0.
        """
        ...

    def image(self, image_id: str, *, deadline_s: float) -> AbstractContextManager[Body]:
        """A picture's bytes, under the same bounds."""
        ...


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Aware UTC in whole milliseconds."""
        ...


class Ids(Protocol):
    """New names."""

    def download(self, now: datetime) -> str:
        """A root's id: a ULID of `now`, rising within a process."""
        ...

    def nonce(self) -> str:
        """A short random word that nobody else has."""
        ...

    def secret(self) -> str:
        """A random secret of at least 32 bytes, URL-safe."""
        ...


class Dice(Protocol):
    """Randomness for jitter."""

    def roll(self) -> float:
        """In [0, 1)."""
        ...


class Pulse(Protocol):
    """A heartbeat beside the work: it beats although the work is blocked in a read."""

    def beating(self, beat: Callable[[], float | None], *, first_s: float) -> AbstractContextManager[None]:
        """Call `beat` after `first_s` seconds, then each time after the seconds that it returned.

        Ends when `beat` returns None, and at the latest when the context ends: no beat runs after that.
        """
        ...


class HistoryStore(Protocol):
    """The history table."""

    def put(self, entries: Sequence[HistoryEntry]) -> None:
        """Put entries under their deterministic ids; repeating it changes nothing."""
        ...

    def absent(self, entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
        """Those of the entries (at most 100) that are not stored."""
        ...

    def of_download(self, download_id: str, *, after: int, limit: int) -> list[HistoryEntry]:
        """Entries of one download with a `seq` above `after`, oldest first."""
        ...


class EventBus(Protocol):
    """The bus of domain events."""

    def publish(self, entries: Sequence[HistoryEntry]) -> None:
        """Publish one domain event per entry; a subscriber may see one more than once."""
        ...


class Identities(Protocol):
    """Users and keyed hashes of their API keys."""

    def caller_of(self, key_hash: str) -> Caller | None:
        """The owner of an unrevoked key."""
        ...

    def put_user(self, user_id: str, role: Role) -> None:
        """Create the user or change the role; limit overrides stay."""
        ...

    def put_key(self, user_id: str, *, key_id: str, key_hash: str, now: datetime) -> None:
        """Store a key of the user."""
        ...


class Secrets(Protocol):
    """Secrets of the deployment."""

    def pepper(self) -> bytes:
        """The pepper of the key hashes."""
        ...


class Log(Protocol):
    """Structured log lines: one per outcome."""

    def info(self, action: str, **fields: object) -> None:
        """Something happened as it should."""
        ...

    def warning(self, action: str, **fields: object) -> None:
        """Something failed that the system heals by itself."""
        ...
