"""The catalog, its media and plays, as callers see them."""

from urllib.parse import urlsplit

import pytest

from cratekeeper.domain.models import Kind
from tests.memory.samples import content_id
from tests.support.api import Api, api_on
from tests.support.crate import Crate, Knobs
from tests.support.library import ALBUM, ARTIST, COVER, PORTRAIT, TRACKS, shelf_of, shelved, stock

WRONG_IDS = [ALBUM[:21], ALBUM + "A", ALBUM[:21] + "-", ALBUM[:21] + "é", "popular", "\0"]
WRONG_IMAGES = [COVER[:39], COVER + "0", COVER[:39] + "A", COVER[:39] + "g", "x"]


@pytest.fixture
def library(api: Api) -> Api:
    stock(api.crate.world)
    return api


def test_an_artist_has_names_and_pictures(library: Api) -> None:
    image = {"id": PORTRAIT, "width": 0, "height": 0, "availability": "available"}
    artist = {"id": ARTIST, "name": "Known", "genres": ["jazz"], "images": [image]}
    assert library.call(f"GET /v1/catalog/artists/{ARTIST}").body == artist
    assert library.call("GET /v1/catalog/artists").body == {"items": [artist], "next_cursor": None}


def test_an_album_has_its_tracks_but_in_a_list_only_their_number(library: Api) -> None:
    opened = library.call(f"GET /v1/catalog/albums/{ALBUM}").body
    tracks = opened.pop("tracks")
    assert [track["id"] for track in tracks] == [*TRACKS]
    assert opened == {
        "id": ALBUM,
        "name": "Shelved",
        "artist_name": "Known",
        "artist_ids": [ARTIST],
        "album_type": "",
        "label": "",
        "released": "1975-11-21",
        "genres": [],
        "track_count": 2,
        "images": [{"id": COVER, "width": 640, "height": 640, "availability": "available"}],
    }
    assert library.call("GET /v1/catalog/albums").body == {"items": [opened], "next_cursor": None}


def test_a_track_shows_its_object_while_it_is_available(library: Api) -> None:
    found = library.call(f"GET /v1/catalog/tracks/{TRACKS[0]}").body
    assert found == {
        "id": TRACKS[0],
        "name": "Shelved 1",
        "album_id": ALBUM,
        "artist_ids": [ARTIST],
        "number": 1,
        "disc": 1,
        "duration_ms": 1000,
        "is_explicit": False,
        "availability": "available",
        "media": {"key": f"audio/{TRACKS[0]}.wav", "size": 5, "sha256": "5e" * 32, "content_type": "audio/wav"},
    }
    catalog = library.crate.world.catalog
    catalog.lose(catalog.rows[Kind.TRACK, TRACKS[0]])
    gone = library.call(f"GET /v1/catalog/tracks/{TRACKS[0]}").body
    assert gone == {**{name: value for name, value in found.items() if name != "media"}, "availability": "missing"}


@pytest.mark.parametrize("path", ["albums", "artists"])
def test_a_list_is_followed_by_its_cursor_and_by_no_other(library: Api, path: str) -> None:
    library.crate.request(library.crate.world.provider.add_album("other"))
    library.crate.settle_down()
    first = library.call(f"GET /v1/catalog/{path}", query={"limit": "1"}).body
    second = library.call(f"GET /v1/catalog/{path}", query={"limit": "1", "cursor": first["next_cursor"]}).body
    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert (len({*ids}), sorted(ids), second["next_cursor"]) == (2, ids, None)
    other = {"albums": "artists", "artists": "albums"}[path]
    for route, by in ((f"GET /v1/catalog/{other}", "alice"), (f"GET /v1/catalog/{path}", "bob")):
        assert library.call(route, by=by, query={"cursor": first["next_cursor"]}).status == 400


@pytest.mark.parametrize("path", ["albums", "artists", "popular"])
@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"cursor": "x"}, {"q": "x"}])
def test_what_no_list_takes_is_refused(library: Api, path: str, query: dict[str, str]) -> None:
    assert library.call(f"GET /v1/catalog/{path}", query=query).status == 400


@pytest.mark.case("U-04")
@pytest.mark.parametrize("wrong", WRONG_IDS)
@pytest.mark.parametrize("path", ["catalog/artists", "catalog/albums", "catalog/tracks", "media/tracks"])
def test_what_can_be_no_content_is_refused_before_any_read(library: Api, path: str, wrong: str) -> None:
    calls = library.crate.world.calls.counting()
    answer = library.call(f"GET /v1/{path}/{wrong}")
    assert (answer.status, answer.code, calls.keys() - {"identities.caller_of", "secrets.pepper"}) == (
        400,
        "invalid_request",
        set(),
    )


@pytest.mark.case("U-05")
@pytest.mark.parametrize("wrong", WRONG_IMAGES)
def test_what_can_be_no_picture_is_refused_before_any_read(library: Api, wrong: str) -> None:
    calls = library.crate.world.calls.counting()
    answer = library.call(f"GET /v1/media/images/{wrong}")
    assert (answer.status, answer.body["errors"][0]["loc"]) == (400, "path.image_id")
    assert calls.keys() <= {"identities.caller_of", "secrets.pepper"}


