"""What is fetched and stored: the downloader service, the media bucket and the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from cratekeeper.domain.catalog import Album, Artist, MediaRow, Metadata, StoredAlbum, Track
    from cratekeeper.domain.discovery import Discography, Found, Subject
    from cratekeeper.domain.models import Kind


class CatalogStore(Protocol):
    """The catalog: metadata apart from media rows, so that ingesting again never resets what is stored."""

    def ingest(self, metadata: Metadata) -> None:
        """Write the rows of an album, its tracks, images and artists; idempotent."""
        ...

    def album(self, album_id: str) -> StoredAlbum | None:
        """What is known of the album."""
        ...

    def known_albums(self, album_ids: Iterable[str]) -> dict[str, StoredAlbum]:
        """What is known of these albums, by id; any number of them."""
        ...

    def ingest_track(self, track: Track) -> None:
        """Write the row of a track that was asked for by itself; idempotent."""
        ...

    def media(self, refs: Iterable[tuple[Kind, str]]) -> dict[str, MediaRow]:
        """The media rows that exist, by content id; any number of them."""
        ...

    def record(self, row: MediaRow) -> None:
        """Put the media row of a stored object, once per content."""
        ...

    def give_up(self, kind: Kind, content_id: str) -> None:
        """Say that no attempt will fetch the content, unless its bytes are available; idempotent."""
        ...

    def lose(self, row: MediaRow) -> None:
        """Say that the object of an available row is gone or broken, unless the row was written anew; idempotent.

        To be said before anybody is asked to fetch it: what they store is recorded over it.
        """
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

    def read(self, key: str) -> Generator[bytes, None, None]:
        """The object's bytes in chunks of at most 1 MiB, to be closed; NotFound if there is none."""
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

    def link(self, key: str, *, content_type: str, disposition: str, seconds: int) -> str:
        """A URL at which anybody may read the object for `seconds` (1..900), under that type and disposition.

        Made without asking whether there is one.
        """
        ...


class Body(Protocol):
    """A provider's answer whose bytes are still to come.

    Reading an attribute may wait for the answer, and raises TransferFailed: so `abort` can end that
    wait as well.
    """

    @property
    def content_type(self) -> str:
        """As declared."""
        ...

    @property
    def length(self) -> int | None:
        """Declared size of the whole file (also of a resumed one), None = not declared."""
        ...

    @property
    def is_framed(self) -> bool:
        """Whether the transfer's own end is known: a length or chunked framing."""
        ...

    @property
    def etag(self) -> str | None:
        """Strong validator for a later Range request."""
        ...

    @property
    def offset(self) -> int:
        """Of the first byte to come."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes; raises TransferFailed."""
        ...

    def abort(self, error: Exception) -> None:
        """End the transfer from another thread: what is blocked in it raises `error` at once, `chunks` too."""
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

    def search(self, query: str, *, subjects: Sequence[Subject], limit: int) -> tuple[Found, ...]:
        """What the provider finds of these subjects (at least one), at most `limit`, the best first."""
        ...

    def discography(self, artist_id: str) -> Discography:
        """An artist, and their albums in the provider's order, each once."""
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
