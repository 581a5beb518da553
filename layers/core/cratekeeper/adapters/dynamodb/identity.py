"""The identity table: `U#{user}` with role and limits of their own, `K#{hash}` with a key's owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute, milliseconds, plain
from cratekeeper.adapters.dynamodb.expressions import Expression
from cratekeeper.domain.access import Caller, Role

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

ROLE: Final = "role"
MAX_PER_DAY: Final = "max_per_day"
MAX_QUEUE: Final = "max_queue"
REVOKED: Final = "revoked"
"""When a key was revoked, epoch milliseconds; a key with it opens nothing."""


class DynamoIdentities:
    """The port `Identities` on DynamoDB.

    Args:
        client: DynamoDB.
        table: name of the identity table.

    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def caller_of(self, key_hash: str) -> Caller | None:
        """Two GetItems, both strong: a revoked key opens nothing from then on."""
        key = self._get(_key_at(key_hash))
        if not key or REVOKED in key:
            return None
        user = self._get(_user_at(key["u"]))
        if not user:
            return None
        return Caller(
            user_id=key["u"],
            role=Role(user[ROLE]),
            max_per_day=user.get(MAX_PER_DAY),
            max_queue=user.get(MAX_QUEUE),
        )

    def put_user(self, user_id: str, role: Role) -> None:
        """One UpdateItem that touches nothing but the role."""
        built = Expression()
        built.put(ROLE, attribute(role))
        with outages():
            self._client.update_item(TableName=self._table, Key=_user_at(user_id), **built.parameters())

    def put_key(self, user_id: str, *, key_id: str, key_hash: str, now: datetime) -> None:
        """One PutItem."""
        item = {
            **_key_at(key_hash),
            "u": attribute(user_id),
            "kid": attribute(key_id),
            "at": attribute(milliseconds(now)),
        }
        with outages():
            self._client.put_item(TableName=self._table, Item=item)

    def _get(self, key: Item) -> dict[str, Any]:
        with outages():
            answer: Any = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return plain(answer.get("Item", {}))


def _key_at(key_hash: str) -> Item:
    return {"pk": attribute(f"K#{key_hash}")}


def _user_at(user_id: str) -> Item:
    return {"pk": attribute(f"U#{user_id}")}
