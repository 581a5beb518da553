"""Availability follows what becomes of downloads."""

import pytest

from cratekeeper.domain.catalog import Album, Availability, Metadata, assigned, plan
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import Kind
from cratekeeper.domain.steering import Action
from cratekeeper.services.availability import Availabilities, Content
from tests.memory.samples import content_id
from tests.support.crate import ALICE, ONE_BY_ONE, Crate
from tests.support.library import shelf_of

AVAILABLE, MISSING = Availability.AVAILABLE, Availability.MISSING
FETCHING, UNAVAILABLE = Availability.FETCHING, Availability.UNAVAILABLE


def of_track(crate: Crate, track_id: str) -> Availability:
    return shelf_of(crate.world).catalog.track(track_id)[1][track_id].availability


def of_album(crate: Crate, name: str = "album") -> list[Availability]:
    """Its tracks in order, then its covers, then its artist's portraits."""
    shelf = shelf_of(crate.world).catalog
    entry, tracks, standings = shelf.album(content_id(name))
    artist, portraits = shelf.artist(entry.album.artist_ids[0])
    ids = [*(track.id for track in tracks), *(cover.id for cover in entry.album.covers)]
    shown = [standings[each] for each in ids] + [portraits[image.id] for image in artist.portraits]
    assert all((each.media is not None) is (each.availability is AVAILABLE) for each in shown)
    return [each.availability for each in shown]


def fail(crate: Crate, content: str, error_type: ErrorType = ErrorType.NOT_FOUND, *, times: int = 1) -> None:
    method = "image" if len(content) == 40 else "audio"
    failures = [TransferFailed(error_type, "x")] * times
    crate.world.provider.failures[method, content] = failures


def test_an_albums_contents_are_fetching_and_then_available() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    album_id = crate.world.provider.add_album("album", tracks=2, covers=1, portraits=1)
    crate.request(album_id)
    crate.deliver()
    assert of_album(crate) == [FETCHING] * 4
    crate.deliver()
    assert of_album(crate) == [AVAILABLE, FETCHING, FETCHING, FETCHING]
    crate.drain()
    assert of_album(crate) == [AVAILABLE] * 4


@pytest.mark.case("R-07")
def test_what_the_provider_does_not_have_is_unavailable_until_it_is_asked_for_again(crate: Crate) -> None:
    album_id = crate.world.provider.add_album("album", tracks=2)
    lost = content_id("album: 2")
    fail(crate, lost)
    root = crate.request(album_id)
    crate.drain()
    assert of_album(crate) == [AVAILABLE, UNAVAILABLE]
    crate.steer.act(root.id, Action.RETRY, caller=ALICE)
    assert of_album(crate) == [AVAILABLE, FETCHING]
    crate.settle_down()
    assert of_album(crate) == [AVAILABLE, AVAILABLE]


def test_a_picture_that_cannot_be_fetched_is_unavailable(crate: Crate) -> None:
    album = crate.album(tracks=1, pictures=1)
    fail(crate, crate.world.provider.albums[album.content_id][0].covers[0].id, ErrorType.REJECTED)
    crate.drain()
    assert of_album(crate) == [AVAILABLE, UNAVAILABLE]


def test_what_waits_for_a_retry_is_fetching(crate: Crate) -> None:
    album = crate.album(tracks=1)
    fail(crate, content_id("album: 1"), ErrorType.TIMEOUT)
    crate.drain()
    assert of_album(crate) == [FETCHING]
    crate.steer.act(album.id, Action.PAUSE, caller=ALICE)
    assert of_album(crate) == [FETCHING]


@pytest.mark.parametrize("is_expanded", [False, True])
def test_what_was_cancelled_is_missing(is_expanded: bool) -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    album = crate.album(tracks=2)
    if is_expanded:
        crate.deliver()
    else:
        crate.world.catalog.ingest(an_assigned(crate, album.id))
        assert of_album(crate) == [FETCHING, FETCHING]
    crate.steer.act(album.id, Action.CANCEL, caller=ALICE)
    assert of_album(crate) == [MISSING, MISSING]


def an_assigned(crate: Crate, root: str) -> Metadata:
    """What an expansion ingests before it creates the children: it may die in between."""
    album, tracks = crate.world.provider.albums[content_id("album")]
    artists = tuple(crate.world.provider.artists[each] for each in album.artist_ids)
    metadata = Metadata(album=album, tracks=tracks, artists=artists)
    return assigned(metadata, root, plan(metadata, {}))


