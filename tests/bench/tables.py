"""The meter's own model of the tables: what each call touches, before and after, and what that costs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mypy_boto3_dynamodb import DynamoDBClient

from tests.bench.rules import (
    Index,
    Item,
    Units,
    batch_units,
    index_units,
    query_units,
    read_units,
    repeat_units,
    size_of,
    transaction_units,
    write_units,
)

Params = Mapping[str, Any]
Images = list[Item | None]
"""The items of a call's targets, in their order."""


@dataclass(frozen=True, slots=True)
class Target:
    """An item that a call reads or writes; `put` is the whole item where the call names it."""

    table: str
    key: Item
    put: Item | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """Key attributes and indexes of a table."""

    keys: tuple[str, ...]
    indexes: tuple[Index, ...]


class Tables:
    """Looks at the tables with a client of its own, which nobody meters.

    Args:
        client: DynamoDB.

    """

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client
        self._schemas: dict[str, Schema] = {}

    def targets(self, operation: str, params: Params) -> list[Target]:
        """The items that a call names; a Query names none."""
        found = _TARGETS.get(operation, _none)(params)
        return [self._keyed(target) for target in found]

    def images(self, targets: Sequence[Target]) -> Images:
        """The items as they stand."""
        return [self._look(target) for target in targets]

    def price(self, operation: str, params: Params, seen: "Seen") -> Units:
        """What a call costs. KeyError for one that the model does not know: nothing is free by accident."""
        match operation:
            case "GetItem":
                return Units(rru=read_units(size_of(seen.before[0]), is_strong=_is_strong(params)))
            case "BatchGetItem":
                return Units(rru=self._batch_get(params, seen))
            case "Query" | "Scan":
                return Units(rru=self._query(operation, params, seen))
            case "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem":
                return Units(wru=self._written(write_units, seen))
            case "TransactWriteItems" if seen.is_repeat:
                return Units(rru=sum(map(repeat_units, seen.before)))
            case "TransactWriteItems":
                return Units(wru=self._written(transaction_units, seen))
            case _:
                raise KeyError(operation)

    def _written(self, base: Callable[[Item | None, Item | None], int], seen: "Seen") -> int:
        """Base table and indexes; a refused write is billed by the larger of what is there and what was to come."""
        if seen.is_refused:
            return sum(base(old, each.put) for each, old in zip(seen.targets, seen.before, strict=True))
        found = 0
        for target, old, new in zip(seen.targets, seen.before, seen.after, strict=True):
            found += base(old, new)
            found += sum(index_units(index, old, new) for index in self._schema(target.table).indexes)
        return found

    def _batch_get(self, params: Params, seen: "Seen") -> float:
        strong = {table: _is_strong(wanted) for table, wanted in params["RequestItems"].items()}
        return sum(
            batch_units([item], is_strong=strong[target.table])
            for target, item in zip(seen.targets, seen.before, strict=True)
        )

    def _query(self, operation: str, params: Params, seen: "Seen") -> float:
        if "ProjectionExpression" in params:
            raise KeyError("ProjectionExpression")
        items = seen.answer.get("Items", [])
        if params.get("Select") == "COUNT" or "FilterExpression" in params:
            look: Any = self._client.query if operation == "Query" else self._client.scan
            items = look(**_without_filter(params))["Items"]
        return query_units(items, is_strong=_is_strong(params))

    def _keyed(self, target: Target) -> Target:
        """A put names the whole item: its key is among it."""
        if target.put is None:
            return target
        return Target(target.table, {name: target.put[name] for name in self._schema(target.table).keys}, target.put)

    def _look(self, target: Target) -> Item | None:
        key: Any = target.key
        answer: Any = self._client.get_item(TableName=target.table, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def _schema(self, table: str) -> Schema:
        if table not in self._schemas:
            self._schemas[table] = schema_of(self._client.describe_table(TableName=table)["Table"])
        return self._schemas[table]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the meter saw of a call: its targets, their items around it, and its answer."""

    targets: Sequence[Target]
    before: Images
    after: Images
    answer: Params
    is_refused: bool = False
    is_repeat: bool = False


def schema_of(description: Mapping[str, Any]) -> Schema:
    """Keys and indexes from the table's description."""
    keys = _names(description)
    indexes = tuple(
        Index(name=each["IndexName"], keys=_names(each), table_keys=keys, also=_projected(each["Projection"]))
        for each in description.get("GlobalSecondaryIndexes", [])
    )
    return Schema(keys, indexes)


def _names(description: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(part["AttributeName"] for part in description["KeySchema"])


def _projected(projection: Mapping[str, Any]) -> frozenset[str] | None:
    if projection["ProjectionType"] == "ALL":
        return None
    return frozenset(projection.get("NonKeyAttributes", ()))


def _without_filter(params: Params) -> dict[str, Any]:
    """The same Query, answered with all that it looks at; the service refuses names that nothing uses."""
    found = {name: value for name, value in params.items() if name not in {"Select", "FilterExpression"}}
    used = set(re.findall(r"[#:]\w+", found.get("KeyConditionExpression", "")))
    for part in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        kept = {name: value for name, value in found.pop(part, {}).items() if name in used}
        found |= {part: kept} if kept else {}
    return found


def _is_strong(params: Params) -> bool:
    return bool(params.get("ConsistentRead", False))


def _none(_: Params) -> list[Target]:
    return []


def _by_key(params: Params) -> list[Target]:
    return [Target(params["TableName"], params["Key"])]


def _by_item(params: Params) -> list[Target]:
    return [Target(params["TableName"], {}, params["Item"])]


def _batch_read(params: Params) -> list[Target]:
    return [Target(table, key) for table, wanted in params["RequestItems"].items() for key in wanted["Keys"]]


def _batch_written(params: Params) -> list[Target]:
    requests = [(table, each) for table, wanted in params["RequestItems"].items() for each in wanted]
    return [
        Target(table, {}, each["PutRequest"]["Item"])
        if "PutRequest" in each
        else Target(table, each["DeleteRequest"]["Key"])
        for table, each in requests
    ]


def _transacted(params: Params) -> list[Target]:
    actions = [action for each in params["TransactItems"] for action in each.values()]
    return [Target(action["TableName"], action.get("Key", {}), action.get("Item")) for action in actions]


_TARGETS: Final[Mapping[str, Callable[[Params], list[Target]]]] = {
    "GetItem": _by_key,
    "UpdateItem": _by_key,
    "DeleteItem": _by_key,
    "PutItem": _by_item,
    "BatchGetItem": _batch_read,
    "BatchWriteItem": _batch_written,
    "TransactWriteItems": _transacted,
}
