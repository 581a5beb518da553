"""Overviews: everybody's downloads, and the whole in numbers."""

from collections.abc import Iterator
from typing import Any

import pytest

from cratekeeper.domain.events import Event, EventType, HistoryEntry
from cratekeeper.domain.models import Download, Kind, Source
from cratekeeper.domain.states import State
from cratekeeper.ports import Page
from cratekeeper.services.overview import SCANNED, Overview, Search, Stats
from tests.support.builders import a_child, a_download, a_running, an_album, at, root_id
from tests.support.crash import showing
from tests.support.crate import Crate, Knobs
from tests.support.operating import operated

ANY = Search()


@pytest.fixture
def overview(crate: Crate) -> Overview:
    return operated(crate).overview


def pages(overview: Overview, search: Search = ANY, *, limit: int) -> Iterator[list[str]]:
    after: str | None = None
    while True:
        page = overview.downloads(search, after=after, limit=limit)
        yield [view.item.id for view in page.views]
        after = page.next_after
        if after is None:
            return


def stored(crate: Crate, *fields: dict[str, Any]) -> list[Download]:
    items = [a_download(root_id(number), **each) for number, each in enumerate(fields, start=1)]
    crate.put(*items)
    return items


def ids_of(items: list[Download]) -> list[str]:
    return [item.id for item in items][::-1]


# Everybody's downloads


def test_everybodys_downloads_come_newest_first(crate: Crate, overview: Overview) -> None:
    items = stored(crate, *({"requested_by": name, "state": state} for state in State for name in ("alice", "bob")))
    assert list(pages(overview, limit=5)) == [ids_of(items)[:5], ids_of(items)[5:10], ids_of(items)[10:]]


@pytest.mark.case("A-08")
def test_the_failed_ones_come_in_pages(crate: Crate, overview: Overview) -> None:
    items = stored(crate, *({"state": State.FAILED} for _ in range(5)), {}, {"state": State.COMPLETED})
    found = list(pages(overview, Search(state=State.FAILED), limit=2))
    assert found == [ids_of(items[3:5]), ids_of(items[1:3]), ids_of(items[:1])]


@pytest.mark.case("Q-18")
def test_the_lists_by_status_are_disjoint_and_together_everything(crate: Crate, overview: Overview) -> None:
    items = stored(crate, *({"state": state} for state in State))
    by_state = [list(pages(overview, Search(state=state), limit=9)) for state in State]
    assert sorted(each for page in by_state for each in page) == sorted([item.id] for item in items)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (Search(user_id="bob"), [3, 2]),
        (Search(user_id="bob", state=State.FAILED), [2]),
        (Search(kind=Kind.ALBUM), [4]),
        (Search(source=Source.WATCHDOG), [3]),
        (Search(state=State.PENDING, kind=Kind.TRACK), [3, 1]),
        (Search(user_id="bob", source=Source.USER), [2]),
        (Search(user_id="carol"), []),
    ],
)
@pytest.mark.parametrize("limit", [1, 9])
def test_filters_are_applied_before_the_page_is_cut(
    crate: Crate, overview: Overview, search: Search, expected: list[int], limit: int
) -> None:
    stored(
        crate,
        {},
        {"requested_by": "bob", "state": State.FAILED},
        {"requested_by": "bob", "source": Source.WATCHDOG},
        {"kind": Kind.ALBUM, "state": State.COMPLETED},
    )
    found = list(pages(overview, search, limit=limit))
    assert [each for page in found for each in page] == [root_id(number) for number in expected]
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)


@pytest.mark.case("Q-11")
def test_children_are_seen_through_their_parent(crate: Crate, overview: Overview) -> None:
    crate.put(an_album(), a_child(1), a_child(2))
    (view,) = overview.downloads(ANY, after=None, limit=9).views
    assert (view.item.parent_id, view.progress and view.progress.total) == (None, 2)


def test_a_waiting_download_shows_its_place(crate: Crate, overview: Overview) -> None:
    stored(crate, {}, {})
    assert [view.position for view in overview.downloads(ANY, after=None, limit=9).views] == [2, 1]


