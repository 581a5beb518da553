"""The contract, route by route, on values."""

import json

import pytest

from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.library import Library
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID, SHELVES, AlbumSpec
from tests.unit.local.provider_calls import ALBUM_ID, ARTIST_ID, AUDIO, TRACK_ID, an_app, ask, ask_json

UNKNOWN = "0" * 22
SMALL = SHELVES["small"]


def test_album_has_the_fields_of_the_contract() -> None:
    album = ask_json(an_app(*SMALL), f"/album/{DEMO_ALBUM_ID}")
    assert {key: type(value) for key, value in album.items()} == {
        "id": str,
        "name": str,
        "album_type": str,
        "artists_ids": list,
        "label": str,
        "date": int,
        "genres": list,
        "covers": list,
        "discs": list,
    }
    assert set(album["covers"][0]) == {"id", "size", "width", "height"}
    assert set(album["discs"][0]) == {"number", "name", "tracks"}


def test_a_pictures_size_is_that_of_its_bytes() -> None:
    app = an_app()
    (cover,) = ask_json(app, f"/album/{ALBUM_ID}")["covers"]
    assert cover["size"] == ask(app, f"/image/{cover['id']}").size_bytes


def test_tracks_of_an_album_come_in_order_and_equal_those_asked_for_alone() -> None:
    app = an_app(*SMALL)
    tracks = ask_json(app, f"/album/{DEMO_ALBUM_ID}/tracks")
    (disc,) = ask_json(app, f"/album/{DEMO_ALBUM_ID}")["discs"]
    assert [track["id"] for track in tracks] == disc["tracks"]
    assert tracks[6] == ask_json(app, f"/track/{tracks[6]['id']}")


def test_track_has_the_fields_of_the_contract() -> None:
    assert ask_json(an_app(), f"/track/{TRACK_ID}") == {
        "id": TRACK_ID,
        "name": "Pencil",
        "album_id": ALBUM_ID,
        "artists_ids": [ARTIST_ID],
        "number": 1,
        "disc_number": 1,
        "duration": 500,
        "is_explicit": False,
    }


def test_artist_has_one_portrait() -> None:
    artist = ask_json(an_app(), f"/artist/{ARTIST_ID}")
    assert set(artist) == {"id", "name", "genre", "portraits"}
    assert [portrait["width"] for portrait in artist["portraits"]] == [640]


def test_an_empty_album_is_an_album() -> None:
    blank = content_id("album", "Blank Tape")
    app = an_app(*SMALL)
    assert ask_json(app, f"/album/{blank}/tracks") == []
    assert [ask_json(app, f"/album/{blank}")[field] for field in ("covers", "discs")] == [[], []]


def test_discography_lists_all_albums_also_shared_ones() -> None:
    answer = ask_json(an_app(*SMALL), f"/artist/{ARTIST_ID}/discography")
    assert (answer["artist"]["type"], answer["artist"]["name"]) == ("artist", "Sample and Hold")
    assert [album["name"] for album in answer["albums"]] == ["Dial Tone", "Three Sketches", "Shared Rooms"]


def test_audio_carries_type_length_and_validator() -> None:
    answer = ask(an_app(), AUDIO)
    assert answer.header("Content-Type") == "audio/mpeg"
    assert answer.size_bytes == len(answer.body) > 1_000
    assert (answer.header("etag") or "").startswith('"')


def test_a_listed_track_without_audio_is_404() -> None:
    track = content_id("track", "Missing Reel/3")
    app = an_app(*SMALL)
    assert ask(app, f"/track/{track}").status == 200
    assert ask(app, f"/track/{track}/audio").status == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=THREE&limit=1", [("album", "Three Sketches")]),
        ("q=sample", [("artist", "Sample and Hold")]),
        ("q=reel&type=track&limit=2", [("track", "Reel One"), ("track", "Reel Two")]),
        ("q=dial&type=track,album", [("track", "Dial Tone"), ("album", "Dial Tone")]),
        ("q=nothing+like+it", []),
    ],
)
def test_search(query: str, found: list[tuple[str, str]]) -> None:
    rows = ask_json(an_app(*SMALL), f"/search?{query}")
    assert [(row["type"], row["name"]) for row in rows] == found


