"""The ports Library and Plays: what is known of artists, albums and tracks, and what was played."""

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import pytest

from cratekeeper.adapters.dynamodb.catalog import DynamoCatalog
from cratekeeper.adapters.dynamodb.library import DynamoLibrary
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.adapters.dynamodb.plays import DynamoPlays
from cratekeeper.domain.catalog import Album, Artist, Entry, Metadata, assigned, plan
from cratekeeper.domain.popularity import Chart, Place, Play
from cratekeeper.ports import CatalogStore, Library, Plays
from tests.contract.conftest import Tables
from tests.contract.emulator import Emulator
from tests.contract.samples import an_id
from tests.contract.sizes import item_size
from tests.contract.test_catalog import metadata
from tests.memory.catalog import MemoryCatalog, MemoryLibrary
from tests.memory.plays import MemoryPlays
from tests.memory.samples import content_id
from tests.memory.virtual import START, SeededIds


class Shelf(NamedTuple):
    """Who writes the catalog, and who browses it."""

    catalog: CatalogStore
    library: Library


@pytest.fixture
def shelf(backend: str, patience: Patience, request: pytest.FixtureRequest) -> Shelf:
    if backend == "memory":
        catalog = MemoryCatalog()
        return Shelf(catalog, MemoryLibrary(catalog))
    client, table = request.getfixturevalue("emulator").aws.dynamodb, request.getfixturevalue("tables").catalog
    return Shelf(DynamoCatalog(client, table, patience=patience), DynamoLibrary(client, table, patience=patience))


@pytest.fixture
def plays(backend: str, patience: Patience, request: pytest.FixtureRequest) -> Plays:
    if backend == "memory":
        return MemoryPlays()
    client, table = request.getfixturevalue("emulator").aws.dynamodb, request.getfixturevalue("tables").plays
    return DynamoPlays(client, table, patience=patience)


def assigned_to(root: str) -> Metadata:
    """Metadata as an expansion ingests them."""
    found = metadata()
    return assigned(found, root, plan(found, {}))


@pytest.mark.parametrize("root", [None, an_id()])
def test_what_was_ingested_is_read_as_it_was_told(shelf: Shelf, root: str | None) -> None:
    told = assigned_to(root) if root else metadata()
    shelf.catalog.ingest(told)
    (artist,) = told.artists
    assert shelf.library.album(told.album.id) == Entry(told.album, "An Artist")
    assert shelf.library.artist(artist.id) == artist
    assert shelf.library.tracks(told.album.track_ids) == {track.id: track for track in told.tracks}
    assert shelf.library.tracks([told.tracks[0].id]) == {told.tracks[0].id: told.tracks[0]}
    assert shelf.library.albums(after=None, limit=9) == [Entry(told.album, "An Artist")]
    assert shelf.library.artists(after=None, limit=9) == [artist]


def test_a_single_track_is_read_as_it_was_told(shelf: Shelf) -> None:
    track = replace(metadata().tracks[0], is_explicit=True, duration_ms=1, disc=2)
    shelf.catalog.ingest_track(track)
    assert shelf.library.tracks([track.id]) == {track.id: track}


def test_what_was_told_of_nothing_is_read(shelf: Shelf) -> None:
    album, artist = Album(id=content_id("empty"), name=""), Artist(id=content_id("nobody"), name="")
    shelf.catalog.ingest(Metadata(album=album, tracks=(), artists=(artist,)))
    assert shelf.library.album(album.id) == Entry(album, None)
    assert shelf.library.artist(artist.id) == artist


def test_what_is_unknown_is_none(shelf: Shelf) -> None:
    unknown = content_id("unknown")
    assert (shelf.library.album(unknown), shelf.library.artist(unknown)) == (None, None)
    assert shelf.library.tracks([]) == shelf.library.tracks([unknown]) == {}
    assert shelf.library.albums(after=None, limit=9) == []


def test_lists_go_by_id_and_on_from_any_place(shelf: Shelf) -> None:
    ids = sorted(content_id(f"{number}") for number in range(12))
    for each in reversed(ids):
        artist = Artist(id=each, name="same")
        shelf.catalog.ingest(Metadata(album=Album(id=each, name="same"), tracks=(), artists=(artist,)))
    assert [entry.album.id for entry in shelf.library.albums(after=None, limit=5)] == ids[:5]
    assert [entry.album.id for entry in shelf.library.albums(after=ids[4], limit=5)] == ids[5:10]
    assert [artist.id for artist in shelf.library.artists(after=ids[9], limit=5)] == ids[10:]
    assert shelf.library.artists(after=ids[-1], limit=5) == []


def test_many_tracks_are_read_at_once(shelf: Shelf) -> None:
    told = metadata(130)
    shelf.catalog.ingest(told)
    assert len(shelf.library.tracks([*told.album.track_ids, content_id("unknown")])) == 130


def test_who_fetches_what_costs_no_row_a_unit(emulator: Emulator, tables: Tables, patience: Patience) -> None:
    told = metadata(12)
    catalog = DynamoCatalog(emulator.aws.dynamodb, tables.catalog, patience=patience)
    catalog.ingest(assigned(told, an_id(), plan(told, {})))
    found = emulator.client("dynamodb").scan(TableName=tables.catalog)["Items"]
    assert (len(found), max(map(item_size, found)) <= 1024) == (14, True)


# --- Plays ----------------------------------------------------------------------------


def test_plays_are_found_by_their_day_and_each_once(plays: Plays) -> None:
    ids, later = SeededIds(), START + timedelta(days=1)
    today = [Play(id=ids.download(START), track_id=content_id(f"{number % 3}"), at=START) for number in range(20)]
    tomorrow = Play(id=ids.download(later), track_id=content_id("later"), at=later)
    for play in (*today, tomorrow, *today[:5]):
        plays.log(play)
    assert sorted(plays.of_day("2026-11-21")) == sorted(play.track_id for play in today)
    assert [*plays.of_day("2026-11-22")] == [tomorrow.track_id]
    assert [*plays.of_day("2026-11-20")] == []


def test_the_last_chart_is_shown(plays: Plays) -> None:
    assert plays.chart() is None
    for count in (1, 200):
        places = tuple(Place(content_id(f"{number}"), number + 1) for number in range(count))
        chart = Chart(at=START, days=7, places=places)
        plays.publish(chart)
        assert plays.chart() == chart


def test_a_play_goes_by_itself(plays: Plays, backend: str, request: pytest.FixtureRequest) -> None:
    plays.log(Play(id=an_id(), track_id=content_id("t"), at=START))
    if backend == "emulator":
        client, table = request.getfixturevalue("emulator").aws.dynamodb, request.getfixturevalue("tables").plays
        (row,) = client.scan(TableName=table)["Items"]
        assert int(row["ttl"]["N"]) == int((START + timedelta(days=91)).timestamp())