def test_a_selective_filter_reads_so_much_for_a_page_and_goes_on_with_the_next(
    crate: Crate, overview: Overview
) -> None:
    stored(crate, {"kind": Kind.ALBUM}, *({} for _ in range(SCANNED + 10)))
    seen = crate.world.calls.counting()
    first = overview.downloads(Search(kind=Kind.ALBUM), after=None, limit=50)
    assert (first.views, seen) == ([], {"store.newest": 1, "store.get": SCANNED // 100})
    assert first.next_after == root_id(12)
    second = overview.downloads(Search(kind=Kind.ALBUM), after=first.next_after, limit=50)
    assert ([view.item.id for view in second.views], second.next_after) == ([root_id(1)], None)


@pytest.mark.case("Q-15")
@pytest.mark.parametrize("search", [ANY, Search(state=State.FAILED), Search(user_id="alice")])
def test_a_page_costs_the_same_however_much_is_stored(crate: Crate, overview: Overview, search: Search) -> None:
    def calls() -> dict[str, int]:
        seen = crate.world.calls.counting()
        assert len(overview.downloads(search, after=None, limit=50).views) == 50
        crate.world.calls.around = None
        return seen

    stored(crate, *({"state": State.FAILED} for _ in range(100)))
    few = calls()
    stored(crate, *({"state": State.FAILED} for _ in range(3_000)))
    assert calls() == few


def test_an_index_that_lags_shows_nothing_that_is_not_so(crate: Crate, overview: Overview) -> None:
    stored(crate, {"state": State.FAILED}, {"state": State.FAILED})
    crate.put(a_download(root_id(2), state=State.PENDING))
    showing(crate.world.calls, "store.newest", Page((root_id(2), root_id(1)), None))
    assert list(pages(overview, Search(state=State.FAILED), limit=9)) == [[root_id(1)]]


# Statistics


def ended(number: int, what: EventType, *, seconds: float, **fields: Any) -> HistoryEntry:
    details = {"bytes": 1000, "duration_ms": 2000} if what is EventType.DOWNLOAD_COMPLETED else {"error_type": "lost"}
    return HistoryEntry(
        download_id=fields.pop("id", root_id(number)),
        seq=1,
        event=Event(type=what, at=at(seconds), details=fields.pop("details", details)),
        **{"kind": "track", **fields},
    )


DONE, FAILED = EventType.DOWNLOAD_COMPLETED, EventType.DOWNLOAD_FAILED
DAY_S = 86_400


@pytest.mark.case("A-09")
def test_a_fresh_system_has_no_statistics(overview: Overview) -> None:
    assert overview.stats() == Stats(
        pending=0,
        by_state={State.IN_PROGRESS: 0, State.RETRY_WAITING: 0, State.PAUSED: 0},
        completed_today=0,
        failed_today=0,
        stale=0,
        capacity=Knobs().capacity,
        albums_this_hour=0,
        albums_today=0,
        average_duration_ms=None,
        success_rate_percent=None,
    )


@pytest.mark.case("A-09")
def test_one_of_each_state_is_one_in_each(crate: Crate, overview: Overview) -> None:
    stored(crate, *({"state": state} for state in State))
    found = overview.stats()
    assert (found.pending, *found.by_state.values()) == (1, 1, 1, 1)


@pytest.mark.case("A-07", "R-10")
def test_today_is_counted_from_midnight(crate: Crate, overview: Overview) -> None:
    midnight = -8 * 3600
    crate.world.history.put([
        ended(1, DONE, seconds=midnight - 0.001, kind="album"),
        ended(2, DONE, seconds=midnight, kind="album"),
        ended(3, DONE, seconds=0, kind="album"),
        ended(4, FAILED, seconds=0),
        ended(5, FAILED, seconds=midnight - 1),
        ended(3, DONE, seconds=0, id=f"{root_id(3)}-1"),
    ])
    found = overview.stats()
    assert (found.completed_today, found.failed_today) == (2, 1)


def test_averages_are_of_the_top_level_downloads_of_a_week(crate: Crate, overview: Overview) -> None:
    crate.world.history.put([
        ended(1, DONE, seconds=-1),
        ended(2, DONE, seconds=-6 * DAY_S, details={"bytes": 1, "duration_ms": 5001}),
        ended(3, FAILED, seconds=-2),
        ended(4, DONE, seconds=-9 * DAY_S, details={"bytes": 1, "duration_ms": 900_000}),
        ended(5, DONE, seconds=-1, id=f"{root_id(5)}-1", details={"bytes": 1, "duration_ms": 900_000}),
    ])
    found = overview.stats()
    assert (found.average_duration_ms, found.success_rate_percent) == (3500, 66.7)


def test_albums_started_are_those_of_the_capacity_windows(crate: Crate, overview: Overview) -> None:
    crate.album(tracks=1)
    crate.deliver()
    found = overview.stats()
    assert (found.albums_this_hour, found.albums_today) == (1, 1)


@pytest.mark.case("A-10")
@pytest.mark.parametrize(("age_s", "stale"), [(3600, 0), (3601, 1)])
@pytest.mark.parametrize("item_of", [a_running, lambda **fields: a_child(1, **fields)])
def test_work_is_stale_when_it_runs_for_longer_than_an_hour(
    crate: Crate, overview: Overview, age_s: int, stale: int, item_of: Any
) -> None:
    item = item_of(state=State.IN_PROGRESS, started_at=at(-age_s), lease_until=at(60), epoch=1)
    crate.put(an_album(1), item) if item.parent_id else crate.put(item)
    crate.permit(item.id)
    assert overview.stats().stale == stale


@pytest.mark.case("A-10")
def test_what_waits_is_never_stale(crate: Crate, overview: Overview) -> None:
    yesterday = at(-DAY_S)
    crate.put(
        a_download(root_id(1), created_at=yesterday),
        a_download(root_id(2), state=State.RETRY_WAITING, started_at=yesterday),
        an_album(id=root_id(3), started_at=yesterday),
    )
    assert overview.stats().stale == 0


def test_stale_work_whose_permit_is_gone_is_found_too(crate: Crate, overview: Overview) -> None:
    crate.put(a_running(started_at=at(-7200), lease_until=at(-7000)))
    assert overview.stats().stale == 1


def test_statistics_cost_the_same_however_much_is_stored(crate: Crate, overview: Overview) -> None:
    def calls() -> dict[str, int]:
        seen = crate.world.calls.counting()
        overview.stats()
        crate.world.calls.around = None
        return seen

    stored(crate, *({"state": State.IN_PROGRESS} for _ in range(200)))
    few = calls()
    stored(crate, *({"state": State.IN_PROGRESS} for _ in range(900)))
    assert calls() == few
    assert sum(few.values()) <= 16
