from dataclasses import replace

import pytest

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.errors import NotFound
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Kind, Tally
from cratekeeper.domain.progress import Progress
from cratekeeper.domain.states import ACTIVE, State
from cratekeeper.services.queries import MOST_POSITIONS, SCANNED, Filters
from tests.support.builders import ROOT, a_child, a_download, an_album, root_id
from tests.support.crate import ADMIN, ALICE, BOB, Crate

VIEWER = Caller(user_id="eve", role=Role.VIEWER)
ANY = Filters()


def listed(crate: Crate, filters: Filters = ANY, *, limit: int = 200, caller: Caller = ALICE) -> list[str]:
    """The ids of all pages, one after the other."""
    pages = [page for page, _ in pages_of(crate, filters, limit=limit, caller=caller)]
    return [each for page in pages for each in page]


def pages_of(
    crate: Crate, filters: Filters = ANY, *, limit: int, caller: Caller = ALICE
) -> list[tuple[list[str], str | None]]:
    pages: list[tuple[list[str], str | None]] = []
    while not pages or pages[-1][1]:
        after = pages[-1][1] if pages else None
        found = crate.queries.mine(filters, caller=caller, after=after, limit=limit)
        pages.append(([view.item.id for view in found.views], found.next_after))
    return pages


# One


@pytest.mark.case("T-15")
def test_a_download_is_seen_by_its_owner_and_by_who_may_edit_the_catalog(crate: Crate) -> None:
    item = crate.track()
    for caller in (ALICE, ADMIN):
        assert crate.queries.one(item.id, caller=caller).item == item


@pytest.mark.parametrize("caller", [BOB, VIEWER])
def test_a_foreign_download_is_as_unknown_as_one_that_is_not_there(crate: Crate, caller: Caller) -> None:
    """I29."""
    item = crate.track()
    refusals = []
    for download_id in (item.id, root_id(7), "no id at all", f"{item.id}-1"):
        with pytest.raises(NotFound) as refused:
            crate.queries.one(download_id, caller=caller)
        refusals.append(refused.value.args)
    assert len({*refusals}) == 1


def test_a_child_is_seen_like_its_album(crate: Crate) -> None:
    crate.put(an_album(), a_child(1))
    assert crate.queries.one(child_id(ROOT, 1), caller=ALICE).item == a_child(1)
    with pytest.raises(NotFound):
        crate.queries.one(child_id(ROOT, 1), caller=BOB)


@pytest.mark.case("Q-12")
def test_the_oldest_of_a_thousand_and_one_downloads_is_found(crate: Crate) -> None:
    crate.put(*(a_download(root_id(number)) for number in range(1, 1002)))
    assert crate.queries.one(root_id(1), caller=ALICE).item.id == root_id(1)


# Place in the queue


def position(crate: Crate, download_id: str) -> int | None:
    return crate.queries.one(download_id, caller=ADMIN).position


@pytest.mark.case("Q-06")
def test_three_requests_of_one_second_have_places_one_to_three(crate: Crate) -> None:
    items = [crate.track(name) for name in "abc"]
    assert [position(crate, item.id) for item in items] == [1, 2, 3]


@pytest.mark.case("Q-08")
def test_places_are_counted_over_all_lanes_and_owners(crate: Crate) -> None:
    for number, (lane, owner) in enumerate(((Lane.LOW, "a"), (Lane.NORMAL, "b"), (Lane.HIGH, "c")), 1):
        crate.put(a_download(root_id(number), lane=lane, requested_by=owner))
    assert [position(crate, root_id(number)) for number in (3, 2, 1)] == [1, 2, 3]


@pytest.mark.case("Q-09")
@pytest.mark.parametrize("state", sorted({*State} - {State.PENDING}))
def test_only_what_is_pending_has_a_place(crate: Crate, state: State) -> None:
    crate.put(a_download(state=state))
    assert position(crate, ROOT) is None


@pytest.mark.case("Q-09")
def test_a_child_has_no_place(crate: Crate) -> None:
    crate.put(an_album(), a_child(1), a_download(root_id(2)))
    assert position(crate, child_id(ROOT, 1)) is None


