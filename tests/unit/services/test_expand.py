"""Expansion: an album becomes its children, once, whatever happens in between."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cratekeeper.domain.actions import Action
from cratekeeper.domain.catalog import Availability
from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import CHUNK, MAX_CHILDREN, child_id, chunk_key, chunk_of, chunk_range
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Cascade, Chunk, Download, Kind, Source
from cratekeeper.domain.states import State, Verb
from tests.memory.samples import content_id
from tests.support.builders import Values, a_row, a_track, at
from tests.support.crash import killed_at, killed_at_call, meanwhile
from tests.support.crate import ADMIN, ALICE, BOB, Crate

SIZES = [1, 97, 98, 99, 120, 196, 197, 250]
CLOSED: Values = {"paused": True}


@pytest.fixture
def crate() -> Crate:
    """A crate in which an album is expanded and none of its children starts."""
    return Crate.of(limit=1)


def expanded(crate: Crate, album: Download) -> Download:
    """The album after its expansion; the queue is paused meanwhile, so that no child starts."""
    meanwhile(crate.world.calls, "provider.album", lambda: crate.permit(album.id, **CLOSED))
    crate.work(album.id)
    return crate.item(album)


def opened(crate: Crate, album: Download) -> list[int]:
    """Every ordinal that is open, chunk by chunk."""
    found = [*sorted(crate.item(album).open)]
    for number in sorted(crate.item(album).open_chunks):
        chunk = crate.world.table.at(chunk_key(album.id, number))
        assert isinstance(chunk, Chunk)
        assert chunk.open <= {*chunk_range(number, MAX_CHILDREN)}
        found += sorted(chunk.open)
    return found


@pytest.mark.case("P-01")
@pytest.mark.parametrize("size", SIZES)
def test_an_album_becomes_its_children_in_album_order(crate: Crate, size: int) -> None:
    album = expanded(crate, crate.album(tracks=size))
    tracks = crate.world.provider.albums[album.content_id][1]
    children = crate.children(album)
    assert [child.content_id for child in children] == [track.id for track in tracks]
    assert [child.id for child in children] == [f"{album.id}-{ordinal}" for ordinal in range(1, size + 1)]
    assert {child.parent_id for child in children} == {album.id}


@pytest.mark.parametrize("size", SIZES)
def test_every_child_is_open_and_the_album_awaits_them(crate: Crate, size: int) -> None:
    album = expanded(crate, crate.album(tracks=size))
    assert album.awaits_children
    assert (album.total, album.cursor, album.due_at) == (size, size, at(60))
    assert opened(crate, album) == [*range(1, size + 1)]


@pytest.mark.case("P-08")
def test_an_expanded_album_is_in_progress_and_not_completed(crate: Crate) -> None:
    album = expanded(crate, crate.album(tracks=12))
    view = crate.queries.view(album)
    assert (album.state, len(crate.children(album))) == (State.IN_PROGRESS, 12)
    assert view.progress is not None
    assert (view.progress.total, view.progress.percent) == (12, 0)
    assert crate.history(album) == ["REQUEST_CREATED", "DOWNLOAD_STARTED", "CHILDREN_CREATED"]


@pytest.mark.case("P-02")
def test_an_album_without_children_is_completed(crate: Crate) -> None:
    album = crate.album(tracks=0)
    crate.drain()
    assert crate.item(album).state is State.COMPLETED
    assert (crate.world.table.locks, crate.held()) == ({}, set())


@pytest.mark.case("P-11")
def test_children_have_lane_source_and_owner_of_their_album(crate: Crate) -> None:
    album = crate.world.provider.add_album("album", tracks=2, covers=1, portraits=1)
    children = crate.children(expanded(crate, crate.request(album, caller=BOB, lane=Lane.LOW)))
    assert [child.kind for child in children] == [Kind.TRACK, Kind.TRACK, Kind.ALBUM_IMAGE, Kind.ARTIST_IMAGE]
    assert {(child.lane, child.source, child.requested_by) for child in children} == {(Lane.LOW, Source.USER, "bob")}


@pytest.mark.case("P-12")
def test_a_picture_that_is_named_twice_is_one_child(crate: Crate) -> None:
    provider = crate.world.provider
    album_id = provider.add_album("album", tracks=1, covers=1)
    album, tracks = provider.albums[album_id]
    provider.albums[album_id] = (replace(album, covers=album.covers * 2), tracks * 2)
    children = crate.children(expanded(crate, crate.request(album_id)))
    assert [child.kind for child in children] == [Kind.TRACK, Kind.ALBUM_IMAGE]


def test_the_catalog_knows_the_album_before_its_children_exist(crate: Crate) -> None:
    album = crate.album(tracks=3)
    killed_at(crate.world.calls, "store.commit", lambda: crate.work(album.id), number=2)
    assert crate.world.catalog.albums[album.content_id].name == "album"
    assert len(crate.world.catalog.tracks) == 3
    assert crate.children(album) == []


@pytest.mark.case("P-17")
@pytest.mark.parametrize("force", [False, True])
def test_children_whose_bytes_are_stored_know_it(crate: Crate, force: bool) -> None:
    album = crate.album(tracks=2, force=force)
    first, _ = (track.id for track in crate.world.provider.albums[album.content_id][1])
    crate.world.catalog.record(a_row(first))
    assert [child.stored for child in crate.children(expanded(crate, album))] == [not force, False]


def test_children_whose_bytes_are_missing_are_fetched(crate: Crate) -> None:
    album = crate.album(tracks=1)
    [track] = crate.world.provider.albums[album.content_id][1]
    crate.world.catalog.record(a_row(track.id, availability=Availability.MISSING))
    assert [child.stored for child in crate.children(expanded(crate, album))] == [False]


def test_an_artist_that_cannot_be_fetched_costs_only_its_pictures(crate: Crate) -> None:
    album_id = crate.world.provider.add_album("album", tracks=1, covers=1, portraits=2)
    crate.world.provider.fail("artist", content_id("album: artist"), ErrorType.TIMEOUT)
    children = crate.children(expanded(crate, crate.request(album_id)))
    assert [child.kind for child in children] == [Kind.TRACK, Kind.ALBUM_IMAGE]
    assert "artist_skipped" in crate.world.log.actions()


@pytest.mark.case("P-15")
@pytest.mark.parametrize("site", ["catalog.ingest", "catalog.media"])
def test_a_catalog_that_does_not_answer_costs_a_retry_and_makes_no_child(crate: Crate, site: str) -> None:
    album = crate.album()
    crate.world.calls.failing(site)
    crate.work(album.id)
    assert (crate.item(album).state, crate.item(album).error_type) == (State.RETRY_WAITING, ErrorType.STORAGE)
    assert crate.children(album) == []


@pytest.mark.parametrize("error_type", [ErrorType.NOT_FOUND, ErrorType.TIMEOUT])
def test_an_album_that_cannot_be_fetched_fails_like_a_track(crate: Crate, error_type: ErrorType) -> None:
    album = crate.album()
    crate.world.provider.fail("album", album.content_id, error_type)
    crate.work(album.id)
    failed = error_type is ErrorType.NOT_FOUND
    assert crate.item(album).state is (State.FAILED if failed else State.RETRY_WAITING)
    assert crate.item(album).error_type is error_type


def test_an_album_of_more_parts_than_a_family_may_have_is_rejected(crate: Crate) -> None:
    provider = crate.world.provider
    album_id = provider.add_album("album", tracks=0)
    provider.albums[album_id] = (
        provider.albums[album_id][0],
        tuple(a_track(1, id=f"{number:022}") for number in range(MAX_CHILDREN + 1)),
    )
    album = crate.request(album_id)
    crate.work(album.id)
    assert (crate.item(album).state, crate.item(album).error_type) == (State.FAILED, ErrorType.REJECTED)


def test_the_largest_family_is_expanded(crate: Crate) -> None:
    """No transaction is too large for it, of the plan neither."""
    album = crate.album(tracks=MAX_CHILDREN)
    crate.permit(album.id, limit=None)
    crate.work(album.id)
    assert (crate.item(album).cursor, crate.item(album).expanded) == (MAX_CHILDREN, True)
    assert len(crate.world.store.plans(album.id)) == len(crate.item(album).open_chunks) + 1 == 100


# Once, whatever happens


@pytest.mark.parametrize("size", [0, 2, 99])
def test_an_expansion_that_is_killed_anywhere_is_finished_by_the_next_claim(size: int) -> None:
    """I11: each ordinal once."""
    number = 1
    while is_finished_after_being_killed(size, number):
        number += 1
    assert number > 6


def is_finished_after_being_killed(size: int, number: int) -> bool:
    crate = Crate.of(limit=None)
    album = crate.album(tracks=size)
    is_killed = killed_at_call(crate.world.calls, lambda: crate.work(album.id), number=number)
    crate.world.clock.advance(61)
    crate.work(album.id)
    assert [child.id for child in crate.children(album)] == [child_id(album.id, n) for n in range(1, size + 1)]
    assert opened(crate, album) == [*range(1, size + 1)]
    return is_killed


@pytest.mark.parametrize("number", [4, 5])
def test_a_provider_that_changes_its_mind_halfway_changes_nothing(crate: Crate, number: int) -> None:
    """I11: the children are the pinned expansion."""
    album = crate.album(tracks=150)
    first = crate.world.provider.albums[album.content_id]
    killed_at(crate.world.calls, "store.commit", lambda: crate.work(album.id), number=number, after=True)
    crate.world.provider.albums[album.content_id] = (first[0], first[1][:20])
    crate.world.clock.advance(61)
    expanded(crate, album)
    assert [child.content_id for child in crate.children(album)] == [track.id for track in first[1]]


def test_a_plan_that_was_never_pinned_does_not_count(crate: Crate) -> None:
    album = crate.album(tracks=150)
    first = crate.world.provider.albums[album.content_id]
    killed_at(crate.world.calls, "store.commit", lambda: crate.work(album.id), number=2)
    crate.world.provider.albums[album.content_id] = (first[0], first[1][:20])
    crate.world.clock.advance(61)
    expanded(crate, album)
    assert len(crate.children(album)) == 20


def test_no_plan_is_pinned_of_an_album_that_was_cancelled_meanwhile(crate: Crate) -> None:
    album = crate.album(tracks=150)
    meanwhile(crate.world.calls, "catalog.ingest", lambda: crate.steer.delete(album.id, caller=ADMIN))
    crate.work(album.id)
    assert crate.world.table.parts.get(album.id, {}) == {}
    assert "lease_lost" in crate.world.log.actions()


def test_a_pinned_plan_that_is_gone_is_a_failed_attempt(crate: Crate) -> None:
    album = crate.album(tracks=150)
    killed_at(crate.world.calls, "store.commit", lambda: crate.work(album.id), number=4, after=True)
    parts = crate.world.table.parts[album.id]
    for name in [name for name in parts if name.startswith("P#")]:
        del parts[name]
    crate.world.clock.advance(61)
    crate.work(album.id)
    assert (crate.item(album).state, crate.item(album).error_type) == (State.RETRY_WAITING, ErrorType.STORAGE)


@pytest.mark.parametrize("number", range(1, chunk_of(250) + 3))
def test_a_transaction_of_an_expansion_whose_answer_was_lost_counts_once(crate: Crate, number: int) -> None:
    album = crate.album(tracks=250)
    left = number

    def lose(called: str, call: Callable[[], object]) -> object:
        nonlocal left
        left -= called == "store.commit"
        if called == "store.commit" and left == 0:
            call()
        return call()

    crate.permit(album.id, limit=None)
    crate.world.calls.around = lose
    crate.work(album.id)
    assert opened(crate, album) == [*range(1, 251)]
    assert (crate.item(album).attempts, crate.item(album).awaits_children) == (1, True)


@pytest.mark.parametrize("taken", [{"epoch": 9}, {"state": State.CANCELLED}])
def test_a_worker_whose_album_was_taken_over_creates_nothing(crate: Crate, taken: Values) -> None:
    album = crate.album(tracks=3)
    meanwhile(crate.world.calls, "catalog.ingest", lambda: crate.put(replace(crate.item(album), **taken)))
    crate.work(album.id)
    assert crate.children(album) == []
    assert "lease_lost" in crate.world.log.actions()


def test_a_worker_that_has_lost_its_lease_stops_before_the_next_chunk(crate: Crate) -> None:
    album = crate.album(tracks=150)

    def stolen() -> None:
        crate.put(replace(crate.item(album), epoch=9))
        crate.world.clock.advance(60)

    meanwhile(crate.world.calls, "store.commit", stolen)
    crate.work(album.id)
    assert crate.children(album) == []
    assert crate.item(album).epoch == 9


def test_one_chunk_is_one_transaction_of_at_most_a_hundred_writes(crate: Crate) -> None:
    album = crate.album(tracks=CHUNK + 1)
    crate.permit(album.id, limit=None)
    seen = crate.world.calls.counting()
    crate.work(album.id)
    assert seen["store.commit"] == 1 + 2 + 2  # the claim, the plan by chunks, the children by chunks


def lowered(crate: Crate, album: Download) -> Download:
    return crate.steer.act(album.id, Action.PRIORITY, caller=ALICE, lane=Lane.LOW)


def test_a_priority_changed_during_the_expansion_is_that_of_the_children_too(crate: Crate) -> None:
    album = crate.album(tracks=2)
    meanwhile(crate.world.calls, "provider.album", lambda: lowered(crate, album))
    crate.deliver()
    expanded = crate.item(album)
    assert (expanded.lane, expanded.waiting) == (Lane.LOW, Waiting(Lane.LOW, Rank.CHILDREN))
    assert {child.lane for child in crate.children(album)} == {Lane.LOW}
    assert "lease_lost" not in crate.world.log.actions()


def test_an_album_without_children_whose_expansion_was_not_heard_of_is_expanded_once(crate: Crate) -> None:
    album = crate.album(tracks=0)
    meanwhile(crate.world.calls, "catalog.ingest", lambda: crate.world.calls.losing("store.commit"))
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED
    assert not {"attempt_raised", "lease_lost"} & {*crate.world.log.actions()}


@pytest.mark.parametrize("tracks", [0, 2])
def test_a_priority_changed_just_before_the_expansion_is_stored(crate: Crate, tracks: int) -> None:
    album = crate.album(tracks=tracks)
    meanwhile(crate.world.calls, "catalog.ingest", lambda: lowered(crate, album))
    crate.deliver()
    assert (crate.item(album).expanded, crate.item(album).lane) == (True, Lane.LOW)


@pytest.mark.parametrize("forced", [False, True])
def test_a_priority_changed_and_changed_back_costs_no_lease(forced: bool) -> None:
    """Between the refused write and the look at why it was refused."""
    crate = Crate.of(limit=9)
    album = crate.album(tracks=2)
    if forced:
        crate.deliver()
        crate.steer.retry(album.id, caller=ADMIN, force=True)

    def moved() -> None:
        crate.put(replace(crate.item(album), lane=Lane.LOW))
        meanwhile(crate.world.calls, "store.get", lambda: crate.put(replace(crate.item(album), lane=Lane.NORMAL)))

    meanwhile(crate.world.calls, "store.commit", moved, after=1)
    crate.work(album.id)
    assert crate.item(album).awaits_children
    assert "lease_lost" not in crate.world.log.actions()


def test_a_priority_changed_as_an_album_rejoins_its_children_costs_no_lease() -> None:
    crate = Crate.of(limit=9)
    album = crate.album(tracks=2)
    crate.deliver()
    crate.steer.retry(album.id, caller=ADMIN, force=True)
    meanwhile(crate.world.calls, "store.commit", lambda: lowered(crate, album), after=1)
    crate.work(album.id)
    rejoined = crate.item(album)
    assert (rejoined.lane, rejoined.state, rejoined.lease_losses) == (Lane.LOW, State.IN_PROGRESS, 0)
    assert rejoined.lease_until is None
    assert "lease_lost" not in crate.world.log.actions()


def test_an_album_that_a_cascade_takes_during_its_expansion_is_left_to_it(crate: Crate) -> None:
    album = crate.album(tracks=2)
    cascade = Cascade(verb=Verb.PAUSE, event=EventType.DOWNLOAD_PAUSED, actor="alice")
    meanwhile(crate.world.calls, "provider.album", lambda: crate.put(replace(crate.item(album), cascade=cascade)))
    crate.deliver()
    assert (crate.item(album).cursor, crate.children(album)) == (0, [])
    assert "lease_lost" in crate.world.log.actions()
