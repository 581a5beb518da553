"""Activity: what an entry counts for."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.activity import Activity, counted, hour_of, slot_of, total
from cratekeeper.domain.events import Event, EventType, HistoryEntry
from cratekeeper.domain.models import Kind
from tests.support.builders import NOW, ROOT, at

DONE, FAILED = EventType.DOWNLOAD_COMPLETED, EventType.DOWNLOAD_FAILED


def an_end(what: EventType = DONE, *, kind: Kind = Kind.TRACK, when: datetime = NOW, **details: Any) -> HistoryEntry:
    event = Event(type=what, at=when, details=details)
    return HistoryEntry(download_id=ROOT, seq=3, event=event, kind=kind.value, content_id="c")


def of_a_child(entry: HistoryEntry) -> HistoryEntry:
    return replace(entry, download_id=f"{ROOT}-1")


def one(entry: HistoryEntry) -> Activity:
    (row,) = counted([entry]).values()
    return row


@pytest.mark.parametrize(
    ("kind", "column", "size_bytes"),
    [
        (Kind.ALBUM, "albums", 0),
        (Kind.TRACK, "tracks", 1000),
        (Kind.ALBUM_IMAGE, "images", 1000),
        (Kind.ARTIST_IMAGE, "images", 1000),
    ],
)
def test_a_completion_counts_in_its_column(kind: Kind, column: str, size_bytes: int) -> None:
    """The bytes of an album are those of its tracks and images."""
    row = one(an_end(kind=kind, bytes=1000, duration_ms=500))
    expected = {column: 1, "size_bytes": size_bytes, "roots_completed": 1, "duration_ms": 500, "events": 1}
    assert row == Activity(at=NOW, **expected)


def test_a_child_is_no_top_level_download() -> None:
    done, lost = an_end(bytes=7, duration_ms=500), an_end(FAILED, error_type="timeout")
    assert one(of_a_child(done)) == Activity(at=NOW, tracks=1, size_bytes=7, events=1)
    assert one(of_a_child(lost)) == Activity(at=NOW, failed=1, events=1)


@pytest.mark.parametrize(("details", "failed"), [({"error_type": "not_found"}, 1), ({"children": 12}, 0)])
def test_an_album_that_fails_by_its_children_is_not_counted_beside_them(details: dict[str, Any], failed: int) -> None:
    row = one(an_end(FAILED, kind=Kind.ALBUM, **details))
    assert row == Activity(at=NOW, failed=failed, roots_failed=1, events=1)


@pytest.mark.parametrize("what", [each for each in EventType if each not in {DONE, FAILED}])
def test_other_events_are_not_counted(what: EventType) -> None:
    assert counted([an_end(what)]) == {}


def test_an_entry_given_twice_counts_once() -> None:
    assert one(an_end()) == next(iter(counted([an_end(), an_end()]).values()))


@pytest.mark.parametrize(("seconds", "slot"), [(0, 0), (599.999, 0), (600, 600), (3599, 3000), (3600, 3600)])
def test_slots_are_ten_minutes(seconds: float, slot: int) -> None:
    assert slot_of(at(seconds)) == at(slot)
    assert [*counted([an_end(when=at(seconds))])] == [at(slot)]


def test_six_slots_are_an_hour() -> None:
    assert {hour_of(slot_of(at(600 * number))) for number in range(6)} == {NOW}
    assert hour_of(at(3600)) == at(3600)


numbers = st.integers(0, 10**12)
rows = st.builds(Activity, at=st.just(NOW), tracks=numbers, size_bytes=numbers, failed=numbers, events=numbers)


@pytest.mark.case("A-06")
@given(found=st.lists(rows))
def test_a_total_is_the_sum_of_its_rows(found: list[Activity]) -> None:
    summed = total(NOW, found)
    assert summed.tracks == sum(row.tracks for row in found)
    assert summed.size_bytes == sum(row.size_bytes for row in found)
    assert (summed.failed, summed.events) == (sum(r.failed for r in found), sum(r.events for r in found))
