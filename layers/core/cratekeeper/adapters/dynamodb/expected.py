"""The catalog's media rows as what a bucket should hold (`ExpectedMedia`): the floor of reads, one Query a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import attribute
from cratekeeper.domain.models import Kind
from cratekeeper.domain.reconcile import ExpectedObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

_KINDS: Final = {kind.value: kind for kind in Kind}
_LAST: Final = "~"
"""Sorts behind every key."""


class DynamoExpectedMedia:
    """The port `ExpectedMedia` on DynamoDB.

    Args:
        client: of a lean session (`adapters.lean`): a row costs a tenth of the CPU.
        table: name of the catalog table.

    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def expected(self, shard: str, *, start: str = "") -> Iterator[ExpectedObject]:
        """Eventually consistent, at half the price: what seems wrong is read again, strongly."""
        parameters: Any = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :shard AND sk BETWEEN :start AND :last",
            "ExpressionAttributeValues": {
                ":shard": attribute(f"M#{shard}"),
                ":start": attribute(start or shard),
                ":last": attribute(shard + _LAST),
            },
            "ProjectionExpression": "sk, k, s, ki",
        }
        while True:
            with outages():
                page: Any = self._client.query(**parameters)
            for item in page["Items"]:
                yield _expected(item)
            if "LastEvaluatedKey" not in page:
                return
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _expected(item: Any) -> ExpectedObject:
    """A row without a key has never been stored: its stem stands for it."""
    stem = item["sk"]["S"]
    if "k" not in item:
        return ExpectedObject(stem, None, _KINDS[item["ki"]["S"]], stem.partition("/")[2])
    size_bytes = int(item["s"]["N"])
    return ExpectedObject(item["k"]["S"], size_bytes, _KINDS[item["ki"]["S"]], stem.partition("/")[2])
