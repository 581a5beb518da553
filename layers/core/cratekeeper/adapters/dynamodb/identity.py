"""The identity table: `U#{user}` with role, limits and key ids, `K#{hash}` with a key's owner.

Users alone are in the index `users`. The hash of a key, by which the user's row names it, is made with a secret that
is not in the table: it opens nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import code_of, outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute, milliseconds, moment_of, plain
from cratekeeper.adapters.dynamodb.expressions import ABSENT, EXISTS, Expression
from cratekeeper.adapters.dynamodb.forms import EVENT
from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.errors import AlreadyExists, NotFound, TooManyKeys, Unavailable
from cratekeeper.domain.users import MOST_KEYS, Key, User

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.domain.events import Event

ROLE: Final = "role"
MAX_PER_DAY: Final = "max_per_day"
MAX_QUEUE: Final = "max_queue"
REVOKED: Final = "revoked"
"""When a key was revoked, epoch milliseconds; a key with it opens nothing."""

_USER: Final = "U#"
_INDEX: Final = "users"
_LISTED: Final = {"up": attribute("USERS")}
_AT: Final = "at"
_KEYS: Final = "ks"
_SEQ: Final = "seq"
_EVENT: Final = "v"
_PASSING: Final = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError", "None"})


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
        key = plain(self._get(_key_at(key_hash)))
        if not key or REVOKED in key:
            return None
        user = self.user(key["u"])
        return user.caller if user else None

    def user(self, user_id: str) -> User | None:
        """One strong GetItem."""
        return user_in(self._get(_user_at(user_id)))

    def users(self, *, after: str | None, limit: int) -> list[User]:
        """One Query of the index, unless users are so large that they fill 1 MB."""
        found: list[User] = []
        for user in self._listed(after, limit):
            found.append(user)
            if len(found) == limit:
                break
        return found

    def everybody(self) -> Iterator[User]:
        """As many Queries of the index as it has pages."""
        return self._listed(None, None)

    def create(self, user: User) -> None:
        """One conditional PutItem. Repeated by the SDK after a lost answer, it is refused, as for anybody else."""
        limits = {MAX_PER_DAY: user.max_per_day, MAX_QUEUE: user.max_queue}
        item = {
            **_user_at(user.user_id),
            **_LISTED,
            ROLE: attribute(user.role),
            _AT: attribute(milliseconds(user.created_at)),
            _KEYS: attribute({}),
            **{name: attribute(value) for name, value in limits.items() if value is not None},
        }
        try:
            with outages():
                self._client.put_item(TableName=self._table, Item=item, ConditionExpression=ABSENT)
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise AlreadyExists(f"there is a user {user.user_id}") from error

    def amend(self, user_id: str, values: Mapping[str, Role | int | None]) -> User:
        """One conditional UpdateItem, safe to repeat."""
        built = Expression()
        built.only_if(EXISTS)
        for name, value in values.items():
            built.put(name, None if value is None else attribute(value))
        key = _user_at(user_id)
        try:
            with outages():
                answer: Any = self._client.update_item(
                    TableName=self._table, Key=key, ReturnValues="ALL_NEW", **built.parameters()
                )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise NotFound("no such user") from error
        return _user_of(answer["Attributes"])

    def put_user(self, user_id: str, role: Role, *, now: datetime) -> None:
        """One UpdateItem that changes nothing but the role of a user that there is."""
        built = Expression()
        built.put(ROLE, attribute(role))
        for name, stored in {_AT: attribute(milliseconds(now)), _KEYS: attribute({}), **_LISTED}.items():
            place = built.name(name)
            built.clause("SET", f"{place} = if_not_exists({place}, {built.value(stored)})")
        with outages():
            self._client.update_item(TableName=self._table, Key=_user_at(user_id), **built.parameters())

    def put_key(self, user_id: str, *, key_id: str, key_hash: str, event: Event) -> None:
        """One transaction: the key, and the user with its id and the event."""
        at = attribute(milliseconds(event.at))
        item = {**_key_at(key_hash), "u": attribute(user_id), "kid": attribute(key_id), "at": at}
        built = _told(event)
        built.only_if(EXISTS)
        keys = built.name(_KEYS)
        built.only_if(f"size({keys}) < {built.value(attribute(MOST_KEYS))}")
        shown = attribute({"h": key_hash, "at": milliseconds(event.at)})
        built.clause("SET", f"{keys}.{built.name(key_id)} = {built.value(shown)}")
        if not self._both(_user_at(user_id), built, {"Put": {"TableName": self._table, "Item": item}}):
            if self.user(user_id) is None:
                raise NotFound("no such user")
            raise TooManyKeys(f"{user_id} has {MOST_KEYS} keys, which is as many as there may be")

    def revoke(self, user_id: str, *, key_id: str, event: Event) -> None:
        """A strong GetItem for the key's hash, and one transaction: the key, and the user without it."""
        found = plain(self._get(_user_at(user_id)))
        key = found.get(_KEYS, {}).get(key_id)
        built = _told(event)
        place = f"{built.name(_KEYS)}.{built.name(key_id)}"
        built.only_if(f"attribute_exists({place})")
        built.clause("REMOVE", place)
        ended = Expression()
        ended.put(REVOKED, attribute(milliseconds(event.at)))
        where = {"TableName": self._table, "Key": _key_at(key["h"] if key else "")}
        if not key or not self._both(_user_at(user_id), built, {"Update": {**where, **ended.parameters()}}):
            raise NotFound("the user has no such key")

    def _both(self, user: Item, built: Expression, other: dict[str, Any]) -> bool:
        """Whether both writes were made, as one; the SDK's own repetition counts once."""
        first = {"Update": {"TableName": self._table, "Key": user, **built.parameters()}}
        actions: Any = [first, other]
        try:
            with outages():
                self._client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            reasons: Any = error.response.get("CancellationReasons", [])
            codes = {reason["Code"] for reason in reasons}
            if code_of(error) != "TransactionCanceledException":
                raise
            if "ConditionalCheckFailed" in codes:
                return False
            if codes <= _PASSING:
                raise Unavailable("the user is being changed by somebody else") from error
            raise
        return True

    def _listed(self, after: str | None, limit: int | None) -> Iterator[User]:
        parameters: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": "up = :all AND pk > :after",
            "ExpressionAttributeValues": {":all": _LISTED["up"], ":after": attribute(_USER + (after or ""))},
            **({"Limit": limit} if limit else {}),
        }
        while True:
            with outages():
                answer: Any = self._client.query(**parameters)
            yield from map(_user_of, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _get(self, key: Item) -> Item:
        with outages():
            answer: Any = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item: Item = answer.get("Item", {})
        return item


def user_in(item: Item | None) -> User | None:
    """The user that an item of the table holds, None for a key."""
    return _user_of(item) if item and item["pk"]["S"].startswith(_USER) else None


def _user_of(item: Item) -> User:
    found = plain(item)
    keys = [Key(key_id=key_id, created_at=moment_of(each["at"])) for key_id, each in found.get(_KEYS, {}).items()]
    return User(
        user_id=found["pk"].removeprefix(_USER),
        role=Role(found[ROLE]),
        created_at=moment_of(found[_AT]),
        max_per_day=found.get(MAX_PER_DAY),
        max_queue=found.get(MAX_QUEUE),
        keys=tuple(sorted(keys, key=lambda key: (key.created_at, key.key_id))),
        seq=found.get(_SEQ, 0),
        event=EVENT.load(found[_EVENT]) if _EVENT in found else None,
    )


def _told(event: Event) -> Expression:
    """An update of the user with the event and its number."""
    built = Expression()
    built.put(_EVENT, attribute(EVENT.store(event)))
    built.add(_SEQ, attribute(1))
    return built


def _key_at(key_hash: str) -> Item:
    return {"pk": attribute(f"K#{key_hash}")}


def _user_at(user_id: str) -> Item:
    return {"pk": attribute(f"{_USER}{user_id}")}
