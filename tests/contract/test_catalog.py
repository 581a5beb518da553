"""The port CatalogStore: what is known of albums, and where their bytes are."""

from dataclasses import replace

import pytest

from cratekeeper.adapters.dynamodb.catalog import DynamoCatalog
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.domain.catalog import Album, Artist, Availability, Image, MediaRow, Metadata, StoredAlbum, Track
from cratekeeper.domain.models import Kind, Media
from cratekeeper.ports import CatalogStore
from tests.contract.samples import a_medium
from tests.memory.catalog import MemoryCatalog
from tests.memory.samples import content_id, image_id


@pytest.fixture
def catalog(backend: str, patience: Patience, request: pytest.FixtureRequest) -> CatalogStore:
    if backend == "memory":
        return MemoryCatalog()
    emulator, tables = request.getfixturevalue("emulator"), request.getfixturevalue("tables")
    return DynamoCatalog(emulator.aws.dynamodb, tables.catalog, patience=patience)


def metadata(tracks: int = 3) -> Metadata:
    artist = Artist(id=content_id("artist"), name="An Artist", genres=("jazz",), portraits=(Image(id=image_id("p")),))
    album_id = content_id("album")
    listed = tuple(
        Track(id=content_id(f"track {n}"), name=f"Track {n}", album_id=album_id, artist_ids=(artist.id,), number=n)
        for n in range(1, tracks + 1)
    )
    album = Album(
        id=album_id,
        name="An Album",
        album_type="album",
        artist_ids=(content_id("unfetched"), artist.id),
        label="A Label",
        released=-86_400,
        genres=("jazz", "fusion"),
        covers=(Image(id=image_id("c"), width=640, height=640),),
        track_ids=tuple(track.id for track in listed),
    )
    return Metadata(album=album, tracks=listed, artists=(artist,))


def a_row(
    kind: Kind = Kind.TRACK, content: str = "track 1", availability: Availability = Availability.AVAILABLE
) -> MediaRow:
    key = content_id(content) if kind is Kind.TRACK else image_id(content)
    return MediaRow(content_id=key, kind=kind, media=a_medium(key), availability=availability)


@pytest.mark.case("D-04")
def test_an_ingested_album_is_known(catalog: CatalogStore) -> None:
    found = metadata()
    catalog.ingest(found)
    album = catalog.album(found.album.id)
    assert album == StoredAlbum(
        id=found.album.id,
        name="An Album",
        artist_name="An Artist",
        track_ids=found.album.track_ids,
    )


def test_many_albums_are_known_at_once(catalog: CatalogStore) -> None:
    found = metadata()
    catalog.ingest(found)
    catalog.ingest(Metadata(album=Album(id=content_id("empty"), name="E"), tracks=(), artists=()))
    asked = [content_id(f"{number}") for number in range(150)]
    known = catalog.known_albums([*asked, found.album.id, content_id("empty"), found.album.id])
    assert known == {each: catalog.album(each) for each in (found.album.id, content_id("empty"))}
    assert catalog.known_albums(each for each in [found.album.id]) == {found.album.id: catalog.album(found.album.id)}
    assert catalog.known_albums([]) == {}


def test_an_unknown_album_is_none(catalog: CatalogStore) -> None:
    assert catalog.album(content_id("unknown")) is None


def test_an_album_of_nothing(catalog: CatalogStore) -> None:
    album = Album(id=content_id("empty"), name="")
    catalog.ingest(Metadata(album=album, tracks=(), artists=()))
    expected = StoredAlbum(id=album.id, name="", artist_name=None, track_ids=())
    assert catalog.album(album.id) == expected


@pytest.mark.parametrize("tracks", [22, 23, 24, 60])
def test_an_album_larger_than_a_batch(catalog: CatalogStore, tracks: int) -> None:
    found = metadata(tracks)
    catalog.ingest(found)
    album = catalog.album(found.album.id)
    assert album is not None
    assert album.track_ids == found.album.track_ids


