"""The rows of the catalog table: where they lie, and that nothing a provider says outgrows them."""

from typing import Any

import pytest

from cratekeeper.adapters.dynamodb.attributes import plain
from cratekeeper.adapters.dynamodb.catalog import DynamoCatalog
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.domain.catalog import Album, Artist, Image, MediaRow, Metadata, Track
from cratekeeper.domain.models import Kind
from tests.contract.conftest import Tables
from tests.contract.emulator import Emulator
from tests.contract.samples import a_medium
from tests.contract.sizes import item_size
from tests.contract.test_catalog import metadata
from tests.memory.samples import content_id, image_id

HUGE = "\ud800" + "é" * 5_000_000


@pytest.fixture
def catalog(emulator: Emulator, tables: Tables, patience: Patience) -> DynamoCatalog:
    return DynamoCatalog(emulator.aws.dynamodb, tables.catalog, patience=patience)


def rows(emulator: Emulator, tables: Tables) -> dict[str, Any]:
    found = emulator.client("dynamodb").scan(TableName=tables.catalog)["Items"]
    return {item["pk"]["S"]: item for item in found}


def test_media_rows_lie_in_the_order_of_s3_keys(catalog: DynamoCatalog, emulator: Emulator, tables: Tables) -> None:
    track, image = content_id("t"), image_id("i")
    catalog.record(MediaRow(content_id=track, kind=Kind.TRACK, media=a_medium(track)))
    catalog.record(MediaRow(content_id=image, kind=Kind.ALBUM_IMAGE, media=a_medium(image)))
    keys = {(pk, item["sk"]["S"]) for pk, item in rows(emulator, tables).items()}
    assert keys == {(f"M#audio/{track[0]}", f"audio/{track}"), (f"M#images/{image[0]}", f"images/{image}")}


def test_an_album_of_14_parts_takes_14_rows_of_1_kb(catalog: DynamoCatalog, emulator: Emulator, tables: Tables) -> None:
    catalog.ingest(metadata(12))
    found = rows(emulator, tables)
    assert len(found) == 14
    assert max(map(item_size, found.values())) <= 1024


def test_nothing_a_provider_says_outgrows_a_row(catalog: DynamoCatalog, emulator: Emulator, tables: Tables) -> None:
    images = tuple(Image(id=image_id(str(number)), width=10**60) for number in range(5_000))
    artist = Artist(id=content_id("a"), name=HUGE, genres=(HUGE,) * 500, portraits=images)
    track = Track(
        id=content_id("t"), name=HUGE, album_id=content_id("x"), artist_ids=(artist.id,) * 9_999, duration_ms=-(10**60)
    )
    album = Album(
        id=content_id("x"),
        name=HUGE,
        album_type=HUGE,
        label=HUGE,
        released=10**60,
        artist_ids=(artist.id,),
        genres=(HUGE,) * 500,
        covers=images,
        track_ids=(track.id,),
    )
    catalog.ingest(Metadata(album=album, tracks=(track,), artists=(artist,)))
    catalog.ingest_track(track)
    stored = catalog.album(album.id)
    assert stored is not None
    assert stored.name == "?" + "é" * 511
    assert max(map(item_size, rows(emulator, tables).values())) < 200_000


def test_an_album_of_5000_tracks_fits(catalog: DynamoCatalog) -> None:
    ids = tuple(content_id(str(number)) for number in range(5_000))
    album = Album(id=content_id("long"), name="Long", track_ids=ids)
    catalog.ingest(Metadata(album=album, tracks=(), artists=()))
    stored = catalog.album(album.id)
    assert stored is not None
    assert stored.track_ids == ids


def test_what_is_told_of_a_track_and_an_artist_is_kept(
    catalog: DynamoCatalog, emulator: Emulator, tables: Tables
) -> None:
    found = metadata(1)
    catalog.ingest(found)
    kept = {pk[:2]: plain(item) for pk, item in rows(emulator, tables).items()}
    track, artist, album = kept["T#"], kept["R#"], kept["A#"]
    assert {name: track[name] for name in ("n", "al", "ar", "no", "di")} == {
        "n": "Track 1",
        "al": found.album.id,
        "ar": [found.artists[0].id],
        "no": 1,
        "di": 1,
    }
    assert (artist["n"], artist["g"], artist["po"]) == ("An Artist", ["jazz"], [{"i": image_id("p"), "w": 0, "h": 0}])
    assert (album["t"], album["l"], album["re"], album["g"]) == ("album", "A Label", "-86400", ["jazz", "fusion"])
    assert album["cv"] == [{"i": image_id("c"), "w": 640, "h": 640}]