def test_a_deleted_album_holds_nothing(crate: Crate) -> None:
    album = crate.album(tracks=1)
    fail(crate, content_id("album: 1"), ErrorType.TIMEOUT)
    crate.drain()
    crate.world.table.parts.pop(album.id)
    assert of_album(crate) == [MISSING]


def test_children_beyond_the_first_chunk_are_looked_up_in_theirs() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    crate.album(tracks=120)
    crate.deliver()
    assert of_album(crate) == [FETCHING] * 120
    crate.drain()
    assert of_album(crate) == [AVAILABLE] * 120


def test_a_single_track_is_fetching_from_the_request_on(crate: Crate) -> None:
    track = crate.world.provider.add_track("single")
    crate.world.catalog.ingest_track(track)
    assert of_track(crate, track.id) is MISSING
    fail(crate, track.id, ErrorType.TIMEOUT, times=6)
    crate.request(track.id, kind=Kind.TRACK)
    assert of_track(crate, track.id) is FETCHING
    crate.settle_down()
    assert of_track(crate, track.id) is UNAVAILABLE


def test_bytes_that_are_there_stay_available_while_they_are_fetched_anew(crate: Crate) -> None:
    track = crate.track("single")
    crate.drain()
    crate.request(track.content_id, kind=Kind.TRACK, force=True)
    assert of_track(crate, track.content_id) is AVAILABLE
    fail(crate, track.content_id, ErrorType.NOT_FOUND)
    crate.drain()
    assert of_track(crate, track.content_id) is AVAILABLE


def test_lost_bytes_are_missing_until_they_are_repaired(crate: Crate) -> None:
    track = crate.track("single")
    crate.drain()
    row = crate.world.catalog.rows[Kind.TRACK, track.content_id]
    assert row.media is not None
    del crate.world.media.objects[row.media.key]
    crate.world.catalog.lose(row)
    assert of_track(crate, track.content_id) is MISSING
    crate.request(track.content_id, kind=Kind.TRACK)
    assert of_track(crate, track.content_id) is FETCHING
    crate.drain()
    assert of_track(crate, track.content_id) is AVAILABLE


@pytest.mark.case("P-17")
@pytest.mark.parametrize("at_once", [False, True])
def test_a_track_of_two_albums_is_stored_once(crate: Crate, *, at_once: bool) -> None:
    provider = crate.world.provider
    first, second = provider.add_album("one", tracks=1), provider.add_album("two", tracks=1)
    shared = provider.albums[first][1]
    provider.albums[second] = (Album(id=second, name="two", track_ids=(shared[0].id,)), shared)
    crate.request(first)
    if not at_once:
        crate.drain()
    crate.request(second)
    crate.settle_down()
    key = f"audio/{shared[0].id}.wav"
    assert ([*crate.world.media.objects], crate.world.media.overwritten) == ([key], [])
    assert provider.asked["audio", shared[0].id] == (2 if at_once else 1)
    assert of_album(crate, "one") == of_tracks(crate, "two") == [AVAILABLE]


def of_tracks(crate: Crate, name: str) -> list[Availability]:
    _, tracks, standings = shelf_of(crate.world).catalog.album(content_id(name))
    return [standings[track.id].availability for track in tracks]


def test_nothing_is_asked_of_the_queue_for_what_is_there(crate: Crate) -> None:
    crate.album(tracks=2, pictures=1)
    crate.drain()
    calls = crate.world.calls.counting()
    shelf_of(crate.world).catalog.album(content_id("album"))
    assert calls == {"library.album": 1, "library.tracks": 1, "catalog.media": 1}


def test_looking_at_many_takes_reads_of_a_hundred(crate: Crate) -> None:
    roots = [crate.album(f"{number}", tracks=1).id for number in range(70)]
    contents = [Content(Kind.TRACK, content_id(f"{root}"), f"{root}-1") for root in roots]
    calls = crate.world.calls.counting()
    found = Availabilities(store=crate.world.store, catalog=crate.world.catalog).of(contents * 2)
    assert {each.availability for each in found.values()} == {FETCHING}
    assert calls == {"catalog.media": 1, "store.lock_holders": 1, "store.get": 1}
