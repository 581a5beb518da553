"""The catalog's metadata for people who browse it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cratekeeper.adapters.dynamodb.attributes import attribute
from cratekeeper.adapters.dynamodb.catalog_rows import (
    ALBUMS,
    ARTISTS,
    album_at,
    artist_at,
    artist_in,
    entry_in,
    track_at,
    track_in,
)
from cratekeeper.adapters.dynamodb.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.attributes import Item
    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.catalog import Artist, Entry, Track


class DynamoLibrary:
    """The port `Library` on DynamoDB.

    Args:
        client: DynamoDB.
        table: name of the catalog table.
        patience: for half-done batches.

    """

    def __init__(self, client: DynamoDBClient, table: str, *, patience: Patience) -> None:
        self._reader = Reader(client, table, patience)

    def artists(self, *, after: str | None, limit: int) -> list[Artist]:
        """One Query."""
        return [artist_in(item) for item in self._listed(ARTISTS, after, limit)]

    def albums(self, *, after: str | None, limit: int) -> list[Entry]:
        """One Query."""
        return [entry_in(item) for item in self._listed(ALBUMS, after, limit)]

    def artist(self, artist_id: str) -> Artist | None:
        """One GetItem."""
        item = self._reader.get(artist_at(artist_id))
        return artist_in(item) if item else None

    def album(self, album_id: str) -> Entry | None:
        """One GetItem."""
        item = self._reader.get(album_at(album_id))
        return entry_in(item) if item else None

    def tracks(self, track_ids: Iterable[str]) -> dict[str, Track]:
        """One GetItem for one track, else one BatchGetItem for each 100."""
        keys = [track_at(each) for each in dict.fromkeys(track_ids)]
        return {track.id: track for track in map(track_in, self._reader.all(keys) if keys else [])}

    def _listed(self, partition: str, after: str | None, limit: int) -> Iterator[Item]:
        wanted = {":pk": attribute(partition), ":after": attribute(after or " ")}
        condition = "pk = :pk AND sk > :after"
        return self._reader.query(
            {"KeyConditionExpression": condition, "ExpressionAttributeValues": wanted}, limit=limit
        )
