"""Searches of the history."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cratekeeper.adapters.dynamodb import audit
from cratekeeper.adapters.dynamodb.history import DynamoHistory
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.domain.audit import AuditSearch
from cratekeeper.domain.events import SYSTEM, Event, EventType, HistoryEntry
from cratekeeper.ports import HistoryStore
from tests.contract.conftest import Tables
from tests.contract.emulator import Emulator
from tests.contract.samples import an_entry, an_id
from tests.memory.records import MemoryHistory
from tests.memory.virtual import START

FAR = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
DAY = timedelta(days=1)
ITEM, OTHER = an_id(), an_id()


def entry(number: int, at: datetime, what: EventType = EventType.DOWNLOAD_STARTED, **fields: Any) -> HistoryEntry:
    event = Event(type=what, at=at, actor=fields.pop("actor", SYSTEM))
    return replace(an_entry(fields.pop("item", ITEM), number, **fields), event=event)


# Two weeks with days between on which nothing happened; the last lies at a day's very end.
ROWS = [
    entry(1, START, EventType.REQUEST_CREATED, actor="alice"),
    entry(2, START + timedelta(milliseconds=1)),
    entry(3, START + timedelta(seconds=9), EventType.DOWNLOAD_FAILED),
    entry(1, START + 2 * DAY, EventType.REQUEST_CREATED, actor="bob", item=OTHER, kind="album", content_id="c"),
    entry(4, START + 2 * DAY + timedelta(seconds=1), EventType.USER_RETRY, actor="alice"),
    entry(5, START + 9 * DAY),
    entry(1, START + 13 * DAY, EventType.KEY_CREATED, actor="root", item="user:bob", kind=None, content_id=None),
    entry(6, (START + 14 * DAY).replace(hour=23, minute=59, second=59, microsecond=999_000), EventType.DOWNLOAD_FAILED),
]
SEARCHES: dict[str, dict[str, Any]] = {
    "everything": {},
    "a download": {"download_id": ITEM},
    "a user": {"user_id": "alice"},
    "nobody asked": {"user_id": SYSTEM},
    "a user and a download": {"user_id": "alice", "download_id": ITEM},
    "types": {"types": frozenset({EventType.DOWNLOAD_FAILED, EventType.KEY_CREATED})},
    "types of a user": {"types": frozenset({EventType.USER_RETRY}), "user_id": "alice"},
    "a kind": {"kind": "album"},
    "a content": {"content_id": "c"},
    "a kind and types": {"kind": "track", "types": frozenset({EventType.DOWNLOAD_FAILED})},
    "both ends": {"since": ROWS[1].event.at, "until": ROWS[5].event.at},
    "a moment": {"since": ROWS[3].event.at, "until": ROWS[3].event.at},
    "a user for a while": {"user_id": "alice", "since": START + DAY},
    "a download for a while": {"download_id": ITEM, "until": START + DAY},
    "a day without events": {"since": START + 3 * DAY, "until": START + 4 * DAY},
    "an end before the beginning": {"since": START + DAY, "until": START},
    "an end before the beginning, on one day": {"since": START + timedelta(seconds=2), "until": START},
    "nobody": {"user_id": "nobody"},
}


@pytest.fixture(scope="module", params=["memory", "emulator"])
def history(request: pytest.FixtureRequest) -> HistoryStore:
    made: HistoryStore = MemoryHistory()
    if request.param == "emulator":
        emulator, tables = request.getfixturevalue("emulator"), request.getfixturevalue("module_tables")
        made = on_the_emulator(emulator, tables, request.getfixturevalue("patience"))
    made.put(ROWS)
    return made


def on_the_emulator(emulator: Emulator, tables: Tables, patience: Patience) -> DynamoHistory:
    return DynamoHistory(emulator.aws.dynamodb, tables.history, patience=patience, retention_days=90)


def found(history: HistoryStore, search: AuditSearch, *, limit: int) -> list[HistoryEntry]:
    entries: list[HistoryEntry] = []
    after = None
    for _ in range(len(ROWS) + 1):
        page = history.audit(search, after=after, limit=limit)
        assert len(page.entries) <= limit
        entries += page.entries
        after = page.next_after
        if after is None:
            return entries
    raise AssertionError("the pages have no end")


@pytest.mark.case("A-02")
@pytest.mark.parametrize("is_oldest_first", [False, True], ids=["newest", "oldest"])
@pytest.mark.parametrize("limit", [1, 3, 50])
@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_a_search_finds_all_that_it_names_in_order(
    history: HistoryStore, search: dict[str, Any], limit: int, is_oldest_first: bool
) -> None:
    wanted = AuditSearch(**{"until": FAR, **search, "is_oldest_first": is_oldest_first})
    expected = [row for row in ROWS if wanted.match(row)]
    assert found(history, wanted, limit=limit) == (expected if is_oldest_first else expected[::-1])


def test_the_last_page_says_so(history: HistoryStore) -> None:
    search = AuditSearch(until=FAR, download_id=ITEM)
    assert history.audit(search, after=None, limit=6).next_after is None
    assert history.audit(search, after=None, limit=5).next_after is not None


def test_a_page_ends_where_enough_was_looked_at(
    emulator: Emulator, tables: Tables, patience: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = on_the_emulator(emulator, tables, patience)
    made.put(ROWS)
    monkeypatch.setattr(audit, "MOST_CHUNKS", 2)
    search = AuditSearch(until=FAR, types=frozenset({EventType.REQUEST_CREATED}))
    first = made.audit(search, after=None, limit=50)
    assert (first.entries, first.next_after is None) == ([], False)
    assert found(made, search, limit=50) == [ROWS[3], ROWS[0]]


def test_a_range_may_have_moved_on_between_two_pages(history: HistoryStore) -> None:
    search = AuditSearch(until=FAR, is_oldest_first=True)
    first = history.audit(search, after=None, limit=2)
    later = history.audit(replace(search, since=START + timedelta(seconds=5)), after=first.next_after, limit=50)
    assert later.entries == ROWS[2:]


@pytest.fixture
def made(emulator: Emulator, tables: Tables, patience: Patience) -> DynamoHistory:
    return on_the_emulator(emulator, tables, patience)


@contextmanager
def rows_read(emulator: Emulator) -> Iterator[list[int]]:
    """How many rows each BatchGetItem asks for meanwhile."""
    sizes: list[int] = []

    def see(params: dict[str, Any], **_: Any) -> None:
        sizes.extend(len(each["Keys"]) for each in params["RequestItems"].values())

    events, name = emulator.aws.dynamodb.meta.events, "provide-client-params.dynamodb.BatchGetItem"
    events.register(name, see)
    yield sizes
    events.unregister(name, see)


@pytest.mark.parametrize(
    ("limit", "types", "sizes"),
    [
        (50, frozenset(), [51]),
        (99, frozenset(), [100]),
        (140, frozenset(), [71, 71]),
        (200, frozenset(), [67, 67, 26]),
        (50, frozenset({EventType.USER_RETRY}), [100]),
        (90, frozenset({EventType.USER_RETRY}), [100, 60]),
    ],
)
def test_a_page_of_a_user_reads_what_it_shows_and_one(
    emulator: Emulator, made: DynamoHistory, limit: int, types: frozenset[EventType], sizes: list[int]
) -> None:
    retried = [entry(number, START, EventType.USER_RETRY, actor="carol") for number in range(80)]
    asked = [entry(number, START + DAY, EventType.REQUEST_CREATED, actor="carol") for number in range(80, 160)]
    made.put(retried)
    made.put(asked)
    expected = [row for row in retried + asked if not types or row.event.type in types]
    search = AuditSearch(until=FAR, user_id="carol", types=types, is_oldest_first=True)
    with rows_read(emulator) as read:
        page = made.audit(search, after=None, limit=limit)
    assert (page.entries, page.next_after is None) == (expected[:limit], limit >= len(expected))
    assert read == sizes
