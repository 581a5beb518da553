"""What the demo library holds, and that its ids never change."""

from pathlib import Path

import pytest

from cratekeeper_local.provider.ids import CONTENT_ID, FILE_ID, content_id, file_id
from cratekeeper_local.provider.library import Album, Library
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID, SHELVES, AlbumSpec, ShelfUnreadable, named

LIBRARY = Library.of(SHELVES["small"])


def album(name: str) -> Album:
    return LIBRARY.albums[content_id("album", name)]


def test_ids_are_those_that_notes_and_scripts_may_quote() -> None:
    assert DEMO_ALBUM_ID == "a6FSYc6jCHly5CE9XUCWHR"
    assert file_id("portrait of Tin Roof Choir") == "3147d4c60f243ea9b84bfbeb68c325a350fdb3ec"


def test_all_ids_have_the_shapes_of_the_contract() -> None:
    content = {*LIBRARY.artists, *LIBRARY.albums, *LIBRARY.tracks}
    assert len(content) == len(LIBRARY.artists) + len(LIBRARY.albums) + len(LIBRARY.tracks)
    assert all(CONTENT_ID.fullmatch(one) for one in content)
    assert all(FILE_ID.fullmatch(one) for one in LIBRARY.pictures)


def test_demo_album_is_fourteen_objects_in_six_formats() -> None:
    demo = LIBRARY.albums[DEMO_ALBUM_ID]
    portraits = [picture for one in demo.artist_ids for picture in LIBRARY.artists[one].portraits]
    assert (len(demo.tracks), len(demo.covers), len(portraits)) == (12, 1, 1)
    assert {track.sound.format for track in demo.tracks} == {"mp3", "flac", "ogg", "wav", "m4a", "aac"}


@pytest.mark.parametrize(
    ("name", "tracks"),
    [
        ("Blank Tape", 0),
        ("Dial Tone", 1),
        ("Three Sketches", 3),
        ("Thirty Short Walks", 30),
        ("Hundred and Twenty Blinks", 120),
    ],
)
def test_albums_of_every_size(name: str, tracks: int) -> None:
    assert len(album(name).tracks) == tracks


def test_blank_tape_has_no_pictures_of_its_own() -> None:
    assert album("Blank Tape").covers == ()


def test_discs_restart_the_numbers() -> None:
    places = [(track.disc_number, track.number) for track in album("Thirty Short Walks").tracks]
    assert places == [(disc, number) for disc in (1, 2) for number in range(1, 16)]


def test_a_missing_track_is_listed() -> None:
    assert [track.is_missing for track in album("Missing Reel").tracks] == [False, False, True, False]


def test_length_of_a_sized_track_follows_from_its_bytes() -> None:
    (overnight,) = album("Overnight Recording").tracks
    assert (overnight.sound.format, overnight.sound.duration_ms) == ("wav", 380_435)


def test_a_file_describes_a_library(tmp_path: Path) -> None:
    path = tmp_path / "library.json"
    path.write_text('{"albums": [{"name": "Long", "artists": ["A"], "tracks": 5000, "discs": 7}]}', "utf-8")
    library = Library.of(named(str(path)))
    assert len(library.tracks) == 5000
    assert {track.disc_number for track in library.tracks.values()} == set(range(1, 8))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "file: Invalid JSON"),
        ('{"albums": []}', "albums: Tuple should have at least 1 item"),
        ('{"albums": [{"name": "x", "artists": ["y"], "colour": 1}]}', "albums.0.colour: Extra inputs"),
    ],
)
def test_a_bad_library_file_is_named_with_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "library.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ShelfUnreadable, match=f"{path}: {complaint}"):
        named(str(path))


def test_an_absent_library_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShelfUnreadable, match=r"absent\.json: No such file"):
        named(str(tmp_path / "absent.json"))


def test_track_count_and_names_are_the_same_thing() -> None:
    assert AlbumSpec(name="x", artists=("y",), tracks=2).track_names == ("Track 01", "Track 02")
