"""Jobs in the queue table, in no index: `J#{job}` / `~` is the lease, `J#{job}` / `R#{run}` an ended run.

A lease sorts behind all runs, so that one descending Query meets the state of a job and its newest runs.
Results are kept packed: a report of many findings is then a third as dear.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import code_of, outages
from cratekeeper.adapters.dynamodb.attributes import Item, attribute, milliseconds, moment_of
from cratekeeper.adapters.dynamodb.expressions import ABSENT, Expression
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.adapters.dynamodb.reader import Reader
from cratekeeper.domain.errors import Unavailable
from cratekeeper.domain.jobs import JobLease, JobState, Run, RunStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from cratekeeper.adapters.dynamodb.patience import Patience

_LEASE: Final = "~"
_RUN: Final = "R#"
_OWNER: Final = "w"
_UNTIL: Final = "un"
_PACKED: Final = "b"
_DAY_S: Final = 86_400
_CONFLICTS: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_TIMES: Final = frozenset({"started_at", "finished_at"})


class DynamoJobs:
    """The port `JobRecords` on DynamoDB.

    Args:
        client: DynamoDB.
        table: name of the queue table.
        patience: for conflicts of transactions.
        retention_days: ended runs go that many days after their end, None = never.

    """

    def __init__(self, client: DynamoDBClient, table: str, *, patience: Patience, retention_days: int | None) -> None:
        self._client = client
        self._table = table
        self._patience = patience
        self._retention_days = retention_days
        self._reader = Reader(client, table, patience)

    def read(self, job_id: str, *, runs: int) -> JobState:
        """One Query."""
        parameters: dict[str, Any] = {
            "KeyConditionExpression": "pk = :job",
            "ExpressionAttributeValues": {":job": attribute(_partition(job_id))},
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        found = {item["sk"]["S"]: item for item in self._reader.query(parameters, limit=runs + 1)}
        lease = found.pop(_LEASE, None)
        return JobState(_lease_in(lease) if lease else None, tuple(map(_run_in, found.values()))[:runs])

    def swap(self, job_id: str, before: JobLease | None, after: JobLease | None, *, ended: Run | None = None) -> bool:
        """One transaction, of one or two items."""
        actions: Any = [self._lease_write(job_id, before, after)]
        if ended:
            actions.append({"Put": {"TableName": self._table, "Item": self._item_of(ended)}})
        for _ in self._patience.tries():
            try:
                with outages():
                    self._client.transact_write_items(TransactItems=actions)
            except ClientError as error:
                if _is_refused(error):
                    return self._is_done(job_id, after, ended)
            else:
                return True
        raise Unavailable(f"{self._table}: the job's record is changing too fast")

    def _lease_write(self, job_id: str, before: JobLease | None, after: JobLease | None) -> dict[str, Any]:
        built = Expression()
        if before is None:
            built.only_if(ABSENT)
        else:
            built.only_if_equal("r", attribute(before.run.id))
            built.only_if_equal(_UNTIL, attribute(milliseconds(before.until)))
            built.only_if_equal(_OWNER, attribute(before.owner) if before.owner else None)
        key = primary(_partition(job_id), _LEASE)
        if after is None:
            return {"Delete": {"TableName": self._table, "Key": key, **built.parameters()}}
        return {"Put": {"TableName": self._table, "Item": {**key, **_stored(after)}, **built.parameters()}}

    def _is_done(self, job_id: str, after: JobLease | None, ended: Run | None) -> bool:
        """Whether the refusal is of a repetition: what was to be written is there."""
        found = self.read(job_id, runs=1)
        return found.lease == after and (ended is None or ended in found.ended) and (after or ended) is not None

    def _item_of(self, run: Run) -> Item:
        item = {**primary(_partition(run.job_id), _RUN + run.id), _PACKED: _packed(_plain(run))}
        if self._retention_days is not None and run.finished_at:
            ends_s = milliseconds(run.finished_at) // 1000 + self._retention_days * _DAY_S
            item["ttl"] = attribute(ends_s)
        return item


def _partition(job_id: str) -> str:
    return f"J#{job_id}"


def _is_refused(error: ClientError) -> bool:
    """Whether the lease is another; False is a conflict that passes. Any other error flies on."""
    if code_of(error) != "TransactionCanceledException":
        raise error
    reasons: Any = error.response.get("CancellationReasons", [])
    codes = {reason["Code"] for reason in reasons}
    if "ConditionalCheckFailed" in codes:
        return True
    if not codes & _CONFLICTS:
        raise error
    return False


def _stored(lease: JobLease) -> Item:
    owner = {_OWNER: attribute(lease.owner)} if lease.owner else {}
    packed = _packed({"run": _plain(lease.run), "progress": lease.progress})
    return {"r": attribute(lease.run.id), _UNTIL: attribute(milliseconds(lease.until)), _PACKED: packed, **owner}


def _lease_in(item: Item) -> JobLease:
    kept = _unpacked(item)
    return JobLease(
        run=_loaded(kept["run"]),
        until=moment_of(int(item[_UNTIL]["N"])),
        owner=item[_OWNER]["S"] if _OWNER in item else None,
        progress=kept["progress"],
    )


def _run_in(item: Item) -> Run:
    return _loaded(_unpacked(item))


def _plain(run: Run) -> dict[str, Any]:
    """The run as JSON takes it."""
    values = {each.name: getattr(run, each.name) for each in fields(run)}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _loaded(values: dict[str, Any]) -> Run:
    times = {name: datetime.fromisoformat(values[name]) for name in _TIMES if values[name]}
    return Run(**{**values, **times, "status": RunStatus(values["status"])})


def _packed(value: object) -> dict[str, Any]:
    return {"B": zlib.compress(json.dumps(value, ensure_ascii=False).encode())}


def _unpacked(item: Item) -> Any:
    return json.loads(zlib.decompress(item[_PACKED]["B"]))
