"""The queue table: downloads with their sets, locks, usage, capacity windows and expansion plans."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.dynamodb import counts
from cratekeeper.adapters.dynamodb.attributes import attribute, milliseconds
from cratekeeper.adapters.dynamodb.batches import READS
from cratekeeper.adapters.dynamodb.codec import decode, decode_plan
from cratekeeper.adapters.dynamodb.control import control_in
from cratekeeper.adapters.dynamodb.keys import (
    CONTROL,
    DUE_INDEX,
    FAMILY,
    FIRST_OF_FAMILY,
    LAST_OF_FAMILY,
    LAST_ROOT,
    PARKED,
    PLANS,
    USER_INDEX,
    WAITING,
    WAITING_INDEX,
    lock_at,
    partition,
    usage_at,
    waiting_in,
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
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.attributes import Item
    from cratekeeper.adapters.dynamodb.patience import Patience
    from cratekeeper.domain.control import Control
    from cratekeeper.domain.counts import Counts
    from cratekeeper.domain.lanes import Lane
    from cratekeeper.domain.models import Kind, PlanChunk, Usage
    from cratekeeper.domain.states import State
    from cratekeeper.domain.writes import Change, Stored, Write

ALBUMS: Final = 30
"""Albums whose children wait that a page of waiting roots has room for, so that a few cost no second page."""


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
        """One Query, as long as the partition is below 1 MB; the plan is passed over.

        Backwards: a Query is no snapshot, and so the sets are never newer than the children that
        are read after them. Whatever happens to a child in between changes its sets after their read.
        """
        parameters = _family_of(root, first=FIRST_OF_FAMILY, last=LAST_OF_FAMILY) | {"ScanIndexForward": False}
        found = list(map(decode, self._reader.query(parameters)))[::-1]
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

    def plan_chunk(self, root: str, *, epoch: int, chunk: int) -> PlanChunk | None:
        """One GetItem."""
        item = self._reader.get(where(plan_key(root, epoch, chunk)))
        return decode_plan(item, root=root, epoch=epoch, number=chunk) if item else None

    def plans(self, root: str) -> list[Key]:
        """One Query."""
        parameters = _family_of(root, first=PLANS, last=f"{PLANS}~")
        return [Key(root, item["sk"]["S"].removeprefix("~")) for item in self._reader.query(parameters)]

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
        """One Query of keys, 60 to half a read unit; if more wait than asked, another one of those that are parked.

        Parked albums stand behind all else. Albums whose children wait stand between the roots: if
        they are many, further pages follow.
        """
        ready = self._roots_waiting("wp = :all", most=limit)
        # Whoever is parked in a higher lane goes before those that wait in a lower one.
        parked = self._roots_waiting("wp = :all AND wk >= :parked", most=limit) if len(ready) == limit else []
        return [root for _, root in sorted({*ready, *parked})][:limit]

    def _roots_waiting(self, condition: str, *, most: int) -> list[tuple[Lane, str]]:
        """Lane and id of the first roots in a part of the index, read page by page until they are enough."""
        values = {":all": WAITING, ":parked": PARKED}
        used = {name: attribute(value) for name, value in values.items() if name in condition}
        parameters = {
            "IndexName": WAITING_INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": used,
            "Limit": most + ALBUMS,
        }
        entries = ((waiting_in(entry["wk"]["S"]), _root_in(entry)) for entry in self._reader.query(parameters))
        roots = ((place.lane, root) for place, root in entries if place.rank is not Rank.CHILDREN)
        return list(islice(roots, most))

    def waiting_count(self, lane: Lane, *, limit: int) -> int:
        """Two counting queries."""
        return counts.waiting_in_lane(self._reader, lane, limit=limit)

    def count(self, state: State, *, limit: int) -> int:
        """One counting query a shard, until there are as many as asked."""
        return counts.in_state(self._reader, state, limit=limit)

    def recounted(self) -> Counts | None:
        """One GetItem."""
        return counts.read(self._reader)

    def recount(self, *, now: datetime, older_than: datetime) -> None:
        """One GetItem; if it is time, eighteen counting queries of all their pages, and one PutItem."""
        last = counts.read(self._reader)
        if last is None or last.at < older_than:
            counts.store_anew(self._reader, now)

    def newest(self, states: Iterable[State], *, after: str | None, limit: int) -> Page:
        """One Query a state and shard, each of at most one page more than asked, merged by age."""
        end = partition(after or LAST_ROOT)
        found = {
            _root_in(entry)
            for state in states
            for shard in range(SHARDS)
            for entry in self._reader.query(counts.roots_before(state, shard, end), limit=limit + 1)
        }
        ids = sorted(found, reverse=True)
        page = tuple(ids[:limit])
        return Page(page, page[-1] if len(ids) > limit else None)

    def oldest(self, state: State, *, limit: int) -> list[str]:
        """One Query a shard."""
        entries = (self._reader.query(counts.roots_in(state, shard), limit=limit) for shard in range(SHARDS))
        return sorted(_root_in(entry) for shard in entries for entry in shard)[:limit]

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

    def everything(self) -> Iterator[Download | Control]:
        """One Scan of the table, 1 MB a page; strong."""
        for item in self._reader.scan():
            record = decode(item)
            if isinstance(record, Download):
                yield record
            elif (item["pk"], item["sk"]) == (CONTROL["pk"], CONTROL["sk"]):
                yield control_in(item, default_limit=self._default_limit)

    def usage(self, user_id: str) -> Usage:
        """One GetItem."""
        return usage_in(self._reader.get(usage_at(user_id)) or {}, user_id)

    def lock_holder(self, kind: Kind, content_id: str) -> str | None:
        """One GetItem."""
        item = self._reader.get(lock_at(kind, content_id))
        return holder_in(item) if item else None

    def lock_holders(self, refs: Iterable[tuple[Kind, str]]) -> dict[tuple[Kind, str], str]:
        """One BatchGetItem for each 100; in a lock's key stand its kind and its content."""
        refs_by_key = {lock_at(*ref)["pk"]["S"]: ref for ref in refs}
        keys = [lock_at(*ref) for ref in refs_by_key.values()]
        return {refs_by_key[item["pk"]["S"]]: holder_in(item) for item in (self._reader.all(keys) if keys else [])}

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
