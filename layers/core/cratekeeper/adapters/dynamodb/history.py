"""The history table: one row an event, `D#{subject}` / `{seq}`; by day and by owner in its indexes. And activity."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute, milliseconds, plain
from cratekeeper.adapters.dynamodb.audit import DAYS, AuditReads
from cratekeeper.adapters.dynamodb.batches import READS, put_all, read_all
from cratekeeper.adapters.dynamodb.forms import EVENT
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.adapters.dynamodb.reader import Reader
from cratekeeper.domain.activity import ENDED, Activity
from cratekeeper.domain.events import SYSTEM, HistoryEntry
from cratekeeper.domain.limits import day_of
from cratekeeper.ports import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.audit import AuditPage, AuditSearch

DAY_S: Final = 86_400
_PREFIX: Final = "D#"
_LAST: Final = "999999"
_TIME_INDEX: Final = "by_time"
_ACTIVITY: Final = "ACTIVITY"
_MARK: Final = "sealed"
_NUMBERS: Final = {
    "al": "albums",
    "tr": "tracks",
    "im": "images",
    "by": "size_bytes",
    "fa": "failed",
    "rc": "roots_completed",
    "rf": "roots_failed",
    "du": "duration_ms",
    "n": "events",
}
"""Attribute and field of a sealed slot."""


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
        self._audit = AuditReads(self._reader, _decode, _written)
        self._days: set[str] = set()

    def put(self, entries: Sequence[HistoryEntry]) -> None:
        """One PutItem for one entry, else one BatchWriteItem for each 25; one more for a day that is new here."""
        self._name_days(entries)
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

    def audit(self, search: AuditSearch, *, after: str | None, limit: int) -> AuditPage:
        """Query after query, until the page is full or all has been looked at."""
        return self._audit.page(search, after=after, limit=limit)

    def ended(self, *, since: datetime, until: datetime) -> Iterator[HistoryEntry]:
        """One Query of `by_time` for each day that is touched, 1 MB (some 3,000 events) a page."""
        last = until - timedelta(milliseconds=1)
        days = (since.date() + timedelta(days=number) for number in range((last.date() - since.date()).days + 1))
        for day in days:
            for item in self._reader.query(_ended_on(day.isoformat(), since, last)):
                yield _decode(item)

    def activity(self, *, since: datetime) -> Sealed:
        """One Query; the mark sorts behind all slots. A week of them, 1,008 at most, is one page."""
        parameters: dict[str, Any] = {
            "KeyConditionExpression": "pk = :activity AND sk >= :since",
            "ExpressionAttributeValues": {":activity": attribute(_ACTIVITY), ":since": attribute(_written(since))},
        }
        found = {item["sk"]["S"]: plain(item) for item in self._reader.query(parameters)}
        mark = found.pop(_MARK, None)
        until = datetime.fromisoformat(mark["m"]) if mark else None
        return Sealed(until, [_slot_in(at, values) for at, values in found.items()])

    def seal(self, rows: Sequence[Activity], *, until: datetime | None = None) -> None:
        """One conditional PutItem a slot, and one for the mark."""
        for row in rows:
            numbers = {name: attribute(getattr(row, field)) for name, field in _NUMBERS.items()}
            self._put_if({**primary(_ACTIVITY, _written(row.at)), **numbers, **self._end_of(row.at)}, "n", "<=")
        if until is not None:
            self._put_if({**primary(_ACTIVITY, _MARK), "m": attribute(_written(until))}, "m", "<")

    def _name_days(self, entries: Sequence[HistoryEntry]) -> None:
        """First the day, so that there is no entry that a search does not come by."""
        for day, at in {day_of(entry.event.at): entry.event.at for entry in entries}.items():
            if day not in self._days:
                with outages():
                    self._client.put_item(
                        TableName=self._table,
                        Item={**primary(DAYS, day), **self._end_of(at + timedelta(days=1))},
                    )
                self._days.add(day)

    def _put_if(self, item: Item, name: str, order: str) -> None:
        """Put the item if there is none, or if the stored one is so ordered to it."""
        try:
            with outages():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=f"attribute_not_exists(pk) OR #by {order} :by",
                    ExpressionAttributeNames={"#by": name},
                    ExpressionAttributeValues={":by": item[name]},
                )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

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
            "at": attribute(_written(event.at)),
            "v": attribute(EVENT.store(event)),
            **{name: attribute(value) for name, value in owner.items() if value is not None},
            **self._end_of(event.at),
        }

    def _end_of(self, at: datetime) -> Item:
        if self._retention_days is None:
            return {}
        return {"ttl": attribute(milliseconds(at) // 1000 + self._retention_days * DAY_S)}


def _written(at: datetime) -> str:
    """A time of one length, so that times sort as texts."""
    return at.isoformat(timespec="milliseconds")


def _ended_on(day: str, since: datetime, last: datetime) -> dict[str, Any]:
    names = {f":{number}": kind.value for number, kind in enumerate(ENDED)}
    values = {":day": day, ":since": _written(since), ":last": _written(last), **names}
    return {
        "IndexName": _TIME_INDEX,
        "KeyConditionExpression": "#day = :day AND #at BETWEEN :since AND :last",
        "FilterExpression": f"#event.#type IN ({', '.join(names)})",
        "ExpressionAttributeNames": {"#day": "day", "#at": "at", "#event": "v", "#type": "t"},
        "ExpressionAttributeValues": {name: attribute(value) for name, value in values.items()},
    }


def _slot_in(at: str, values: dict[str, Any]) -> Activity:
    numbers = {field: values[name] for name, field in _NUMBERS.items()}
    return Activity(at=datetime.fromisoformat(at), **numbers)


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
