"""Searching the audit history."""

from datetime import timedelta
from typing import Any

import pytest

from cratekeeper.domain.audit import AuditSearch
from cratekeeper.domain.errors import NotFound
from cratekeeper.domain.events import Event, EventType, HistoryEntry
from cratekeeper.services.audit import Audit
from tests.support.builders import a_download, at, root_id
from tests.support.crate import Crate

FAR = at(10**9)


def put(crate: Crate, seconds: float, what: EventType = EventType.DOWNLOAD_STARTED, **fields: Any) -> str:
    event = Event(type=what, at=at(seconds), actor=fields.pop("actor", "alice"))
    entry = HistoryEntry(**{
        "download_id": root_id(1),
        "seq": len(crate.world.history.rows) + 1,
        "event": event,
        **fields,
    })
    crate.world.history.put([entry])
    return entry.id


def ids(crate: Crate, **search: Any) -> list[str]:
    found = crate.audit.page(AuditSearch(**{"until": FAR, **search}), after=None, limit=50)
    assert found.next_after is None
    return [entry.id for entry in found.entries]


@pytest.mark.case("A-02")
def test_both_ends_are_included(crate: Crate) -> None:
    made = [put(crate, seconds) for seconds in range(0, 1000, 100)]
    assert ids(crate, since=at(300), until=at(600)) == made[6:2:-1]


@pytest.mark.case("A-03")
def test_what_is_older_than_the_retention_is_not_shown(crate: Crate) -> None:
    day_s = 86_400
    made = [put(crate, day * day_s) for day in range(10)]
    crate.world.clock.advance(10 * day_s)
    audit = Audit(history=crate.world.history, store=crate.world.store, clock=crate.world.clock, retention_days=5)
    for since in (None, at(0), at(-day_s)):
        found = audit.page(AuditSearch(until=FAR, since=since), after=None, limit=50)
        assert [entry.id for entry in found.entries] == made[:4:-1]
    later = audit.page(AuditSearch(until=FAR, since=at(8 * day_s)), after=None, limit=50)
    assert [entry.id for entry in later.entries] == made[:7:-1]


def test_without_a_retention_everything_is_shown(crate: Crate) -> None:
    made = put(crate, 0)
    crate.world.clock.advance(timedelta(days=4000).total_seconds())
    audit = Audit(history=crate.world.history, store=crate.world.store, clock=crate.world.clock, retention_days=None)
    assert [entry.id for entry in audit.page(AuditSearch(until=FAR), after=None, limit=5).entries] == [made]


@pytest.mark.parametrize(
    "search",
    [
        {"download_id": root_id(2)},
        {"user_id": "bob"},
        {"types": frozenset({EventType.DOWNLOAD_FAILED, EventType.KEY_REVOKED})},
        {"kind": "album"},
        {"content_id": "wanted"},
    ],
)
def test_each_filter_finds_what_it_names(crate: Crate, search: dict[str, Any]) -> None:
    for seconds in (0, 20):
        put(crate, seconds)
    fields = {"download_id": root_id(2), "actor": "bob", "kind": "album", "content_id": "wanted"}
    wanted = put(crate, 10, EventType.DOWNLOAD_FAILED, **fields)
    assert ids(crate, **search) == [wanted]


def test_pages_follow_each_other_in_either_order(crate: Crate) -> None:
    made = [put(crate, seconds) for seconds in range(5)]
    for is_oldest_first, expected in ((True, made), (False, made[::-1])):
        search = AuditSearch(until=FAR, is_oldest_first=is_oldest_first)
        first = crate.audit.page(search, after=None, limit=2)
        second = crate.audit.page(search, after=first.next_after, limit=2)
        third = crate.audit.page(search, after=second.next_after, limit=2)
        assert [entry.id for page in (first, second, third) for entry in page.entries] == expected
        assert third.next_after is None


def test_the_entries_of_a_download_outlive_it(crate: Crate) -> None:
    wanted = put(crate, 0)
    found = crate.audit.of_download(AuditSearch(until=FAR, download_id=root_id(1)), after=None, limit=5)
    assert [entry.id for entry in found.entries] == [wanted]


@pytest.mark.parametrize("download_id", [root_id(3), "x", "queue"])
def test_nobody_knows_a_download_that_never_was(crate: Crate, download_id: str) -> None:
    with pytest.raises(NotFound):
        crate.audit.of_download(AuditSearch(until=FAR, download_id=download_id), after=None, limit=5)


def test_a_download_may_have_no_entry_yet(crate: Crate) -> None:
    crate.put(a_download(root_id(1)))
    assert crate.audit.of_download(AuditSearch(until=FAR, download_id=root_id(1)), after=None, limit=5).entries == []
