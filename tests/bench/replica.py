"""The tables in memory, read as DynamoDB is read and priced by the rules: for as many items as one likes.

It stands below the real adapters, so pages, limits and indexes are theirs. The emulator looks through
a whole index for each Query; here it is sorted. Writes are taken as they come, without their
conditions: they only fill the tables. A test compares its bill with the emulator's, call by call.
"""

import json
import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tests.bench.rules import Index, Item, batch_units, query_units, read_units, size_of
from tests.bench.tables import Schema

PAGE_BYTES: Final = 2**20
_LAST: Final = "\U0010ffff"
_RANGE: Final = re.compile(r"(\S+) (?:(<=|>=|<|>|=) (\S+)|BETWEEN (\S+) AND (\S+))")
_FILTER: Final = re.compile(r"(\S+) IN \((.+)\)")


class Read(NamedTuple):
    """A call: its operation, the read units it costs, and how many items were looked at."""

    operation: str
    rru: float
    examined: int


class Place(NamedTuple):
    """Where an entry stands in an index, or an item in its partition."""

    range: Any
    pk: str
    sk: str


@dataclass(slots=True)
class _Table:
    """Items as text, by their keys; the places of each partition of each index, and of the table, in order."""

    keys: tuple[str, ...]
    indexes: Mapping[str, Index]
    items: dict[tuple[str, str], str] = field(default_factory=dict)
    places: dict[str, dict[str, list[Place]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    @classmethod
    def of(cls, schema: Schema) -> "_Table":
        """An empty table; under "" it has itself as an index that holds everything."""
        whole = Index(name="", keys=schema.keys, table_keys=schema.keys, also=None)
        return cls(schema.keys, {index.name: index for index in (whole, *schema.indexes)})

    def put(self, item: Item) -> None:
        """Add an item. KeyError if it is there already: nothing here takes an entry out of an index."""
        key = self.key(item)
        if key in self.items:
            raise KeyError(key)
        self.items[key] = json.dumps(item)
        for name, index in self.indexes.items():
            if set(index.keys) <= item.keys():
                insort(self.places[name][_value(item[index.keys[0]])], self.place(index, item))

    def place(self, index: Index, item: Item) -> Place:
        """Where the item stands in the index."""
        return Place(_value(item[index.keys[1]]) if len(index.keys) > 1 else "", *self.key(item))

    def key(self, item: Item) -> tuple[str, str]:
        """The item's keys; "" for a range that the table has not."""
        pk, *sk = (str(_value(item[name])) for name in self.keys)
        return pk, sk[0] if sk else ""

    def get(self, key: Item) -> Item | None:
        """The item under the key."""
        found = self.items.get(self.key(key))
        return None if found is None else json.loads(found)


class Replica:
    """What the adapters call of boto3's client.

    Args:
        schemas: keys and indexes by the table's name.

    """

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self.reads: list[Read] = []
        self._tables = {name: _Table.of(schema) for name, schema in schemas.items()}

    def put_item(self, *, TableName: str, Item: Item, **_: object) -> dict[str, Any]:  # noqa: N803 - the SDK's names
        """Fill a table."""
        self._tables[TableName].put(Item)
        return {}

    def batch_write_item(self, *, RequestItems: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:  # noqa: N803
        """Fill tables."""
        for table, requests in RequestItems.items():
            for each in requests:
                self._tables[table].put(each["PutRequest"]["Item"])
        return {}

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> dict[str, Any]:  # noqa: N803
        """One item."""
        item = self._tables[TableName].get(Key)
        self.reads.append(Read("GetItem", read_units(size_of(item), is_strong=ConsistentRead), 1))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, *, RequestItems: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Items of any tables."""
        units, found, examined = 0.0, {}, 0
        for table, wanted in RequestItems.items():
            items = [self._tables[table].get(key) for key in wanted["Keys"]]
            units += batch_units(items, is_strong=wanted.get("ConsistentRead", False))
            found[table] = [item for item in items if item is not None]
            examined += len(items)
        self.reads.append(Read("BatchGetItem", units, examined))
        return {"Responses": found, "UnprocessedKeys": {}}

    def query(self, **parameters: Any) -> dict[str, Any]:
        """A page of one partition. KeyError for an expression that no adapter has used so far."""
        table = self._tables[parameters["TableName"]]
        index = table.indexes[parameters.get("IndexName", "")]
        page, last = _page(self._entries(table, index, parameters), parameters.get("Limit"))
        units = query_units(page, is_strong=parameters.get("ConsistentRead", False))
        self.reads.append(Read("Query", units, len(page)))
        shown = [entry for entry in page if _passes(entry, parameters)]
        answer: dict[str, Any] = {"Count": len(shown), "ScannedCount": len(page)}
        if parameters.get("Select") != "COUNT":
            answer["Items"] = shown
        if last is not None:
            answer["LastEvaluatedKey"] = {name: last[name] for name in {*index.keys, *index.table_keys}}
        return answer

    def _entries(self, table: _Table, index: Index, parameters: Mapping[str, Any]) -> Iterator[Item]:
        """What the key condition meets, in order, from where the last page ended."""
        first, *rest = _named(parameters, parameters["KeyConditionExpression"]).split(" AND ", 1)
        values = {name: _value(value) for name, value in parameters["ExpressionAttributeValues"].items()}
        places = table.places[index.name][values[first.rpartition(" ")[2]]]
        start, end = _bounds(places, rest[0] if rest else "", values)
        is_backward = not parameters.get("ScanIndexForward", True)
        if after := parameters.get("ExclusiveStartKey"):
            place = table.place(index, after)
            start, end = (start, bisect_left(places, place)) if is_backward else (bisect_right(places, place), end)
        numbers = range(end - 1, start - 1, -1) if is_backward else range(start, end)
        for number in numbers:
            entry = index.entry(json.loads(table.items[places[number][1:]]))
            assert entry is not None
            yield entry


def _bounds(places: list[Place], condition: str, values: Mapping[str, Any]) -> tuple[int, int]:
    """Begin and end of the places whose range fulfils the condition."""
    if not condition:
        return 0, len(places)
    found = _RANGE.fullmatch(condition)
    if found is None:
        raise KeyError(condition)
    _, order, value, low, high = found.groups()
    if order is None:
        return _before(places, values[low]), _behind(places, values[high])
    before, behind = _before(places, values[value]), _behind(places, values[value])
    return {"<": (0, before), "<=": (0, behind), ">": (behind, len(places)), ">=": (before, len(places))}.get(
        order, (before, behind)
    )


def _before(places: list[Place], value: Any) -> int:
    return bisect_left(places, Place(value, "", ""))


def _behind(places: list[Place], value: Any) -> int:
    return bisect_right(places, Place(value, _LAST, _LAST))


def _page(entries: Iterable[Item], limit: int | None) -> tuple[list[Item], Item | None]:
    """As many as fit into 1 MB and the limit, and the last one if the page ended before the entries."""
    page: list[Item] = []
    size_bytes = 0
    for entry in entries:
        size_bytes += size_of(entry)
        if page and size_bytes > PAGE_BYTES:
            return page, page[-1]
        page.append(entry)
        if len(page) == limit:
            return page, entry
    return page, None


def _passes(entry: Item, parameters: Mapping[str, Any]) -> bool:
    """Whether the filter lets the entry through."""
    expression = parameters.get("FilterExpression")
    if not expression:
        return True
    found = _FILTER.fullmatch(_named(parameters, expression))
    if found is None:
        raise KeyError(expression)
    first, *deeper = found[1].split(".")
    value = entry[first]
    for name in deeper:
        value = value["M"][name]
    return value in [parameters["ExpressionAttributeValues"][name] for name in found[2].split(", ")]


def _named(parameters: Mapping[str, Any], expression: str) -> str:
    """The expression with the names that stand for its placeholders."""
    names = parameters.get("ExpressionAttributeNames", {})
    return re.sub(r"#\w+", lambda found: str(names[found[0]]), expression)


def _value(stored: Mapping[str, Any]) -> Any:
    ((kind, value),) = stored.items()
    return int(value) if kind == "N" else value
