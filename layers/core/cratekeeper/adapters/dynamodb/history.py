"""The history table: one row an event, `D#{subject}` / `{seq}`; by day and by owner in its indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute, milliseconds, plain
from cratekeeper.adapters.dynamodb.batches import READS, put_all, read_all
from cratekeeper.adapters.dynamodb.forms import EVENT
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.adapters.dynamodb.reader import Reader
from cratekeeper.domain.events import SYSTEM, HistoryEntry
from cratekeeper.domain.limits import day_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.patience import Patience

DAY_S: Final = 86_400
_PREFIX: Final = "D#"
_LAST: Final = "999999"


class DynamoHistory:
    """The port `HistoryStore` on DynamoDB. Reads may lag; the projector does so anyway.

    Args:
        client: DynamoDB.
        table: name of the history table.
        patience: for half-done batches.
        retention_days: rows go that many days after their event, None = never.

    """

    def __init__(self, client: DynamoDBClient, table: str, *, patience: Patience, retention_days: int | None) -> None:
        self._client = client
        self._table = table
        self._patience = patience
        self._retention_days = retention_days
        self._reader = Reader(client, table, patience)

    def put(self, entries: Sequence[HistoryEntry]) -> None:
        """One PutItem for one entry, else one BatchWriteItem for each 25."""
        items = [self._encode(entry) for entry in {entry.id: entry for entry in entries}.values()]
        if len(items) == 1:
            with outages():
                self._client.put_item(TableName=self._table, Item=items[0])
        else:
            put_all(self._client, self._table, items, patience=self._patience)

    def absent(self, entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
        """One BatchGetItem, strong: only the projector may make it, and it may not get single items."""
        if len(entries) > READS:
            raise ValueError(f"{len(entries)} entries in one read")
        keys = {entry.id: _key_of(entry) for entry in entries}
        found = read_all(self._client, self._table, list(keys.values()), patience=self._patience)
        known = {_decode(item).id for item in found}
        return [entry for entry in entries if entry.id not in known]

    def of_download(self, download_id: str, *, after: int, limit: int) -> list[HistoryEntry]:
        """One Query."""
        parameters: dict[str, Any] = {
            "KeyConditionExpression": "pk = :subject AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":subject": attribute(_PREFIX + download_id),
                ":first": attribute(f"{after + 1:06d}"),
                ":last": attribute(_LAST),
            },
        }
        return [_decode(item) for item in self._reader.query(parameters, limit=limit)]

    def _encode(self, entry: HistoryEntry) -> Item:
        event = entry.event
        owner = {
            "k": entry.kind,
            "c": entry.content_id,
            "s": entry.source,
            "o": entry.requested_by,
            # Whoever acted, so that the index by user holds what people did and not every step of a worker.
            "u": None if event.actor == SYSTEM else event.actor,
        }
        return {
            **_key_of(entry),
            "day": attribute(day_of(event.at)),
            "at": attribute(event.at.isoformat(timespec="milliseconds")),
            "v": attribute(EVENT.store(event)),
            **{name: attribute(value) for name, value in owner.items() if value is not None},
            **self._end_of(entry),
        }

    def _end_of(self, entry: HistoryEntry) -> Item:
        if self._retention_days is None:
            return {}
        return {"ttl": attribute(milliseconds(entry.event.at) // 1000 + self._retention_days * DAY_S)}


def _key_of(entry: HistoryEntry) -> Item:
    return primary(_PREFIX + entry.download_id, f"{entry.seq:06d}")


def _decode(item: Item) -> HistoryEntry:
    found = plain(item)
    return HistoryEntry(
        download_id=found["pk"].removeprefix(_PREFIX),
        seq=int(found["sk"]),
        event=EVENT.load(found["v"]),
        kind=found.get("k"),
        content_id=found.get("c"),
        source=found.get("s"),
        requested_by=found.get("o"),
    )
