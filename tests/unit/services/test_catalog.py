"""Browsing: pages in the order of ids, and what is not there."""

import pytest

from cratekeeper.domain.catalog import Availability, Metadata
from cratekeeper.domain.errors import NotFound
from tests.memory.samples import content_id
from tests.support.crate import Crate
from tests.support.library import ALBUM, ARTIST, COVER, PORTRAIT, TRACKS, shelf_of, shelved, stock


@pytest.mark.parametrize("count", [0, 4, 5])
def test_lists_are_followed_page_by_page(crate: Crate, count: int) -> None:
    for number in range(count):
        crate.request(crate.world.provider.add_album(f"album {number}"))
    crate.settle_down()
    catalog = shelf_of(crate.world).catalog
    albums, artists, after = list[str](), list[str](), None
    for _ in range(3):
        page = catalog.albums(after=after, limit=2)
        albums += [entry.album.id for entry in page.albums]
        after = page.next_after
        if after is None:
            break
    while True:
        found = catalog.artists(after=artists[-1] if artists else None, limit=2)
        artists += [artist.id for artist in found.artists]
        if found.next_after is None:
            break
    assert albums == sorted(content_id(f"album {number}") for number in range(count))
    assert artists == sorted(content_id(f"album {number}: artist") for number in range(count))


def test_lists_say_which_pictures_are_there(crate: Crate) -> None:
    stock(crate.world)
    catalog = shelf_of(crate.world).catalog
    albums, artists = catalog.albums(after=None, limit=9), catalog.artists(after=None, limit=9)
    assert albums.standings[COVER].availability is Availability.AVAILABLE
    assert artists.standings[PORTRAIT].availability is Availability.AVAILABLE
    assert (albums.albums[0].artist_name, albums.next_after, artists.next_after) == ("Known", None, None)


def test_an_album_is_opened_with_the_tracks_that_are_known_in_its_order(crate: Crate) -> None:
    found = shelved()
    crate.world.catalog.ingest(Metadata(album=found.album, tracks=found.tracks[1:], artists=()))
    opened = shelf_of(crate.world).catalog.album(ALBUM)
    assert [track.id for track in opened.tracks] == [TRACKS[1]]
    assert opened.entry.artist_name is None


def test_what_the_catalog_does_not_know_is_not_found(crate: Crate) -> None:
    catalog = shelf_of(crate.world).catalog
    for look in (catalog.artist, catalog.album, catalog.track):
        with pytest.raises(NotFound):
            look(ARTIST)
