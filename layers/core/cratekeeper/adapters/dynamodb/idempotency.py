"""Idempotency-Keys in the queue table: `I#{user}#{hash of the key}`, in no index, gone with their `ttl`.

An answer is kept packed: one to a batch of 100 is then a quarter as dear, and one to a long discography
stays far below the 400 KB of an item.
"""

from __future__ import annotations

import json
import zlib
from contextlib import contextmanager, suppress
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import code_of, outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute, milliseconds, moment_of
from cratekeeper.adapters.dynamodb.expressions import ABSENT, Expression
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.domain.idempotency import KeptAnswer, KeyRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.domain.idempotency import KeyName

_FINGERPRINT: Final = "f"
_ROOT: Final = "r"
_HOLDER: Final = "h"
_UNTIL: Final = "un"
_ANSWER: Final = "a"
_TTL: Final = "ttl"
_HASH_CHARACTERS: Final = 40


class _Refused(Exception):
    """A condition did not hold; the item as it is, if it was asked for."""

    def __init__(self, item: Item) -> None:
        super().__init__()
        self.item = item


class DynamoIdempotency:
    """The port `IdempotencyRecords` on DynamoDB.

    Args:
        client: DynamoDB.
        table: name of the queue table.

    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def take(self, name: KeyName, bid: KeyRecord, *, now: datetime) -> KeyRecord:
        """One UpdateItem; a second write only where a forgotten key is still stored."""
        try:
            return self._taken(name, bid, now)
        except _Refused as refused:
            found = _record_in(refused.item)
        return self._replaced(name, bid, found) if found.is_forgotten(now) else found

    def keep(self, name: KeyName, *, holder: str, answer: KeptAnswer) -> bool:
        """One UpdateItem."""
        built = _held_by(holder)
        built.put(_ANSWER, {"B": _packed(answer)})
        try:
            self._update(name, built)
        except _Refused:
            return False
        return True

    def release(self, name: KeyName, *, holder: str, now: datetime) -> None:
        """One UpdateItem."""
        built = _held_by(holder)
        built.only_if_equal(_ANSWER, None)
        built.put(_UNTIL, attribute(milliseconds(now)))
        with suppress(_Refused):
            self._update(name, built)

    def forget(self, name: KeyName, *, holder: str) -> None:
        """One DeleteItem."""
        built = _held_by(holder)
        built.only_if_equal(_ANSWER, None)
        with suppress(_Refused), _refusals():
            self._client.delete_item(TableName=self._table, Key=_key_at(name), **built.parameters())

    def _taken(self, name: KeyName, bid: KeyRecord, now: datetime) -> KeyRecord:
        """Take an unknown key, or one whose last run died: its root and its end stay."""
        built = Expression()
        values = {each: built.value(stored) for each, stored in _stored(bid).items()}
        names = {each: built.name(each) for each in (*values, _ANSWER)}
        now_s, now_ms = built.value(attribute(int(now.timestamp()))), built.value(attribute(milliseconds(now)))
        is_open = (
            f"attribute_not_exists({names[_ANSWER]}) AND {names[_UNTIL]} <= {now_ms}"
            f" AND {names[_FINGERPRINT]} = {values[_FINGERPRINT]} AND {names[_TTL]} > {now_s}"
        )
        built.only_if(f"{ABSENT} OR ({is_open})")
        for each, value in values.items():
            stays = each in {_ROOT, _TTL}
            new = f"if_not_exists({names[each]}, {value})" if stays else value
            built.clause("SET", f"{names[each]} = {new}")
        return _record_in(self._update(name, built))

    def _replaced(self, name: KeyName, bid: KeyRecord, forgotten: KeyRecord) -> KeyRecord:
        """Put the bid in the place of a key that the service has not removed yet."""
        built = Expression()
        seen = built.value(attribute(_seconds(forgotten.expires_at)))
        built.only_if(f"{ABSENT} OR {built.name(_TTL)} = {seen}")
        try:
            with _refusals():
                self._client.put_item(
                    TableName=self._table,
                    Item={**_key_at(name), **_stored(bid)},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **built.parameters(),
                )
        except _Refused as refused:
            return _record_in(refused.item)
        return bid

    def _update(self, name: KeyName, built: Expression) -> Item:
        with _refusals():
            answer: Any = self._client.update_item(
                TableName=self._table,
                Key=_key_at(name),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **built.parameters(),
            )
        item: Item = answer["Attributes"]
        return item


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        with outages():
            yield
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        item: Any = error.response.get("Item", {})
        raise _Refused(item) from error


def _held_by(holder: str) -> Expression:
    built = Expression()
    built.only_if_equal(_HOLDER, attribute(holder))
    return built


def _key_at(name: KeyName) -> Item:
    """A key may hold anything that a header can; its hash is short and plain."""
    digest = sha256(name.key.encode("utf-8", "surrogatepass")).hexdigest()
    return primary(f"I#{name.user_id}#{digest[:_HASH_CHARACTERS]}", "I")


def _seconds(moment: datetime) -> int:
    return ceil(moment.timestamp())


def _stored(record: KeyRecord) -> Item:
    return {
        _FINGERPRINT: attribute(record.fingerprint),
        _ROOT: attribute(record.root),
        _HOLDER: attribute(record.holder),
        _UNTIL: attribute(milliseconds(record.until)),
        _TTL: attribute(_seconds(record.expires_at)),
    }


def _record_in(item: Item) -> KeyRecord:
    return KeyRecord(
        fingerprint=item[_FINGERPRINT]["S"],
        root=item[_ROOT]["S"],
        holder=item[_HOLDER]["S"],
        until=moment_of(int(item[_UNTIL]["N"])),
        expires_at=moment_of(int(item[_TTL]["N"]) * 1000),
        answer=_unpacked(item[_ANSWER]["B"]) if _ANSWER in item else None,
    )


def _packed(answer: KeptAnswer) -> bytes:
    return zlib.compress(json.dumps(answer, ensure_ascii=False).encode())


def _unpacked(packed: bytes) -> KeptAnswer:
    return KeptAnswer(*json.loads(zlib.decompress(packed)))
