"""Searches of the history table: in one download's partition, by who acted, or day by day.

Days in which something happened have a row each (`DAYS` / day), so that a search goes from one to the next
however far apart they are, and back to the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute
from cratekeeper.adapters.dynamodb.batches import READS, read_all
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.domain.audit import AuditPage, AuditSearch
from cratekeeper.domain.events import SYSTEM, HistoryEntry
from cratekeeper.domain.limits import day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from cratekeeper.adapters.dynamodb.reader import Reader

DAYS: Final = "DAYS"
MOST_ROWS: Final = 50_000
"""Rows looked at for one page: a few seconds of reading."""

MOST_CHUNKS: Final = 400
"""Queries made for one page: a year of days with an event each."""

_PREFIX: Final = "D#"
_FIRST: Final = "0000"


class Place(NamedTuple):
    """Where an entry stands in every order."""

    at: str
    seq: str
    subject: str

    @classmethod
    def of(cls, key: Item) -> Place:
        """The place of an item, or of its keys."""
        return cls(key["at"]["S"] if "at" in key else "", key["sk"]["S"], key["pk"]["S"].removeprefix(_PREFIX))

    @classmethod
    def read(cls, text: str) -> Place:
        """The way back from `text`."""
        return cls(*text.split("|", 2))

    @property
    def text(self) -> str:
        """As it goes into a cursor."""
        return "|".join(self)

    @property
    def day(self) -> str:
        """The partition of the index by time."""
        return self.at[:10]

    @property
    def key(self) -> Item:
        """The keys of its item, for the indexes."""
        return {**primary(_PREFIX + self.subject, self.seq), "at": attribute(self.at)}


class _Chunk(NamedTuple):
    """Some items in order, how many were looked at for them, and where the next chunk begins (None = no more)."""

    items: list[Item]
    scanned: int
    last: Place | None


@dataclass(frozen=True, slots=True)
class AuditReads:
    """Searches.

    Args:
        reader: of the history table.
        decode: from an item to its entry.
        written: a time as the table has it.

    """

    reader: Reader
    decode: Callable[[Item], HistoryEntry]
    written: Callable[[datetime], str]

    def page(self, search: AuditSearch, *, after: str | None, limit: int) -> AuditPage:
        """As the port says; the number of calls depends on the days and pages in between."""
        found: list[tuple[HistoryEntry, Place]] = []
        rows = 0
        for number, chunk in enumerate(self._chunks(search, Place.read(after) if after else None, limit), 1):
            pairs = ((self.decode(item), Place.of(item)) for item in chunk.items)
            found += [(entry, place) for entry, place in pairs if search.match(entry)]
            rows += chunk.scanned
            if len(found) > limit:
                return AuditPage([entry for entry, _ in found[:limit]], found[limit - 1][1].text)
            if chunk.last and (rows >= MOST_ROWS or number >= MOST_CHUNKS):
                return AuditPage([entry for entry, _ in found], chunk.last.text)
        return AuditPage([entry for entry, _ in found], None)

    def _chunks(self, search: AuditSearch, place: Place | None, limit: int) -> Iterator[_Chunk]:
        if search.download_id is not None:
            return self._of_download(search, place)
        if search.user_id not in {None, SYSTEM}:
            return self._of_user(search, place, limit)
        return self._by_day(search, place, limit)

    def _of_download(self, search: AuditSearch, place: Place | None) -> Iterator[_Chunk]:
        """The partition is small: all of it is looked at."""
        parameters: dict[str, Any] = {
            "KeyConditionExpression": "pk = :subject",
            "ExpressionAttributeValues": {":subject": attribute(f"{_PREFIX}{search.download_id}")},
            "ScanIndexForward": search.is_oldest_first,
        }
        if place:
            parameters["ExclusiveStartKey"] = primary(_PREFIX + place.subject, place.seq)
        return self._queried(parameters)

    def _of_user(self, search: AuditSearch, place: Place | None, limit: int) -> Iterator[_Chunk]:
        """The index names them, the table has them; without a filter no more is read than is shown, and one."""
        rows = MOST_ROWS if _filter(search) else limit + 1
        steps = ceil(rows / READS)
        parameters = self._between(search, place, "u", str(search.user_id)) | {"IndexName": "by_user"}
        parameters["Limit"] = ceil(rows / steps)
        for chunk in self._queried(parameters):
            keys = [Place.of(item) for item in chunk.items]
            stored = read_all(
                self.reader.client,
                self.reader.table,
                [primary(_PREFIX + key.subject, key.seq) for key in keys],
                patience=self.reader.patience,
            )
            by_place = {Place.of(item): item for item in stored}
            yield _Chunk([by_place[key] for key in keys if key in by_place], chunk.scanned, chunk.last)

    def _by_day(self, search: AuditSearch, place: Place | None, limit: int) -> Iterator[_Chunk]:
        """Each day by itself; without a filter no more is read than is shown."""
        filters = _filter(search)
        for day in self._days(search, place):
            parameters = self._between(search, place if place and place.day == day else None, "day", day)
            parameters["IndexName"] = "by_time"
            if filters:
                parameters["FilterExpression"] = " AND ".join(filters.conditions)
                parameters["ExpressionAttributeNames"] |= filters.names
                parameters["ExpressionAttributeValues"] |= filters.values
            else:
                parameters["Limit"] = limit + 1
            # Behind the day, so that a search goes on there also if nothing of the day was wanted.
            yield from self._queried(parameters, end=Place(f"{day}T~" if search.is_oldest_first else day, "0", ""))

    def _days(self, search: AuditSearch, place: Place | None) -> Iterator[str]:
        first, last = day_of(search.since) if search.since else _FIRST, day_of(search.until)
        if place:
            first, last = (place.day, last) if search.is_oldest_first else (first, place.day)
        if first > last:
            return
        parameters = {
            "KeyConditionExpression": "pk = :days AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":days": attribute(DAYS),
                ":first": attribute(first),
                ":last": attribute(last),
            },
            "ScanIndexForward": search.is_oldest_first,
        }
        for item in self.reader.query(parameters):
            yield item["sk"]["S"]

    def _between(self, search: AuditSearch, place: Place | None, name: str, value: str) -> dict[str, Any]:
        """A Query of an index; its range holds the place to go on from, as the service demands."""
        since, until = self.written(search.since) if search.since else _FIRST, self.written(search.until)
        if place:
            since, until = min(since, place.at), max(until, place.at)
        parameters: dict[str, Any] = {
            "KeyConditionExpression": "#by = :by AND #at BETWEEN :since AND :until",
            "ExpressionAttributeNames": {"#by": name, "#at": "at"},
            "ExpressionAttributeValues": {
                ":by": attribute(value),
                ":since": attribute(since),
                ":until": attribute(until),
            },
            "ScanIndexForward": search.is_oldest_first,
        }
        if place:
            parameters["ExclusiveStartKey"] = {**place.key, name: attribute(value)}
        return parameters

    def _queried(self, parameters: dict[str, Any], *, end: Place | None = None) -> Iterator[_Chunk]:
        """Page by page; `end` is where a search goes on afterwards (None = it does not)."""
        if parameters.get("KeyConditionExpression", "").endswith(":until"):
            values = parameters["ExpressionAttributeValues"]
            if values[":since"]["S"] > values[":until"]["S"]:
                return  # the service refuses such a range
        while True:
            with outages():
                answer: Any = self.reader.client.query(TableName=self.reader.table, **parameters)
            after = answer.get("LastEvaluatedKey")
            yield _Chunk(answer["Items"], answer["ScannedCount"], Place.of(after) if after else end)
            if not after:
                return
            parameters["ExclusiveStartKey"] = after


class _Filter(NamedTuple):
    conditions: list[str]
    names: dict[str, str]
    values: Item


def _filter(search: AuditSearch) -> _Filter | None:
    """The filter of the service: it saves nothing but the way of what is not wanted."""
    conditions, names, values = [], {}, {}
    for name, value in {"k": search.kind, "c": search.content_id}.items():
        if value is not None:
            conditions.append(f"#{name} = :{name}")
            names[f"#{name}"], values[f":{name}"] = name, attribute(value)
    if search.types:
        places = {f":t{number}": attribute(kind.value) for number, kind in enumerate(sorted(search.types))}
        conditions.append(f"#event.#type IN ({', '.join(places)})")
        names |= {"#event": "v", "#type": "t"}
        values |= places
    if search.user_id == SYSTEM:
        conditions.append("attribute_not_exists(#u)")
        names["#u"] = "u"
    return _Filter(conditions, names, values) if conditions else None
