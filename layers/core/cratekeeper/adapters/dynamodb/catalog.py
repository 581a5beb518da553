"""The catalog table: metadata rows (`catalog_rows`), and media rows in the order of S3 keys.

M#audio/a    audio/{track}   where a track's bytes are; partitions by the first character of the
M#images/0   images/{image}  id, so that a shard of the bucket's listing meets one in its order
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import code_of, outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute, plain
from cratekeeper.adapters.dynamodb.batches import put_all
from cratekeeper.adapters.dynamodb.catalog_rows import album_at, album_row, artist_row, stored_album_in, track_row
from cratekeeper.adapters.dynamodb.forms import MEDIA
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.adapters.dynamodb.reader import Reader
from cratekeeper.domain.catalog import Availability, MediaRow
from cratekeeper.domain.models import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.catalog import Metadata, StoredAlbum, Track

_REFUSED: Final = "ConditionalCheckFailedException"
_NOT_THERE: Final = "attribute_not_exists(pk) OR attribute_exists(av)"
"""No row, or one that says that the bytes are not there: an available row has no `av`."""

_AS_READ: Final = "attribute_not_exists(av) AND k = :k AND s = :s AND h = :h"
"""An available row of exactly that object."""


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
        rows = [album_row(metadata), *map(artist_row, metadata.artists), *map(track_row, metadata.tracks)]
        once = {(row["pk"]["S"], row["sk"]["S"]): row for row in rows}
        put_all(self._client, self._table, list(once.values()), patience=self._patience)

    def album(self, album_id: str) -> StoredAlbum | None:
        """One GetItem."""
        item = self._reader.get(album_at(album_id))
        return stored_album_in(item) if item else None

    def known_albums(self, album_ids: Iterable[str]) -> dict[str, StoredAlbum]:
        """One GetItem for one album, else one BatchGetItem for each 100."""
        keys = [album_at(each) for each in dict.fromkeys(album_ids)]
        albums = map(stored_album_in, self._reader.all(keys) if keys else [])
        return {album.id: album for album in albums}

    def ingest_track(self, track: Track) -> None:
        """One PutItem."""
        self._put(track_row(track))

    def media(self, refs: Iterable[tuple[Kind, str]]) -> dict[str, MediaRow]:
        """One GetItem for one row, else one BatchGetItem for each 100."""
        keys = {_media_key(kind, content_id): _media_at(kind, content_id) for kind, content_id in refs}
        rows = map(_media_in, self._reader.all([*keys.values()]) if keys else [])
        return {row.content_id: row for row in rows}

    def record(self, row: MediaRow) -> None:
        """One PutItem."""
        is_available = row.availability is Availability.AVAILABLE
        state = {} if is_available else {"av": attribute(row.availability)}
        stored = _stored(row)
        self._put({**_media_at(row.kind, row.content_id), "ki": attribute(row.kind), **stored, **state})

    def give_up(self, kind: Kind, content_id: str) -> None:
        """One UpdateItem, refused by an available row."""
        self._set(kind, content_id, Availability.UNAVAILABLE, only_if=_NOT_THERE, given={})

    def lose(self, row: MediaRow) -> None:
        """One UpdateItem, refused by any other row."""
        if row.stored is None:
            return
        given = {f":{name}": value for name, value in _stored(row).items() if name in {"k", "s", "h"}}
        self._set(row.kind, row.content_id, Availability.MISSING, only_if=_AS_READ, given=given)

    def _set(self, kind: Kind, content_id: str, to: Availability, *, only_if: str, given: Item) -> None:
        try:
            with outages():
                self._client.update_item(
                    TableName=self._table,
                    Key=_media_at(kind, content_id),
                    UpdateExpression="SET av = :av, ki = :ki",
                    ConditionExpression=only_if,
                    ExpressionAttributeValues={":av": attribute(to), ":ki": attribute(kind), **given},
                )
        except ClientError as error:
            if code_of(error) != _REFUSED:
                raise

    def _put(self, item: Item) -> None:
        with outages():
            self._client.put_item(TableName=self._table, Item=item)


def _media_key(kind: Kind, content_id: str) -> str:
    folder = "audio" if kind is Kind.TRACK else "images"
    return f"{folder}/{content_id}"


def _media_at(kind: Kind, content_id: str) -> Item:
    key = _media_key(kind, content_id)
    return primary(f"M#{key[: key.index('/') + 2]}", key)


def _media_in(item: Item) -> MediaRow:
    found: dict[str, Any] = plain(item)
    return MediaRow(
        content_id=found["sk"].partition("/")[2],
        kind=Kind(found["ki"]),
        media=MEDIA.load(found) if "k" in found else None,
        availability=Availability(found.get("av", Availability.AVAILABLE)),
    )


def _stored(row: MediaRow) -> Item:
    return {name: attribute(value) for name, value in MEDIA.store(row.media).items()} if row.media else {}