def test_ingesting_again_resets_no_media(catalog: CatalogStore) -> None:
    found, row = metadata(), a_row()
    catalog.ingest(found)
    catalog.record(row)
    catalog.ingest(found)
    assert catalog.media([(Kind.TRACK, row.content_id)]) == {row.content_id: row}


def test_metadata_that_names_things_twice_is_ingested(catalog: CatalogStore) -> None:
    found = metadata()
    twice = replace(found, tracks=found.tracks * 2, artists=found.artists * 2)
    catalog.ingest(twice)
    assert catalog.album(found.album.id) is not None


def test_a_single_track_is_ingested(catalog: CatalogStore) -> None:
    track = metadata().tracks[0]
    catalog.ingest_track(track)
    catalog.ingest_track(track)
    assert catalog.album(track.album_id) is None


def test_media_are_found_by_kind_and_id(catalog: CatalogStore) -> None:
    rows = [a_row(), a_row(Kind.ALBUM_IMAGE, "c"), a_row(Kind.ARTIST_IMAGE, "p", availability=Availability.MISSING)]
    for row in rows:
        catalog.record(row)
    refs = [(row.kind, row.content_id) for row in rows]
    unknown = (Kind.TRACK, content_id("unknown"))
    assert catalog.media([*refs, unknown, refs[0]]) == {row.content_id: row for row in rows}
    assert catalog.media([]) == {}


def test_a_row_is_put_over_the_last(catalog: CatalogStore) -> None:
    row = a_row()
    catalog.record(replace(row, availability=Availability.FETCHING))
    media = Media(key=f"audio/{row.content_id}.ogg", size_bytes=1, sha256="00" * 32, content_type="audio/ogg")
    catalog.record(replace(row, media=media))
    assert catalog.media([(row.kind, row.content_id)]) == {row.content_id: replace(row, media=media)}


def test_more_media_than_one_read_takes(catalog: CatalogStore) -> None:
    rows = [a_row(content=f"track {number}") for number in range(130)]
    for row in rows:
        catalog.record(row)
    assert len(catalog.media((row.kind, row.content_id) for row in rows)) == 130


@pytest.mark.parametrize("kind", [Kind.TRACK, Kind.ALBUM_IMAGE])
def test_what_was_given_up_is_unavailable_until_it_is_stored(catalog: CatalogStore, kind: Kind) -> None:
    row = a_row(kind)
    ref = (kind, row.content_id)
    for _ in range(2):
        catalog.give_up(*ref)
        found = catalog.media([ref])[row.content_id]
        assert found == replace(row, media=None, availability=Availability.UNAVAILABLE)
    catalog.record(row)
    assert catalog.media([ref]) == {row.content_id: row}


def test_what_is_stored_is_not_given_up(catalog: CatalogStore) -> None:
    row = a_row()
    catalog.record(row)
    catalog.give_up(row.kind, row.content_id)
    assert catalog.media([(row.kind, row.content_id)]) == {row.content_id: row}


def test_what_is_lost_keeps_its_object_and_may_be_given_up(catalog: CatalogStore) -> None:
    row = a_row()
    ref = (row.kind, row.content_id)
    catalog.record(row)
    for _ in range(2):
        catalog.lose(row)
        assert catalog.media([ref]) == {row.content_id: replace(row, availability=Availability.MISSING)}
    catalog.give_up(*ref)
    assert catalog.media([ref]) == {row.content_id: replace(row, availability=Availability.UNAVAILABLE)}


def test_what_was_stored_anew_or_never_is_not_lost(catalog: CatalogStore) -> None:
    old, new, never = a_row(), replace(a_row(), media=a_medium("another")), a_row(content="never")
    catalog.record(new)
    catalog.lose(old)
    catalog.lose(never)
    catalog.lose(replace(never, media=None, availability=Availability.UNAVAILABLE))
    refs = [(row.kind, row.content_id) for row in (new, never)]
    assert catalog.media(refs) == {new.content_id: new}