@pytest.mark.parametrize(("before", "place"), [(MOST_POSITIONS - 1, MOST_POSITIONS), (MOST_POSITIONS, None)])
def test_a_place_is_exact_up_to_a_thousand(crate: Crate, before: int, place: int | None) -> None:
    crate.put(*(a_download(root_id(number)) for number in range(1, before + 1)), a_download(root_id(9999)))
    assert position(crate, root_id(9999)) == place


# Progress


def progress(crate: Crate, download_id: str = ROOT) -> Progress | None:
    return crate.queries.one(download_id, caller=ALICE).progress


def test_a_single_download_has_no_progress(crate: Crate) -> None:
    assert progress(crate, crate.track().id) is None


@pytest.mark.case("P-16")
def test_an_album_that_is_not_expanded_has_none_yet(crate: Crate) -> None:
    assert progress(crate, crate.album().id) == Progress()


@pytest.mark.case("P-03")
def test_an_active_albums_progress_is_that_of_its_children(crate: Crate) -> None:
    states = [State.COMPLETED, State.FAILED, State.PENDING, State.IN_PROGRESS]
    crate.put(an_album(4), *(a_child(ordinal, state=state) for ordinal, state in enumerate(states, 1)))
    assert progress(crate) == Progress(total=4, completed=1, failed=1, pending=1, in_progress=1)


def test_an_ended_albums_progress_is_what_it_kept(crate: Crate) -> None:
    crate.put(an_album(3, state=State.COMPLETED, final=Tally(completed=2, cancelled=1), bytes_downloaded=9))
    assert progress(crate) == Progress(total=3, completed=2, cancelled=1, size_bytes=9)


def test_an_album_that_vanishes_while_it_is_looked_at_has_no_progress(crate: Crate) -> None:
    assert crate.queries.view(an_album()).progress == Progress()


# Lists