def test_a_search_result_points_at_a_picture_on_the_asked_host() -> None:
    app = an_app()
    answer = ask(app, "/search?q=pencil", headers={"host": "music.example:81"})
    (row,) = json.loads(answer.body)
    base, _, picture = row["image_url"].rpartition("/")
    assert base == "http://music.example:81/image"
    assert ask(app, f"/image/{picture}").header("Content-Type") == "image/jpeg"
    assert (row["artist_name"], row["year"]) == ("Sample and Hold", 2024)


def test_a_result_without_a_picture_has_no_url() -> None:
    (row,) = ask_json(an_app(*SMALL), "/search?q=blank")
    assert "image_url" not in row


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/search", 400, "BAD_REQUEST"),
        ("/search?q=%20", 400, "BAD_REQUEST"),
        ("/search?q=a&type=song", 400, "BAD_REQUEST"),
        ("/search?q=a&limit=0", 400, "BAD_REQUEST"),
        ("/search?q=a&limit=201", 400, "BAD_REQUEST"),
        ("/search?q=a&limit=x", 400, "BAD_REQUEST"),
        (f"/album/{UNKNOWN}", 404, "NOT_FOUND"),
        (f"/album/{UNKNOWN}/tracks", 404, "NOT_FOUND"),
        (f"/artist/{UNKNOWN}", 404, "NOT_FOUND"),
        (f"/artist/{UNKNOWN}/discography", 404, "NOT_FOUND"),
        (f"/track/{UNKNOWN}/audio", 404, "NOT_FOUND"),
        (f"/image/{'0' * 40}", 404, "NOT_FOUND"),
        ("/album/short", 400, "BAD_REQUEST"),
        (f"/track/{'-' * 22}", 400, "BAD_REQUEST"),
        (f"/image/{'A' * 40}", 400, "BAD_REQUEST"),
        (f"/image/{UNKNOWN}", 400, "BAD_REQUEST"),
        ("//[", 404, "NOT_FOUND"),
        ("/", 404, "NOT_FOUND"),
        (f"/album/{UNKNOWN}/covers", 404, "NOT_FOUND"),
    ],
)
def test_errors_are_shaped_as_the_contract_says(target: str, status: int, code: str) -> None:
    answer = ask(an_app(), target)
    error = json.loads(answer.body)
    assert (answer.status, error["error"], error["code"]) == (status, code, code)
    assert error["message"]


def test_other_methods_are_refused() -> None:
    assert ask(an_app(), "/health", method="POST").status == 405


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
        ("bytes=0-999999999", 0, None),
        ("bytes=-999999999", 0, None),
    ],
)
def test_a_range_is_that_part(asked: str, start: int, stop: int | None) -> None:
    app = an_app()
    whole = ask(app, AUDIO).body
    part = ask(app, AUDIO, headers={"range": asked})
    first, past = range(len(whole))[start:stop].start, range(len(whole))[start:stop].stop
    assert (part.status, part.body) == (206, whole[start:stop])
    assert part.header("Content-Range") == f"bytes {first}-{past - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=-", "bytes=0-1,4-5", "chunks=0-1", f"bytes=0-{'9' * 5000}"])
def test_a_range_that_is_none_gives_the_whole(asked: str) -> None:
    app = an_app()
    assert ask(app, AUDIO, headers={"range": asked}).body == ask(app, AUDIO).body


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_past_the_end_is_416_with_the_size(asked: str) -> None:
    app = an_app()
    answer = ask(app, AUDIO, headers={"range": asked})
    assert answer.status == 416
    assert answer.header("Content-Range") == f"bytes */{ask(app, AUDIO).size_bytes}"


def test_if_range_decides_between_part_and_whole() -> None:
    app = an_app()
    etag = ask(app, AUDIO).header("ETag") or ""
    assert ask(app, AUDIO, headers={"range": "bytes=5-", "if-range": etag}).status == 206
    assert ask(app, AUDIO, headers={"range": "bytes=5-", "if-range": '"old"'}).status == 200


def test_a_range_means_nothing_to_head() -> None:
    assert ask(an_app(), AUDIO, method="HEAD", headers={"range": "bytes=5-"}).status == 200


def test_a_library_of_thousands_answers_at_once() -> None:
    spec = AlbumSpec(name="Long", artists=("A",), tracks=5_000)
    tracks = ask_json(an_app(spec), f"/album/{content_id('album', 'Long')}/tracks")
    assert {track["id"] for track in tracks} == set(Library.of((spec,)).tracks)