@pytest.mark.case("U-05")
def test_a_picture_of_the_right_form_is_looked_up(library: Api) -> None:
    assert library.call(f"GET /v1/media/images/{'0' * 40}").code == "not_found"
    assert library.call(f"GET /v1/media/images/{COVER}").status == 302


@pytest.mark.parametrize("path", ["catalog/artists", "catalog/albums", "catalog/tracks", "media/tracks"])
def test_what_is_not_there_is_a_404(library: Api, path: str) -> None:
    answer = library.call(f"GET /v1/{path}/{content_id('unknown')}")
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("path", [f"tracks/{TRACKS[0]}", f"images/{COVER}"])
def test_media_are_a_redirect_or_the_link_itself(library: Api, path: str) -> None:
    redirect = library.call(f"GET /v1/media/{path}")
    assert (redirect.status, redirect.raw, redirect.headers["Cache-Control"]) == (302, "", "no-store")
    link = library.call(f"GET /v1/media/{path}", query={"redirect": "false"})
    assert link.body == {"url": redirect.headers["Location"], "expires_at": "2026-11-21T08:15:00.000Z"}
    assert library.call(f"GET /v1/media/{path}", query={"redirect": "true"}).status == 302
    assert library.call(f"GET /v1/media/{path}", query={"redirect": "no"}).status == 400


def test_media_belong_to_everybody_who_may_request(library: Api) -> None:
    found = {library.call(f"GET /v1/media/tracks/{TRACKS[0]}", by=by).status for by in ("alice", "bob", "root")}
    assert found == {302}


def test_a_name_from_elsewhere_cannot_add_a_header(library: Api) -> None:
    library.crate.world.catalog.ingest(shelved('x\r\nSet-Cookie: y=1; "é'))
    location = library.call(f"GET /v1/media/tracks/{TRACKS[0]}").headers["Location"]
    assert location.isascii()
    assert location.isprintable()
    assert urlsplit(location).path == f"/audio/{TRACKS[0]}.wav"


def test_a_play_counts_towards_what_is_popular(library: Api) -> None:
    empty: dict[str, object] = {"items": [], "next_cursor": None, "days": None, "counted_at": None}
    assert library.call("GET /v1/catalog/popular").body == empty
    played = library.call("POST /v1/plays", body={"track_id": TRACKS[1]})
    assert (played.status, played.body["track_id"], played.body["played_at"]) == (
        202,
        TRACKS[1],
        "2026-11-21T08:00:00.000Z",
    )
    shelf_of(library.crate.world).charts.recount()
    chart = library.call("GET /v1/catalog/popular", query={"limit": "5"}).body
    assert [(item["plays"], item["track"]["id"]) for item in chart["items"]] == [(1, TRACKS[1])]
    assert (chart["days"], chart["counted_at"]) == (30, "2026-11-21T08:00:00.000Z")


@pytest.mark.case("I-01")
def test_a_play_sent_again_under_its_key_counts_once(library: Api) -> None:
    answers = [
        library.call("POST /v1/plays", body={"track_id": TRACKS[0]}, headers={"Idempotency-Key": "k"}) for _ in "ab"
    ]
    assert answers[0].raw == answers[1].raw
    assert len(library.crate.world.plays.rows) == 1
    other = library.call("POST /v1/plays", body={"track_id": TRACKS[1]}, headers={"Idempotency-Key": "k"})
    assert other.code == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"track_id": "x"}, 400),
        ({"track_id": 7}, 400),
        ({"track_id": TRACKS[0], "user_id": "bob"}, 400),
        ({"track_id": content_id("unknown")}, 404),
    ],
)
def test_a_play_of_nothing_is_refused(library: Api, body: dict[str, object], status: int) -> None:
    assert library.call("POST /v1/plays", body=body).status == status
    assert library.crate.world.plays.rows == {}


@pytest.mark.parametrize(
    ("released", "shown"),
    [
        (None, None),
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (10**15, None),
        (-(10**15), None),
        (253402300799, "9999-12-31"),
    ],
)
def test_a_date_beyond_the_calendar_is_none(library: Api, released: int | None, shown: str | None) -> None:
    found = shelved()
    album = type(found.album)(id=ALBUM, name="x", released=released)
    library.crate.world.catalog.ingest(type(found)(album=album, tracks=(), artists=()))
    assert library.call(f"GET /v1/catalog/albums/{ALBUM}").body["released"] == shown


@pytest.mark.case("S-02")
def test_without_a_provider_the_library_is_open_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    crate = Crate.of(knobs=Knobs(is_configured=False))
    stock(crate.world)
    api = api_on(crate, monkeypatch, provider_url="")
    assert api.call(f"GET /v1/catalog/albums/{ALBUM}").status == 200
    assert api.call(f"GET /v1/media/tracks/{TRACKS[0]}").status == 302
