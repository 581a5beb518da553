"""Activity: sealed by whoever projects, counted by whoever reads, the same for both."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from cratekeeper.domain.activity import SLOT, Activity, counted, total
from cratekeeper.domain.events import Event, EventType, HistoryEntry
from cratekeeper.domain.failures import ErrorType
from cratekeeper.services.activity import GRACE, LONGEST, ActivityReport, ActivitySeal
from tests.support.builders import NOW, at, root_id
from tests.support.crate import Crate
from tests.support.operating import operated

NOTHING = Activity(at=NOW)


def an_end(number: int, when: datetime, size_bytes: int = 1000) -> HistoryEntry:
    details = {"bytes": size_bytes, "duration_ms": 10}
    event = Event(type=EventType.DOWNLOAD_COMPLETED, at=when, details=details)
    return HistoryEntry(download_id=root_id(number), seq=1, event=event, kind="track")


def a_seal(crate: Crate) -> ActivitySeal:
    """That of a process that has just started."""
    return ActivitySeal(history=crate.world.history, clock=crate.world.clock)


def counted_ranges(crate: Crate) -> list[tuple[datetime, datetime]]:
    """Begin and end of every recount from now on."""
    seen: list[tuple[datetime, datetime]] = []

    def note(site: str, call: Any) -> Any:
        if site == "history.ended":
            seen.append((call.keywords["since"], call.keywords["until"]))
        return call()

    crate.world.calls.around = note
    return seen


@pytest.fixture
def report(crate: Crate) -> ActivityReport:
    return operated(crate).activity


def test_without_activity_there_are_empty_hours(report: ActivityReport) -> None:
    hours = report.hourly(3)
    assert hours == [Activity(at=at(-7200)), Activity(at=at(-3600)), NOTHING]


@pytest.mark.case("A-05", "A-06")
def test_an_hour_shows_what_ended_in_it(crate: Crate, report: ActivityReport) -> None:
    provider = crate.world.provider
    for number in range(3):
        crate.track(f"track {number}")
    lost = crate.track("lost")
    provider.fail("audio", lost.content_id, ErrorType.NOT_FOUND)
    crate.album("sleeve", tracks=0, pictures=1)
    crate.drain()
    (row,) = report.hourly(1)
    sizes = [
        len(source.body) for source in provider.sources.values() if source is not provider.sources[lost.content_id]
    ]
    assert (row.albums, row.tracks, row.images, row.failed) == (1, 3, 1, 1)
    assert row.size_bytes == sum(sizes)


@pytest.mark.parametrize("hours", [1, 24, 168])
def test_there_is_a_row_for_each_hour_and_the_current_one_is_the_last(
    crate: Crate, report: ActivityReport, hours: int
) -> None:
    crate.world.history.put([an_end(1, at(-3600 * (hours - 1))), an_end(2, at(-3600 * hours + 3599))])
    rows = report.hourly(hours)
    assert len(rows) == hours
    assert {later.at - earlier.at for earlier, later in pairwise(rows)} <= {timedelta(hours=1)}
    assert (rows[-1].at, rows[0].tracks, total(NOW, rows).tracks) == (NOW, 1, 1)


def test_a_slot_is_sealed_once_it_is_over(crate: Crate, report: ActivityReport) -> None:
    seal, history = a_seal(crate), crate.world.history
    first, second = an_end(1, at(10)), an_end(2, at(590))
    history.put([first, second])
    seal.run([first, second])
    crate.world.clock.advance((SLOT + GRACE).total_seconds() - 1)
    seal.run([])
    assert history.slots == {}
    crate.world.clock.advance(1)
    seal.run([])
    assert history.slots == counted([first, second])
    assert history.sealed_until == at(600)
    assert report.hourly(1)[0].tracks == 2


def test_a_sealed_slot_is_not_counted_again(crate: Crate, report: ActivityReport) -> None:
    seal, history = a_seal(crate), crate.world.history
    history.put([an_end(1, at(10))])
    seal.run([an_end(1, at(10))])
    crate.world.clock.advance(1800)
    seal.run([])
    history.rows.clear()  # their retention is over
    assert report.hourly(1)[0].tracks == 1


def test_what_is_projected_late_is_counted_when_it_comes(crate: Crate, report: ActivityReport) -> None:
    seal, history = a_seal(crate), crate.world.history
    early, late, later = an_end(1, at(10)), an_end(2, at(20)), an_end(3, at(700))
    history.put([early])
    seal.run([early])
    crate.world.clock.advance(3000)
    seal.run([])
    history.put([late, later])
    seal.run([late, later])
    assert [row.tracks for row in history.slots.values()] == [2, 1]
    assert report.hourly(1)[0].tracks == 3


def test_an_index_that_lags_behind_hides_nothing_of_what_was_just_put(crate: Crate) -> None:
    """The entries are not in the index yet when their slot is counted anew."""
    seal, history = a_seal(crate), crate.world.history
    seal.run([an_end(1, at(0))])
    crate.world.clock.advance(3000)
    late = an_end(2, at(20))
    seal.run([late])
    assert history.slots[NOW].tracks == 1


def test_of_two_recounts_the_one_that_saw_more_stays(crate: Crate) -> None:
    history = crate.world.history
    more, less = Activity(at=NOW, tracks=2, events=2), Activity(at=NOW, tracks=1, events=1)
    history.seal([more], until=at(600))
    history.seal([less], until=at(0))
    assert (history.slots[NOW], history.sealed_until) == (more, at(600))


def test_any_number_of_processes_seal_the_same(crate: Crate) -> None:
    history = crate.world.history
    entries = [an_end(number, at(300 * number)) for number in range(20)]
    history.put(entries)
    a_seal(crate).run(entries)
    crate.world.clock.advance(9_000)
    for _ in range(3):
        a_seal(crate).run(entries)
    assert history.slots == counted(entries)


def test_a_process_that_starts_goes_on_where_the_sealing_ended(crate: Crate) -> None:
    history = crate.world.history
    history.seal([], until=at(0))
    crate.world.clock.advance(1800)
    seen = counted_ranges(crate)
    seal = a_seal(crate)
    seal.run([])
    seal.run([])
    assert seen == [(at(0), at(1200))]


def test_after_a_long_rest_no_more_than_a_week_is_counted(crate: Crate) -> None:
    history = crate.world.history
    history.seal([], until=NOW - timedelta(days=30))
    seen = counted_ranges(crate)
    a_seal(crate).run([])
    assert seen == [(NOW - SLOT - LONGEST, NOW - SLOT)]
    assert history.sealed_until == NOW - SLOT


def test_nothing_is_read_or_written_before_the_first_end(crate: Crate) -> None:
    seen = crate.world.calls.counting()
    a_seal(crate).run([])
    assert seen == {"history.activity": 1}


@pytest.mark.case("R-10")
def test_a_failure_for_good_is_one_more_of_the_hour_and_of_today(crate: Crate) -> None:
    services = operated(crate)
    track = crate.track()
    crate.world.provider.fail("audio", track.content_id, ErrorType.TIMEOUT, times=9)
    crate.settle_down()
    assert crate.history(track).count(EventType.DOWNLOAD_FAILED) == 1
    assert total(NOW, services.activity.hourly(24)).failed == 1
    assert services.overview.stats().failed_today == 1


def test_reading_costs_the_same_however_long_the_history_is(crate: Crate, report: ActivityReport) -> None:
    def calls() -> dict[str, int]:
        seen = crate.world.calls.counting()
        report.hourly(168)
        crate.world.calls.around = None
        return seen

    few = calls()
    entries = [an_end(number, at(-600 * number)) for number in range(1000)]
    crate.world.history.put(entries)
    a_seal(crate).run(entries)
    assert calls() == few == {"history.activity": 1, "history.ended": 1}
