"""The stream becomes the audit history and the domain events."""

from dataclasses import replace

import pytest

from cratekeeper.domain.announcements import announced
from cratekeeper.domain.errors import Unavailable
from cratekeeper.domain.events import EventType, HistoryEntry
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import Download
from cratekeeper.services.project import BATCH, entry_of
from tests.support.builders import ROOT, a_download, a_running, an_event, root_id
from tests.support.crate import Crate


def entry(item: Download) -> HistoryEntry:
    found = entry_of(None, item)
    assert found is not None
    return found


def test_a_write_with_an_event_is_an_entry_of_its_item() -> None:
    found = entry(a_download(requested_by="bob"))
    assert (found.id, found.event.type, found.event.actor) == (f"{ROOT}:1", EventType.REQUEST_CREATED, "alice")
    assert (found.kind, found.content_id, found.source) == ("track", a_download().content_id, "USER")
    assert found.requested_by == "bob"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (a_download(), None),
        (a_download(), a_download(content_name="x")),
        (None, a_download(event=None, seq=0)),
        (a_running(seq=2), a_running(seq=2, lease_until=None)),
    ],
)
def test_a_write_without_an_event_is_no_entry(before: Download | None, after: Download | None) -> None:
    assert entry_of(before, after) is None


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (EventType.DOWNLOAD_STARTED, {}),
        (EventType.DOWNLOAD_COMPLETED, {"bytes": 5, "duration_ms": 7}),
        (EventType.DOWNLOAD_FAILED, {"message": "broken", "retry_count": 3}),
        (EventType.RETRY_SCHEDULED, {"message": "broken", "retry_count": 3}),
    ],
)
def test_an_entry_tells_how_the_attempt_ended(kind: EventType, details: dict[str, object]) -> None:
    event = an_event(kind, details={"attempt": 1})
    item = a_download(event=event, error_message="broken", retry_count=3, bytes_downloaded=5, duration_ms=7)
    assert entry(item).event.details == {"attempt": 1, **details}


@pytest.mark.case("A-01")
def test_a_batch_is_written_and_published(crate: Crate) -> None:
    item = crate.track()
    crate.drain()
    rows = crate.world.history.of_download(item.id, after=0, limit=10)
    assert [row.event.type for row in rows] == ["REQUEST_CREATED", "DOWNLOAD_STARTED", "DOWNLOAD_COMPLETED"]
    assert crate.world.bus.published == [announced(row) for row in rows]


def test_a_stream_that_repeats_itself_adds_no_row(crate: Crate) -> None:
    crate.album()
    crate.drain()
    before = {**crate.world.history.rows}
    crate.project.run([*crate.world.stream(), *crate.world.stream()])
    crate.project.run(reversed(crate.world.stream()))
    assert crate.world.history.rows == before
    assert crate.world.history.clashes == []


def test_a_batch_without_events_asks_nobody(crate: Crate) -> None:
    seen = crate.world.calls.counting()
    assert crate.project.run([(a_running(), a_running(lease_until=None))]) == 0
    assert seen == {}


@pytest.mark.parametrize("site", ["history.put", "bus.publish"])
def test_entries_appear_once_the_history_or_the_bus_is_back(crate: Crate, site: str) -> None:
    item = crate.track()
    crate.world.calls.failing(site)
    with pytest.raises(Unavailable):
        crate.drain()
    assert crate.history(item)[-1] is EventType.DOWNLOAD_COMPLETED
    assert {event.id for event in crate.world.bus.published} == {*crate.world.history.rows}


def test_each_items_last_event_that_the_history_lacks_is_put_in(crate: Crate) -> None:
    failed = crate.track("a")
    crate.world.provider.fail("audio", failed.content_id, ErrorType.REJECTED)
    crate.drain()
    del crate.world.history.rows[f"{failed.id}:3"]
    assert crate.reconcile.run() == 1
    assert crate.world.bus.published[-1] == announced(crate.world.history.rows[f"{failed.id}:3"])
    assert crate.reconcile.run() == 0


@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1])
def test_a_table_of_any_size_is_compared(crate: Crate, count: int) -> None:
    for number in range(1, count + 1):
        crate.put(a_download(root_id(number)), replace(a_download(f"{root_id(number)}-1"), event=None, seq=0))
    assert crate.reconcile.run() == count
    assert len(crate.world.history.rows) == count
