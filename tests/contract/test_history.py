"""The port HistoryStore, and the rows behind it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cratekeeper.adapters.dynamodb.audit import DAYS
from cratekeeper.adapters.dynamodb.history import DynamoHistory
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.adapters.system import SystemDice
from cratekeeper.domain.events import Event, EventType, HistoryEntry
from cratekeeper.ports import HistoryStore
from tests.contract.conftest import Tables
from tests.contract.emulator import Emulator
from tests.contract.samples import an_entry, an_id
from tests.contract.sizes import item_size
from tests.memory.records import MemoryHistory
from tests.memory.virtual import START


@pytest.fixture
def history(backend: str, patience: Patience, request: pytest.FixtureRequest) -> HistoryStore:
    if backend == "memory":
        return MemoryHistory()
    emulator, tables = request.getfixturevalue("emulator"), request.getfixturevalue("tables")
    return DynamoHistory(emulator.aws.dynamodb, tables.history, patience=patience, retention_days=90)


@pytest.mark.case("A-01")
def test_entries_are_read_oldest_first(history: HistoryStore) -> None:
    item, other = an_id(), an_id()
    entries = [an_entry(item, seq) for seq in (1, 2, 3, 10, 11)]
    history.put([*reversed(entries), an_entry(other, 1)])
    assert history.of_download(item, after=0, limit=99) == entries
    assert history.of_download(item, after=2, limit=2) == entries[2:4]
    assert history.of_download(item, after=11, limit=2) == []
    assert history.of_download(an_id(), after=0, limit=9) == []


@pytest.mark.parametrize("count", [1, 25, 26, 60])
def test_any_number_of_entries_is_put(history: HistoryStore, count: int) -> None:
    item = an_id()
    entries = [an_entry(item, seq) for seq in range(1, count + 1)]
    history.put(entries)
    assert history.of_download(item, after=0, limit=99) == entries


def test_nothing_to_put(history: HistoryStore) -> None:
    history.put([])


@pytest.mark.case("A-04")
def test_a_repeated_entry_is_one_row(history: HistoryStore) -> None:
    item = an_id()
    entry = an_entry(item, 1)
    history.put([entry, entry])
    history.put([entry])
    assert history.of_download(item, after=0, limit=9) == [entry]


@pytest.mark.case("E-02")
def test_what_is_absent_is_told(history: HistoryStore) -> None:
    item = an_id()
    entries = [an_entry(item, seq) for seq in range(1, 101)]
    history.put(entries[::2])
    assert history.absent(entries) == entries[1::2]
    assert history.absent(entries[:1]) == []
    assert history.absent(entries[1:2]) == entries[1:2]
    assert history.absent([]) == []
    with pytest.raises(ValueError, match="101"):
        history.absent([*entries, an_entry(item, 101)])


def test_an_event_of_another_subject(history: HistoryStore) -> None:
    event = Event(type=EventType.KEY_CREATED, at=START, actor="root", details={"key_id": "k1", "note": None})
    entry = replace(an_entry("alice", 7, kind=None, content_id=None, source=None, requested_by=None), event=event)
    history.put([entry])
    assert history.of_download("alice", after=0, limit=9) == [entry]


def a_row(
    emulator: Emulator, tables: Tables, entry: HistoryEntry, *, retention_days: int | None = None
) -> dict[str, dict[str, str]]:
    client, patience = emulator.aws.dynamodb, Patience(dice=SystemDice())
    DynamoHistory(client, tables.history, patience=patience, retention_days=retention_days).put([entry])
    found = emulator.client("dynamodb").scan(TableName=tables.history)["Items"]
    (item,) = (item for item in found if item["pk"]["S"] != DAYS)
    return dict(item)


@pytest.mark.parametrize(("retention_days", "ttl"), [(5, 1_795_823_999), (None, None)])
def test_a_day_has_a_row_that_outlives_its_entries(
    emulator: Emulator, tables: Tables, retention_days: int | None, ttl: int | None
) -> None:
    at = datetime(2026, 11, 21, 23, 59, 59, 999_000, tzinfo=UTC)
    a_row(emulator, tables, an_entry(an_id(), 1, at=at), retention_days=retention_days)
    found = emulator.client("dynamodb").scan(TableName=tables.history)["Items"]
    (day,) = (item for item in found if item["pk"]["S"] == DAYS)
    assert (day["sk"]["S"], day.get("ttl")) == ("2026-11-21", {"N": str(ttl)} if ttl else None)


@pytest.mark.case("A-03")
def test_a_row_goes_when_its_retention_ends(emulator: Emulator, tables: Tables) -> None:
    at = datetime(2026, 11, 21, 23, 59, 59, 999_000, tzinfo=UTC)
    row = a_row(emulator, tables, an_entry(an_id(), 3, at=at), retention_days=5)
    assert int(row["ttl"]["N"]) == int((at + timedelta(days=5)).timestamp())
    assert (row["day"]["S"], row["at"]["S"]) == ("2026-11-21", "2026-11-21T23:59:59.999+00:00")
    assert row["sk"]["S"] == "000003"
    assert item_size(row) <= 300


def test_a_row_may_stay_for_ever(emulator: Emulator, tables: Tables) -> None:
    assert "ttl" not in a_row(emulator, tables, an_entry(an_id(), 1), retention_days=None)


@pytest.mark.parametrize(("actor", "by_user"), [("system", None), ("bob", {"S": "bob"})])
def test_the_index_by_user_holds_what_people_did(
    emulator: Emulator, tables: Tables, actor: str, by_user: dict[str, str] | None
) -> None:
    event = Event(type=EventType.DOWNLOAD_CANCELLED, at=START, actor=actor)
    row = a_row(emulator, tables, replace(an_entry(an_id(), 1), event=event))
    assert (row.get("u"), row["o"]) == (by_user, {"S": "alice"})