@pytest.mark.case("Q-10")
def test_pages_are_cut_newest_first_without_overlap(crate: Crate) -> None:
    crate.put(*(a_download(root_id(number)) for number in range(1, 6)))
    pages = pages_of(crate, limit=2)
    assert [len(page) for page, _ in pages] == [2, 2, 1]
    assert [each for page, _ in pages for each in page] == [root_id(number) for number in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize("limit", [1, 2, 3, 6])
def test_a_last_page_that_is_full_has_no_successor(crate: Crate, limit: int) -> None:
    crate.put(*(a_download(root_id(number)) for number in range(1, 7)))
    pages = pages_of(crate, limit=limit)
    assert [len(page) for page, _ in pages] == [limit] * (6 // limit)


@pytest.mark.case("Q-11")
def test_a_list_shows_roots_and_never_children(crate: Crate) -> None:
    crate.put(an_album(12), *(a_child(ordinal) for ordinal in range(1, 13)), a_download(root_id(2), kind=Kind.ALBUM))
    page = crate.queries.mine(ANY, caller=ALICE, after=None, limit=50)
    assert [view.item.parent_id for view in page.views] == [None, None]


def test_a_list_never_crosses_users(crate: Crate) -> None:
    crate.put(a_download(root_id(1)), a_download(root_id(2), requested_by="bob"))
    assert listed(crate, caller=ALICE) == [root_id(1)]
    assert listed(crate, caller=ADMIN) == []


@pytest.mark.case("Q-18")
def test_lists_by_state_are_disjoint_and_together_the_whole_list(crate: Crate) -> None:
    crate.put(*(a_download(root_id(number), state=state) for number, state in enumerate(State, 1)))
    by_state = [listed(crate, Filters(state=state)) for state in State]
    assert [len(each) for each in by_state] == [1] * 7
    assert {each for ids in by_state for each in ids} == {*listed(crate)}


def test_lists_are_filtered_by_kind_and_activity(crate: Crate) -> None:
    album = a_download(root_id(9), kind=Kind.ALBUM, state=State.FAILED)
    crate.put(album, *(a_download(root_id(number), state=state) for number, state in enumerate(State, 1)))
    assert listed(crate, Filters(kind=Kind.ALBUM)) == [album.id]
    assert len(listed(crate, Filters(active=True))) == len(ACTIVE)
    assert len(listed(crate, Filters(active=False))) == 8 - len(ACTIVE)
    assert listed(crate, Filters(kind=Kind.TRACK, state=State.FAILED, active=True)) == []


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_filters_are_applied_before_the_page_is_cut(crate: Crate, limit: int) -> None:
    failed = [1, 2, 150]
    crate.put(
        *(
            a_download(root_id(number), state=State.FAILED if number in failed else State.COMPLETED)
            for number in range(1, 301)
        ),
    )
    page, _ = pages_of(crate, Filters(state=State.FAILED), limit=limit)[0]
    assert page == [root_id(number) for number in (150, 2, 1)][:limit]


def test_a_filtered_page_that_is_full_has_no_successor_if_nothing_else_matches(crate: Crate) -> None:
    crate.put(*(a_download(root_id(number), state=State.COMPLETED) for number in range(1, 150)))
    crate.put(a_download(root_id(150), state=State.FAILED))
    assert pages_of(crate, Filters(state=State.FAILED), limit=1) == [([root_id(150)], None)]


@pytest.mark.parametrize("limit", [1, 200])
def test_a_page_looks_at_a_bounded_number_of_downloads_and_the_next_goes_on(crate: Crate, limit: int) -> None:
    crate.put(a_download(root_id(1), state=State.FAILED))
    crate.put(*(a_download(root_id(number), state=State.COMPLETED) for number in range(2, SCANNED + 52)))
    assert listed(crate, Filters(state=State.FAILED), limit=limit) == [root_id(1)]
    first, after = pages_of(crate, Filters(state=State.FAILED), limit=limit)[0]
    assert first == []
    assert after == root_id(52)


def test_a_root_that_is_gone_but_still_in_the_index_is_left_out(crate: Crate) -> None:
    crate.put(a_download(root_id(1)), a_download(root_id(2)))
    ghost = replace(a_download(root_id(3)))
    page = crate.world.store.roots_of("alice", after=None, limit=3)
    shown = page._replace(ids=(ghost.id, *page.ids))
    crate.world.calls.around = lambda site, call: shown if site == "store.roots_of" else call()
    assert listed(crate) == [root_id(2), root_id(1)]


# Children and history


@pytest.mark.case("P-01")
def test_children_are_listed_in_album_order_page_by_page(crate: Crate) -> None:
    crate.put(an_album(12), *(a_child(ordinal) for ordinal in range(1, 13)))
    first = crate.queries.children(ROOT, caller=ALICE, after=0, limit=10)
    last = crate.queries.children(ROOT, caller=ALICE, after=10, limit=10)
    ids = [view.item.id for view in (*first.views, *last.views)]
    assert ids == [child_id(ROOT, ordinal) for ordinal in range(1, 13)]
    assert (first.next_after, last.next_after) == (child_id(ROOT, 10), None)


def test_a_child_has_no_children(crate: Crate) -> None:
    crate.put(an_album(), a_child(1))
    assert crate.queries.children(child_id(ROOT, 1), caller=ALICE, after=0, limit=10).views == []


@pytest.mark.case("A-01")
def test_events_are_told_oldest_first_page_by_page(crate: Crate) -> None:
    item = crate.track()
    crate.drain()
    first, after = crate.queries.events(item.id, caller=ALICE, after=0, limit=2)
    last, end = crate.queries.events(item.id, caller=ALICE, after=int(after or 0), limit=2)
    assert [entry.event.type for entry in (*first, *last)] == [
        "REQUEST_CREATED",
        "DOWNLOAD_STARTED",
        "DOWNLOAD_COMPLETED",
    ]
    assert (after, end) == ("2", None)


@pytest.mark.case("A-01")
def test_children_and_events_of_an_unknown_download_are_not_found(crate: Crate) -> None:
    with pytest.raises(NotFound):
        crate.queries.events(ROOT, caller=ALICE, after=0, limit=10)
    with pytest.raises(NotFound):
        crate.queries.children(ROOT, caller=ALICE, after=0, limit=10)
