"""Counts over the sparse indexes of the queue table, and the recount that is stored beside the control item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.aws import outages
from cratekeeper.adapters.dynamodb.attributes import attribute, milliseconds, moment_of, plain
from cratekeeper.adapters.dynamodb.keys import (
    LAST_ROOT,
    STATUS_INDEX,
    WAITING,
    WAITING_INDEX,
    primary,
    status_partition,
    waiting_prefix,
)
from cratekeeper.domain.counts import COUNTED, Counts
from cratekeeper.domain.ids import SHARDS
from cratekeeper.domain.lanes import Lane, Rank

if TYPE_CHECKING:
    from datetime import datetime

    from cratekeeper.adapters.dynamodb.reader import Reader
    from cratekeeper.domain.states import State

RECOUNT: Final = primary("CTL", "COUNTS")
_AT: Final = "t"


def waiting_in_lane(reader: Reader, lane: Lane, *, limit: int | None) -> int:
    """Two counting queries, or one if the first finds as many as asked."""
    found = 0
    for rank in (Rank.ROOT, Rank.PARKED):
        if limit is None or found < limit:
            found += reader.count(_of_rank(lane, rank), limit=None if limit is None else limit - found)
    return found


def in_state(reader: Reader, state: State, *, limit: int | None) -> int:
    """One counting query a shard, until as many as asked are found."""
    found = 0
    for shard in range(SHARDS):
        if limit is None or found < limit:
            found += reader.count(roots_in(state, shard), limit=None if limit is None else limit - found)
    return found


def roots_in(state: State, shard: int) -> dict[str, Any]:
    """A Query of one shard of `by_status`."""
    return {
        "IndexName": STATUS_INDEX,
        "KeyConditionExpression": "sp = :state",
        "ExpressionAttributeValues": {":state": attribute(status_partition(state, shard))},
    }


def roots_before(state: State, shard: int, end: str) -> dict[str, Any]:
    """As `roots_in`, newest first, of those below the partition `end`."""
    found = roots_in(state, shard)
    return {
        **found,
        "KeyConditionExpression": f"{found['KeyConditionExpression']} AND pk < :end",
        "ExpressionAttributeValues": {**found["ExpressionAttributeValues"], ":end": attribute(end)},
        "ScanIndexForward": False,
    }


def read(reader: Reader) -> Counts | None:
    """One GetItem."""
    item = reader.get(RECOUNT)
    if item is None:
        return None
    found = plain(item)
    return Counts(
        at=moment_of(found[_AT]),
        by_lane={lane: found[lane.name] for lane in Lane},
        by_state={state: found[state.value] for state in COUNTED},
    )


def store_anew(reader: Reader, now: datetime) -> None:
    """Eighteen counting queries of a page of 1 MB (about 12,000 roots) or more, and one PutItem."""
    lanes = {lane.name: waiting_in_lane(reader, lane, limit=None) for lane in Lane}
    states = {state.value: in_state(reader, state, limit=None) for state in COUNTED}
    found = {name: attribute(value) for name, value in {_AT: milliseconds(now), **lanes, **states}.items()}
    with outages():
        reader.client.put_item(TableName=reader.table, Item={**RECOUNT, **found})


def _of_rank(lane: Lane, rank: Rank) -> dict[str, Any]:
    prefix = waiting_prefix(lane, rank)
    values = {":all": WAITING, ":first": prefix, ":last": prefix + LAST_ROOT}
    return {
        "IndexName": WAITING_INDEX,
        "KeyConditionExpression": "wp = :all AND wk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {name: attribute(value) for name, value in values.items()},
    }
