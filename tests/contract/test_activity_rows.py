"""The port HistoryStore: what ended when, and sealed slots of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cratekeeper.adapters.dynamodb.history import DynamoHistory
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.domain.activity import ENDED, Activity, counted
from cratekeeper.domain.events import Event, EventType
from cratekeeper.ports import HistoryStore, Sealed
from tests.contract.conftest import Tables
from tests.contract.emulator import Emulator
from tests.contract.samples import an_entry, an_id
from tests.contract.sizes import item_size
from tests.memory.records import MemoryHistory
from tests.memory.virtual import START

MINUTE = timedelta(minutes=1)
MS = timedelta(milliseconds=1)
BUSY = Activity(
    at=START,
    albums=12,
    tracks=144,
    images=24,
    size_bytes=4_529_848_320,
    failed=3,
    roots_completed=14,
    roots_failed=2,
    duration_ms=1_234_567,
    events=183,
)


@pytest.fixture
def history(backend: str, patience: Patience, request: pytest.FixtureRequest) -> HistoryStore:
    if backend == "memory":
        return MemoryHistory()
    emulator, tables = request.getfixturevalue("emulator"), request.getfixturevalue("tables")
    return DynamoHistory(emulator.aws.dynamodb, tables.history, patience=patience, retention_days=90)


@pytest.mark.case("A-02")
def test_what_ended_in_a_range_is_found(history: HistoryStore) -> None:
    """Both ends are at exact milliseconds; other events are passed over; days do not matter."""
    item = an_id()
    times = [START + number * timedelta(hours=9) for number in range(6)]
    ends = [
        replace(an_entry(item, seq), event=Event(type=ENDED[seq % 2], at=at)) for seq, at in enumerate(times, start=1)
    ]
    history.put([*ends, *(an_entry(item, 100 + seq, at=at) for seq, at in enumerate(times))])
    assert [*history.ended(since=START, until=times[-1] + MS)] == ends
    assert [*history.ended(since=times[1], until=times[3])] == ends[1:3]
    assert [*history.ended(since=times[1] + MS, until=times[3] + MS)] == ends[2:4]
    assert [*history.ended(since=times[-1] + MS, until=times[-1] + timedelta(days=9))] == []


def test_at_first_nothing_is_sealed(history: HistoryStore) -> None:
    assert history.activity(since=START) == Sealed(None, [])


def test_sealed_slots_are_read_oldest_first(history: HistoryStore) -> None:
    rows = [replace(BUSY, at=START + number * 10 * MINUTE, tracks=number) for number in range(5)]
    history.seal(rows[3:] + rows[:3], until=START + 60 * MINUTE)
    assert history.activity(since=START) == Sealed(START + 60 * MINUTE, rows)
    assert history.activity(since=rows[2].at) == Sealed(START + 60 * MINUTE, rows[2:])
    assert history.activity(since=START + timedelta(days=9)) == Sealed(START + 60 * MINUTE, [])


def test_of_two_recounts_the_one_that_saw_more_stays(history: HistoryStore) -> None:
    for events in (1, 3, 2, 3):
        history.seal([replace(BUSY, tracks=events, events=events)])
    assert [row.tracks for row in history.activity(since=START).rows] == [3]
    history.seal([replace(BUSY, tracks=9, events=3)])
    assert [row.tracks for row in history.activity(since=START).rows] == [9]


def test_the_mark_moves_forward_only(history: HistoryStore) -> None:
    for minutes in (20, 10, 30, 30):
        history.seal([], until=START + minutes * MINUTE)
    assert history.activity(since=START).until == START + 30 * MINUTE


def test_slots_are_not_taken_for_events(history: HistoryStore) -> None:
    history.seal([BUSY], until=START + MINUTE)
    assert [*history.ended(since=START - timedelta(days=1), until=START + timedelta(days=1))] == []
    assert history.of_download("ACTIVITY", after=0, limit=9) == []


def test_a_recount_of_what_is_stored_is_what_was_put(history: HistoryStore) -> None:
    done = EventType.DOWNLOAD_COMPLETED
    entries = [
        replace(an_entry(an_id(), 1), event=Event(type=done, at=START + n * MINUTE, details={"bytes": n}))
        for n in range(40)
    ]
    history.put(entries)
    assert counted(history.ended(since=START, until=START + 40 * MINUTE)) == counted(entries)


def test_a_slot_is_small_and_goes_with_the_history(emulator: Emulator, tables: Tables, patience: Patience) -> None:
    history = DynamoHistory(emulator.aws.dynamodb, tables.history, patience=patience, retention_days=5)
    history.seal([BUSY])
    (row,) = emulator.client("dynamodb").scan(TableName=tables.history)["Items"]
    assert int(row["ttl"]["N"]) == int((START + timedelta(days=5)).timestamp())
    assert item_size(row) <= 130  # a week of them, 1,008, is one page of a Query
