"""What jobs read and clean up beside the paths of the product: usage, locks, old history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute
from cratekeeper.adapters.dynamodb.batches import delete_all
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.adapters.dynamodb.reader import Reader
from cratekeeper.adapters.dynamodb.requests import holder_in, usage_in
from cratekeeper.domain.models import Kind
from cratekeeper.ports.upkeep import HeldLock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.models import Usage

_USAGE: Final = "U#"
_LOCK: Final = "L#"


class DynamoUsageRecords:
    """The port `UsageRecords` on DynamoDB.

    They are in no index, which every request would pay for: a Scan of the queue table, of which the
    service returns only these. It costs by the size of the table, twice a day.

    Args:
        client: DynamoDB.
        table: name of the queue table.

    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def claims(self) -> Iterator[Usage | HeldLock]:
        """One Scan, 1 MB a page."""
        parameters: Any = {
            "TableName": self._table,
            "FilterExpression": "begins_with(pk, :usage) OR begins_with(pk, :lock)",
            "ExpressionAttributeValues": {":usage": attribute(_USAGE), ":lock": attribute(_LOCK)},
        }
        while True:
            with outages():
                page: Any = self._client.scan(**parameters)
            yield from map(_claim_in, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _claim_in(item: Item) -> Usage | HeldLock:
    where = item["pk"]["S"]
    if where.startswith(_USAGE):
        return usage_in(item, where.removeprefix(_USAGE))
    _, kind, content_id = where.split("#", 2)
    return HeldLock(Kind(kind), content_id, holder_in(item))


class DynamoOldHistory:
    """The port `OldHistory` on DynamoDB.

    Args:
        client: DynamoDB.
        table: name of the history table.
        patience: for half-done batches.

    """

    def __init__(self, client: DynamoDBClient, table: str, *, patience: Patience) -> None:
        self._client = client
        self._table = table
        self._patience = patience
        self._reader = Reader(client, table, patience)

    def older_than(self, moment: datetime, *, on_day: str) -> Iterator[Mapping[str, str]]:
        """One Query of `by_time`."""
        parameters: dict[str, Any] = {
            "IndexName": "by_time",
            "KeyConditionExpression": "#day = :day AND #at < :moment",
            "ProjectionExpression": "pk, sk",
            "ExpressionAttributeNames": {"#day": "day", "#at": "at"},
            "ExpressionAttributeValues": {
                ":day": attribute(on_day),
                ":moment": attribute(moment.isoformat(timespec="milliseconds")),
            },
        }
        for item in self._reader.query(parameters):
            yield {"pk": item["pk"]["S"], "sk": item["sk"]["S"]}

    def remove(self, keys: Sequence[Mapping[str, str]]) -> None:
        """One BatchWriteItem for each 25."""
        found = [primary(key["pk"], key["sk"]) for key in keys]
        delete_all(self._client, self._table, found, patience=self._patience)
