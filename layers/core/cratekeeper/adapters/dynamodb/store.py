"""The queue table: downloads with their sets, locks, usage, capacity windows and expansion plans."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import attribute, milliseconds
from cratekeeper.adapters.dynamodb.batches import READS
from cratekeeper.adapters.dynamodb.codec import decode, decode_plan, encode_plan
from cratekeeper.adapters.dynamodb.control import control_in
from cratekeeper.adapters.dynamodb.keys import (
    CONTROL,
    DUE_INDEX,
    FAMILY,
    FIRST_OF_FAMILY,
    LAST_OF_FAMILY,
    LAST_ROOT,
    PARKED,
    STATUS_INDEX,
    USER_INDEX,
    WAITING,
    WAITING_INDEX,
    lock_at,
    partition,
    status_partition,
    usage_at,
    waiting_in,
    waiting_prefix,
    where,
    window_at,
)
from cratekeeper.adapters.dynamodb.reader import Reader
from cratekeeper.adapters.dynamodb.requests import holder_in, usage_in, used_in
from cratekeeper.adapters.dynamodb.writer import MAX_WRITES, Writer
from cratekeeper.domain.ids import MAX_CHILDREN, SHARDS, Key, chunk_key, chunk_of, key_of, plan_key, split
from cratekeeper.domain.lanes import Rank
from cratekeeper.domain.models import Chunk, Download, Family
from cratekeeper.ports import Briefing, Page, WaitingEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.attributes import Item
    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.lanes import Lane
    from cratekeeper.domain.models import Kind, PlanChunk, Usage
    from cratekeeper.domain.states import State
    from cratekeeper.domain.writes import Change, Stored, Write


class DynamoDownloadStore:
    """The port `DownloadStore` on DynamoDB.

    Args:
        client: DynamoDB.
        table: name of the queue table.
        patience: for conflicts of transactions and half-done batches.
        default_limit: the deployment's `max_concurrent`, None = unlimited.

    """

    def __init__(self, client: DynamoDBClient, table: str, *, patience: Patience, default_limit: int | None) -> None:
        self._client = client
        self._table = table
        self._default_limit = default_limit
        self._reader = Reader(client, table, patience)
        self._writer = Writer(client, table, patience)

    def get(self, *keys: Key) -> dict[Key, Stored]:
        """The records that exist: one GetItem, or one BatchGetItem for up to 100."""
        if not 1 <= len(keys) <= READS:
            raise ValueError(f"{len(keys)} keys in one read")
        found = map(decode, self._reader.all([where(key) for key in dict.fromkeys(keys)]))
        return {record.key: record for record in found if record}

    def briefing(self, download_id: str) -> Briefing:
        """One BatchGetItem of two to four items."""
        root, ordinal = split(download_id)
        chunk = chunk_of(ordinal) if ordinal else 0
        keys = dict.fromkeys([key_of(download_id), key_of(root), chunk_key(root, chunk)])  # each once
        items = self._reader.all([CONTROL, *map(where, keys)])
        control = next((item for item in items if item["pk"] == CONTROL["pk"]), None)
        found = {record.key: record for record in map(decode, items) if record}
        return Briefing(
            item=_download(found.get(key_of(download_id))),
            parent=_download(found.get(key_of(root))) if ordinal else None,
            holder_chunk=_chunk(found.get(chunk_key(root, chunk))),
            control=control_in(control, default_limit=self._default_limit),
        )

    def write(self, change: Change) -> Stored:
        """One UpdateItem; the answer carries the record after it, or the one that refused it."""
        item = self._writer.one(change)
        record = decode(item) if item else None
        if record is None:
            raise TypeError(f"no download and no set chunk lives at {change.key}")
        return record

    def commit(self, *writes: Write) -> None:
        """One transaction; a single write goes by itself, at half the price."""
        if not 1 <= len(writes) <= MAX_WRITES:
            raise ValueError(f"{len(writes)} writes in one transaction")
        if len(writes) == 1:
            self._writer.one(writes[0])
        else:
            self._writer.all(writes)

    def family(self, root: str) -> Family | None:
        """One Query, as long as the partition is below 1 MB; the plan is passed over."""
        found = list(map(decode, self._reader.query(_family_of(root, first=FIRST_OF_FAMILY, last=LAST_OF_FAMILY))))
        downloads = [each for each in found if isinstance(each, Download)]
        roots = [each for each in downloads if each.is_root]
        if not roots:
            return None
        return Family(
            root=roots[0],
            chunks=tuple(each for each in found if isinstance(each, Chunk)),
            children=tuple(each for each in downloads if not each.is_root),
        )

    def children(self, root: str, *, after: int, limit: int) -> list[Download]:
        """One Query of the root's partition; strong."""
        ordinals = _family_of(root, first=f"C#{after + 1:05d}", last=f"C#{MAX_CHILDREN:05d}")
        found = map(decode, self._reader.query(ordinals, limit=limit))
        return [each for each in found if isinstance(each, Download)]

    def save_plan(self, chunks: Sequence[PlanChunk]) -> None:
        """One PutItem a chunk."""
        for chunk in chunks:
            with outages():
                self._client.put_item(TableName=self._table, Item=encode_plan(chunk))

    def plan_chunk(self, root: str, *, epoch: int, chunk: int) -> PlanChunk | None:
        """One GetItem."""
        item = self._reader.get(where(plan_key(root, epoch, chunk)))
        return decode_plan(item, root=root, epoch=epoch, number=chunk) if item else None

    def due(self, shard: int, *, before: datetime, limit: int) -> list[str]:
        """One Query of the sparse index."""
        parameters = {
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "dp = :shard AND dt <= :before",
            "ExpressionAttributeValues": {
                ":shard": attribute(str(shard)),
                ":before": attribute(milliseconds(before)),
            },
        }
        return [_root_in(entry) for entry in self._reader.query(parameters, limit=limit)]

    def waiting(self, *, limit: int) -> list[WaitingEntry]:
        """One Query of the sparse index: all that is not parked sorts before what is."""
        found = self._reader.query(_waiting("wk < :parked", {":parked": PARKED}), limit=limit)
        return [WaitingEntry(_root_in(entry), *waiting_in(entry["wk"]["S"])) for entry in found]

    def waiting_roots(self, *, limit: int) -> list[str]:
        """Two queries of keys, 60 to half a read unit: what waits, and, in a range of its own, what is parked.

        Albums whose children wait stand between the roots; if they are many, further pages follow.
        """
        ready, parked = (
            islice(self._roots_waiting(condition, page=limit), limit) for condition in ("wk < :parked", "wk >= :parked")
        )
        return [root for _, root in sorted([*ready, *parked])][:limit]

    def _roots_waiting(self, condition: str, *, page: int) -> Iterator[tuple[Lane, str]]:
        """Lane and id of the roots in a part of the index, read page by page as long as somebody asks."""
        for entry in self._reader.query({**_waiting(condition, {":parked": PARKED}), "Limit": page}):
            lane, rank = waiting_in(entry["wk"]["S"])
            if rank is not Rank.CHILDREN:
                yield lane, _root_in(entry)

    def waiting_count(self, lane: Lane) -> int:
        """Two counting queries."""
        found = 0
        for rank in (Rank.ROOT, Rank.PARKED):
            prefix = waiting_prefix(lane, rank)
            lane_in_rank = _waiting("wk BETWEEN :first AND :last", {":first": prefix, ":last": prefix + LAST_ROOT})
            found += self._reader.count(lane_in_rank)
        return found

    def count(self, state: State) -> int:
        """One counting query a shard."""
        return sum(self._reader.count(_in_state(state, shard)) for shard in range(SHARDS))

    def roots_of(self, user_id: str, *, after: str | None, limit: int) -> Page:
        """One Query, newest first; one entry more than asked tells whether a page follows."""
        parameters: dict[str, Any] = {
            "IndexName": USER_INDEX,
            "KeyConditionExpression": "u = :user AND pk < :after",
            "ExpressionAttributeValues": {
                ":user": attribute(user_id),
                ":after": attribute(partition(after or LAST_ROOT)),
            },
            "ScanIndexForward": False,
        }
        ids = [_root_in(entry) for entry in self._reader.query(parameters, limit=limit + 1)]
        page = tuple(ids[:limit])
        return Page(page, page[-1] if len(ids) > limit else None)

    def everything(self) -> Iterator[Download]:
        """One Scan of the table, 1 MB a page; strong."""
        for record in map(decode, self._reader.scan()):
            if isinstance(record, Download):
                yield record

    def usage(self, user_id: str) -> Usage:
        """One GetItem."""
        return usage_in(self._reader.get(usage_at(user_id)) or {}, user_id)

    def lock_holder(self, kind: Kind, content_id: str) -> str | None:
        """One GetItem."""
        item = self._reader.get(lock_at(kind, content_id))
        return holder_in(item) if item else None

    def albums_started(self, *windows: str) -> tuple[int, ...]:
        """One BatchGetItem, or one GetItem for one window."""
        keys = {name: window_at(name) for name in windows}
        found = {item["pk"]["S"]: used_in(item) for item in self._reader.all(list(keys.values()))}
        return tuple(found.get(keys[name]["pk"]["S"], 0) for name in windows)


def _download(record: Stored | None) -> Download | None:
    return record if isinstance(record, Download) else None


def _chunk(record: Stored | None) -> Chunk | None:
    return record if isinstance(record, Chunk) else None


def _root_in(entry: Item) -> str:
    """The root of an index entry."""
    return str(entry["pk"]["S"]).removeprefix(FAMILY)


def _family_of(root: str, *, first: str, last: str) -> dict[str, Any]:
    """A strong Query of a part of a root's partition, both ends included."""
    return {
        "KeyConditionExpression": "pk = :root AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":root": attribute(partition(root)),
            ":first": attribute(first),
            ":last": attribute(last),
        },
        "ConsistentRead": True,
    }


def _waiting(condition: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "IndexName": WAITING_INDEX,
        "KeyConditionExpression": f"wp = :all AND {condition}",
        "ExpressionAttributeValues": {name: attribute(value) for name, value in {":all": WAITING, **values}.items()},
    }


def _in_state(state: State, shard: int) -> dict[str, Any]:
    return {
        "IndexName": STATUS_INDEX,
        "KeyConditionExpression": "sp = :state",
        "ExpressionAttributeValues": {":state": attribute(status_partition(state, shard))},
    }
