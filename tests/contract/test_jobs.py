"""The records of the jobs: one lease a job, exactly replaced, and its ended runs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from cratekeeper.adapters.dynamodb.jobs import DynamoJobs
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.domain.jobs import JobLease, Run
from cratekeeper.ports.upkeep import JobRecords
from tests.contract.conftest import Tables
from tests.contract.emulator import Emulator
from tests.memory.upkeep import MemoryJobs
from tests.memory.virtual import START

_numbers = count(1)
JOB = "integrity_watchdog"
LATER = START + timedelta(minutes=1)


@pytest.fixture
def records(backend: str, request: pytest.FixtureRequest, patience: Patience) -> Iterator[JobRecords]:
    if backend == "memory":
        yield MemoryJobs()
    else:
        emulator: Emulator = request.getfixturevalue("emulator")
        tables: Tables = request.getfixturevalue("tables")
        yield DynamoJobs(emulator.aws.dynamodb, tables.queue, patience=patience, retention_days=90)


def a_run(number: int = 1, **fields: object) -> Run:
    values = {"job_id": JOB, "started_at": START, "triggered_by": "root", "params": {"dry_run": True}} | fields
    return Run(id=f"01JD{number:022d}", **values)  # type: ignore[arg-type]  # each field has its type above


def a_lease(number: int = 1, *, owner: str | None = "me") -> JobLease:
    return JobLease(run=a_run(number), until=LATER, owner=owner, progress={"after": "audio/ü", "n": 3})


def test_a_job_that_never_ran_has_no_state(records: JobRecords) -> None:
    state = records.read(JOB, runs=9)
    assert (state.lease, state.ended) == (None, ())


@pytest.mark.parametrize("owner", ["me", None])
def test_a_lease_is_taken_once(records: JobRecords, owner: str | None) -> None:
    lease = a_lease(owner=owner)
    assert records.swap(JOB, None, lease)
    assert records.read(JOB, runs=0).lease == lease
    assert not records.swap(JOB, None, a_lease(2))
    assert records.read("another", runs=0).lease is None


def test_only_exactly_the_lease_is_replaced(records: JobRecords) -> None:
    lease = a_lease()
    records.swap(JOB, None, lease)
    for other in (
        replace(lease, owner="you"),
        replace(lease, owner=None),
        replace(lease, until=START),
        a_lease(2),
    ):
        assert not records.swap(JOB, other, None)
    renewed = replace(lease, until=LATER + timedelta(milliseconds=1), progress=None)
    assert records.swap(JOB, lease, renewed)
    assert records.read(JOB, runs=0).lease == renewed


def test_an_end_is_written_with_the_lease(records: JobRecords) -> None:
    lease, ended = a_lease(), a_run().completed({"counts": {"missing": 2}}, now=LATER)
    records.swap(JOB, None, lease)
    assert not records.swap(JOB, a_lease(2), None, ended=ended)
    assert records.read(JOB, runs=9).ended == ()
    assert records.swap(JOB, lease, None, ended=ended)
    state = records.read(JOB, runs=9)
    assert (state.lease, state.ended) == (None, (ended,))


def test_a_repetition_answers_like_its_first_success(records: JobRecords) -> None:
    lease, ended = a_lease(), a_run().failed("why", now=LATER)
    assert records.swap(JOB, None, lease)
    assert records.swap(JOB, None, lease)
    assert records.swap(JOB, lease, None, ended=ended)
    assert records.swap(JOB, lease, None, ended=ended)
    assert not records.swap(JOB, lease, None, ended=a_run().failed("another", now=LATER))
    assert not records.swap(JOB, lease, None)
    assert records.read(JOB, runs=9).ended == (ended,)


def test_the_newest_runs_come_first(records: JobRecords) -> None:
    for number in range(1, 6):
        records.swap(JOB, None, a_lease(number))
        records.swap(JOB, a_lease(number), None, ended=a_run(number).completed({"n": number}, now=LATER))
    records.swap(JOB, None, a_lease(6))
    state = records.read(JOB, runs=3)
    assert [run.result for run in state.ended] == [{"n": 5}, {"n": 4}, {"n": 3}]
    assert state.lease == a_lease(6)


def test_a_stopped_run_makes_room_in_one_write(records: JobRecords) -> None:
    records.swap(JOB, None, a_lease(1))
    stopped = a_run(1).failed("stopped", now=LATER)
    assert records.swap(JOB, a_lease(1), a_lease(2), ended=stopped)
    state = records.read(JOB, runs=1)
    assert (state.lease, state.ended) == (a_lease(2), (stopped,))


def test_runs_go_with_their_retention(emulator: Emulator, tables: Tables, patience: Patience) -> None:
    ends = []
    for days in (90, None):
        jobs = DynamoJobs(emulator.aws.dynamodb, tables.queue, patience=patience, retention_days=days)
        jobs.swap(JOB, None, a_lease(), ended=a_run(next(_numbers)).completed({}, now=START))
        jobs.swap(JOB, a_lease(), None)
        items = emulator.aws.dynamodb.scan(TableName=tables.queue)["Items"]
        ends.append(sum("ttl" in item for item in items))
    assert ends == [1, 1]


def test_a_report_of_thousands_fits_an_item(records: JobRecords) -> None:
    ids = [f"images/{number:040x}.jpg" for number in range(1000)]
    ended = a_run().completed(dict.fromkeys(("a", "b", "c", "d", "e"), ids), now=LATER)
    records.swap(JOB, None, a_lease())
    assert records.swap(JOB, a_lease(), None, ended=ended)
    assert records.read(JOB, runs=1).ended == (ended,)
