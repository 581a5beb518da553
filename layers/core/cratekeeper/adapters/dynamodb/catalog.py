"""The catalog table: metadata rows, and media rows in the order of S3 keys.

    A#{album}    M               an album: its names, and its tracks in order
    R#{artist}   M               an artist
    T#{track}    M               a track
    M#audio/ab   audio/{track}   where a track's bytes are; partitions by the first two characters of
    M#images/0f  images/{image}  the id, so that a shard of the bucket's listing meets one in its order

Texts and numbers come from the provider and may be huge or odd: they are cut to what a row can hold.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute, plain
from cratekeeper.adapters.dynamodb.batches import put_all
from cratekeeper.adapters.dynamodb.forms import MEDIA
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.adapters.dynamodb.reader import Reader
from cratekeeper.domain.catalog import Availability, MediaRow, StoredAlbum
from cratekeeper.domain.models import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.catalog import Album, Artist, Image, Metadata, Track

TEXT_BYTES: Final = 1024
"""A text of the provider is cut here."""

LISTED: Final = 100
"""Genres, pictures and artists of one row that are kept."""

LARGEST: Final = 10**15
"""A number of the provider is brought within this; the service takes 38 digits."""


class DynamoCatalog:
    """The port `CatalogStore` on DynamoDB; all reads are strong, since bytes are judged by them.

    Args:
        client: DynamoDB.
        table: name of the catalog table.
        patience: for half-done batches.

    """

    def __init__(self, client: DynamoDBClient, table: str, *, patience: Patience) -> None:
        self._client = client
        self._table = table
        self._patience = patience
        self._reader = Reader(client, table, patience)

    def ingest(self, metadata: Metadata) -> None:
        """One BatchWriteItem for 25 rows; the pictures stand in the rows of their album and artists."""
        rows = [
            _album(metadata),
            *map(_artist, metadata.artists),
            *map(_track, metadata.tracks),
        ]
        once = {row["pk"]["S"]: row for row in rows}
        put_all(self._client, self._table, list(once.values()), patience=self._patience)

    def album(self, album_id: str) -> StoredAlbum | None:
        """One GetItem."""
        item = self._reader.get(_album_at(album_id))
        if item is None:
            return None
        found = plain(item)
        return StoredAlbum(
            id=album_id,
            name=found.get("n", ""),
            artist_name=found.get("an"),
            track_ids=tuple(found.get("tr", ())),
        )

    def ingest_track(self, track: Track) -> None:
        """One PutItem."""
        self._put(_track(track))

    def media(self, refs: Iterable[tuple[Kind, str]]) -> dict[str, MediaRow]:
        """One GetItem for one row, else one BatchGetItem for each 100."""
        keys = [_media_at(kind, content_id) for kind, content_id in dict.fromkeys(refs)]
        rows = map(_media_in, self._reader.all(keys) if keys else [])
        return {row.content_id: row for row in rows}

    def record(self, row: MediaRow) -> None:
        """One PutItem."""
        is_available = row.availability is Availability.AVAILABLE
        state = {} if is_available else {"av": attribute(row.availability)}
        stored = {name: attribute(value) for name, value in MEDIA.store(row.media).items()}
        self._put({**_media_at(row.kind, row.content_id), "ki": attribute(row.kind), **stored, **state})

    def _put(self, item: Item) -> None:
        with outages():
            self._client.put_item(TableName=self._table, Item=item)


def _album_at(album_id: str) -> Item:
    return primary(f"A#{album_id}", "M")


def _media_at(kind: Kind, content_id: str) -> Item:
    folder = "audio" if kind is Kind.TRACK else "images"
    return primary(f"M#{folder}/{content_id[:2]}", f"{folder}/{content_id}")


def _media_in(item: Item) -> MediaRow:
    found: dict[str, Any] = plain(item)
    return MediaRow(
        content_id=found["sk"].partition("/")[2],
        kind=Kind(found["ki"]),
        media=MEDIA.load(found),
        availability=Availability(found.get("av", Availability.AVAILABLE)),
    )


def _row(key: Item, **values: object) -> Item:
    """A row without what is empty."""
    return key | {name: attribute(value) for name, value in values.items() if value}


def _text(text: str) -> str:
    """What UTF-8 can say of a text, cut; half a surrogate pair becomes a question mark."""
    return text[:TEXT_BYTES].encode("utf-8", "replace")[:TEXT_BYTES].decode("utf-8", "ignore")


def _texts(texts: Iterable[str]) -> list[str]:
    return [_text(text) for text in islice(texts, LISTED)]


def _number(number: int) -> int:
    return max(-LARGEST, min(number, LARGEST))


def _images(images: Iterable[Image]) -> list[dict[str, object]]:
    return [{"i": image.id, "w": _number(image.width), "h": _number(image.height)} for image in islice(images, LISTED)]


def _album(metadata: Metadata) -> Item:
    album: Album = metadata.album
    names = {artist.id: artist.name for artist in metadata.artists}
    artist_name = next((names[each] for each in album.artist_ids if each in names), "")
    return _row(
        _album_at(album.id),
        n=_text(album.name),
        an=_text(artist_name),
        t=_text(album.album_type),
        ar=_texts(album.artist_ids),
        l=_text(album.label),
        re=None if album.released is None else str(_number(album.released)),
        g=_texts(album.genres),
        cv=_images(album.covers),
        tr=album.track_ids,
    )


def _artist(artist: Artist) -> Item:
    return _row(
        primary(f"R#{artist.id}", "M"),
        n=_text(artist.name),
        g=_texts(artist.genres),
        po=_images(artist.portraits),
    )


def _track(track: Track) -> Item:
    return _row(
        primary(f"T#{track.id}", "M"),
        n=_text(track.name),
        al=track.album_id,
        ar=_texts(track.artist_ids),
        no=_number(track.number),
        di=_number(track.disc),
        ms=_number(track.duration_ms),
        x=track.is_explicit,
    )
