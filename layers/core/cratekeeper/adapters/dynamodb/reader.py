"""Strong reads by key, and queries page by page, of one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.batches import read_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.attributes import Item
    from cratekeeper.adapters.dynamodb.patience import Patience


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads of one table.

    Args:
        client: DynamoDB.
        table: its name.
        patience: for batches that were done in part.

    """

    client: DynamoDBClient
    table: str
    patience: Patience

    def get(self, key: Item) -> Item | None:
        """The item under the key; strong."""
        with outages():
            answer: Any = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def all(self, keys: Sequence[Item]) -> list[Item]:
        """The items that exist under the keys (each once), in no order; strong."""
        if len(keys) == 1:
            found = self.get(keys[0])
            return [found] if found else []
        return read_all(self.client, self.table, keys, patience=self.patience)

    def query(self, parameters: Mapping[str, Any], *, limit: int | None = None) -> Iterator[Item]:
        """The items of a Query, at most `limit`."""
        for page in self._queried(parameters, limit):
            yield from page["Items"]

    def count(self, parameters: Mapping[str, Any], *, limit: int | None = None) -> int:
        """How many items a Query meets, at most `limit`."""
        return sum(page["Count"] for page in self._queried({"Select": "COUNT", **parameters}, limit))

    def scan(self) -> Iterator[Item]:
        """Every item of the table; strong."""
        for page in _pages(self.client.scan, {"TableName": self.table, "ConsistentRead": True}, limit=None):
            yield from page["Items"]

    def _queried(self, parameters: Mapping[str, Any], limit: int | None) -> Iterator[Any]:
        return _pages(self.client.query, {"TableName": self.table, **parameters}, limit=limit)


def _pages(call: Callable[..., Any], parameters: dict[str, Any], *, limit: int | None) -> Iterator[Any]:
    """Page after page, until the limit is reached or nothing is left."""
    left = limit
    while left is None or left > 0:
        if left is not None:
            parameters["Limit"] = left
        with outages():
            page = call(**parameters)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        left = None if left is None else left - page["Count"]
