"""Batches of reads and puts, repeated until nothing is left unprocessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.attributes import Item
    from cratekeeper.adapters.dynamodb.patience import Patience

READS: Final = 100
PUTS: Final = 25
"""What one call takes, by the service's limits."""


def slices(things: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The things in slices of at most `size`."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def read_all(client: DynamoDBClient, table: str, keys: Sequence[Item], *, patience: Patience) -> list[Item]:
    """The items that exist under the keys (each once), in no order; strong."""
    return [item for some in slices(keys, READS) for item in _read(client, table, some, patience)]


def _read(client: DynamoDBClient, table: str, keys: Sequence[Item], patience: Patience) -> list[Item]:
    found: list[Item] = []
    wanted: Any = {table: {"Keys": keys, "ConsistentRead": True}}
    for _ in patience.tries():
        with outages():
            answer: Any = client.batch_get_item(RequestItems=wanted)
        found += answer["Responses"].get(table, [])
        wanted = answer.get("UnprocessedKeys")
        if not wanted:
            return found
    raise Unavailable(f"{table}: reads were left undone")


def put_all(client: DynamoDBClient, table: str, items: Sequence[Item], *, patience: Patience) -> None:
    """Put the items (each key once); repeating it changes nothing."""
    for some in slices(items, PUTS):
        _put(client, table, some, patience)


def delete_all(client: DynamoDBClient, table: str, keys: Sequence[Item], *, patience: Patience) -> None:
    """Delete what is under the keys (each once); repeating it changes nothing."""
    for some in slices(keys, PUTS):
        _write(client, table, [{"DeleteRequest": {"Key": key}} for key in some], patience)


def _put(client: DynamoDBClient, table: str, items: Sequence[Item], patience: Patience) -> None:
    _write(client, table, [{"PutRequest": {"Item": item}} for item in items], patience)


def _write(client: DynamoDBClient, table: str, requests: Sequence[object], patience: Patience) -> None:
    wanted: Any = {table: requests}
    for _ in patience.tries():
        with outages():
            answer: Any = client.batch_write_item(RequestItems=wanted)
        wanted = answer.get("UnprocessedItems")
        if not wanted:
            return
    raise Unavailable(f"{table}: writes were left undone")
