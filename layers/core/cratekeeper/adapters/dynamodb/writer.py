"""Carrying out conditional requests: one by itself, several in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import code_of, outages
from cratekeeper.adapters.dynamodb.requests import current_of, request_of
from cratekeeper.domain.errors import Unavailable, WriteRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.attributes import Item
    from cratekeeper.adapters.dynamodb.expressions import Request
    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.writes import Write

MAX_WRITES: Final = 100
"""Actions in one transaction."""

_REFUSED: Final = "ConditionalCheckFailed"
_CONFLICTS: Final = frozenset({
    "TransactionConflict",
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "None",
})
"""Reasons of a cancelled transaction that a short wait cures."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes of one table.

    Args:
        client: DynamoDB.
        table: its name.
        patience: for conflicts with other transactions.

    """

    client: DynamoDBClient
    table: str
    patience: Patience

    def one(self, write: Write) -> Item | None:
        """Carry out one write; the item after it if it was an update. Raises WriteRefused."""
        request = request_of(write)
        for _ in self.patience.tries():
            try:
                with outages():
                    return self._call(request)
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    item: Any = error.response.get("Item")
                    raise WriteRefused(write, current_of(write, item)) from error
                if code_of(error) != "TransactionConflictException":
                    raise
        raise Unavailable(f"{self.table}: a write met other transactions again and again")

    def _call(self, request: Request) -> Item | None:
        parameters = {
            "TableName": self.table,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **request.parameters,
        }
        if request.action == "Put":
            self.client.put_item(**parameters)
            return None
        if request.action == "Delete":
            self.client.delete_item(**parameters)
            return None
        # An update without an expression is a check that answers.
        answer: Any = self.client.update_item(**parameters, ReturnValues="ALL_NEW")
        item: Item = answer["Attributes"]
        return item

    def all(self, writes: Sequence[Write]) -> None:
        """Carry out all writes or none. Raises WriteRefused for the first one that was refused."""
        actions: Any = [self._action(request_of(write)) for write in writes]
        for _ in self.patience.tries():
            try:
                with outages():
                    self.client.transact_write_items(TransactItems=actions)
            except ClientError as error:
                _raise_unless_conflict(error, writes)
            else:
                return
        raise Unavailable(f"{self.table}: a transaction met others again and again")

    def _action(self, request: Request) -> dict[str, Any]:
        target = {"TableName": self.table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        return {request.action: {**target, **request.parameters}}


def _raise_unless_conflict(error: ClientError, writes: Sequence[Write]) -> None:
    """A cancelled transaction gives its reasons by position: a refusal, a passing conflict, or a bug."""
    if code_of(error) != "TransactionCanceledException":
        raise error
    reasons: Any = error.response.get("CancellationReasons", [])
    for write, reason in zip(writes, reasons, strict=True):
        if reason["Code"] == _REFUSED:
            raise WriteRefused(write, current_of(write, reason.get("Item"))) from error
    if not {reason["Code"] for reason in reasons} <= _CONFLICTS:
        raise error
