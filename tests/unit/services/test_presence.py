import pytest

from cratekeeper.domain.catalog import Availability
from cratekeeper.domain.models import Kind
from cratekeeper.services.presence import Standing
from tests.memory.samples import content_id
from tests.support.builders import a_row
from tests.support.crate import Crate


@pytest.mark.case("D-04")
def test_a_whole_album_and_its_tracks_are_in_the_catalog(crate: Crate) -> None:
    album = crate.album(tracks=2)
    crate.drain()
    refs = [(Kind.ALBUM, album.content_id), *((Kind.TRACK, each.content_id) for each in crate.children(album))]
    assert crate.presence.of(refs) == dict.fromkeys(refs, Standing(in_catalog=True, holder=None))


def test_what_is_asked_for_has_its_holder(crate: Crate) -> None:
    album, track = crate.album(), crate.track("single")
    refs = [(album.kind, album.content_id), (track.kind, track.content_id)]
    assert [each.holder for each in crate.presence.of(refs).values()] == [album.id, track.id]


def test_a_track_of_an_active_album_has_none_itself(crate: Crate) -> None:
    album = crate.album()
    crate.work(album.id)
    ref = (Kind.TRACK, crate.children(album)[-1].content_id)
    assert crate.presence.of([ref])[ref].holder is None


def test_an_album_that_misses_a_track_is_not_in_the_catalog(crate: Crate) -> None:
    album = crate.album(tracks=2)
    crate.drain()
    crate.world.catalog.rows.popitem()
    assert crate.presence.in_catalog([(Kind.ALBUM, album.content_id)]) == set()


@pytest.mark.parametrize("availability", sorted(Availability))
def test_a_track_is_there_only_while_it_is_available(crate: Crate, availability: Availability) -> None:
    track = content_id("a track")
    crate.world.catalog.record(a_row(track, availability=availability))
    found = crate.presence.in_catalog([(Kind.TRACK, track)])
    assert bool(found) is (availability is Availability.AVAILABLE)


def test_nothing_is_known_of_nothing(crate: Crate) -> None:
    assert crate.presence.of([]) == {}


@pytest.mark.parametrize("count", [1, 50])
def test_however_many_there_are_each_kind_of_record_is_read_once(crate: Crate, count: int) -> None:
    albums = [crate.album(f"{number}", tracks=1) for number in range(count)]
    calls = crate.world.calls.counting()
    crate.presence.of((each.kind, each.content_id) for each in albums)
    assert calls == {"catalog.known_albums": 1, "catalog.media": 1, "store.lock_holders": 1}
