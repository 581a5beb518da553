"""`GET /v1/search`, `GET /v1/artists/{artist_id}/discography`, `POST /v1/downloads/discography`."""

from typing import Any

import pytest

from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.limits import UserLimits
from tests.memory.samples import content_id
from tests.support.api import Api, Response, api_on
from tests.support.crate import Crate, Knobs

ARTIST = content_id("somebody: artist")


def search(api: Api, **query: str) -> Response:
    return api.call("GET /v1/search", query={"q": "song", **query})


def queue(api: Api, **body: object) -> Response:
    return api.call("POST /v1/downloads/discography", body={"artist_id": ARTIST, **body})


@pytest.fixture
def stocked(api: Api) -> Api:
    """A provider that has an artist with three albums."""
    api.crate.world.provider.add_discography("somebody", "song a", "song b", "song c")
    return api


@pytest.mark.case("D-04")
def test_results_show_what_is_stored_and_what_is_queued(stocked: Api) -> None:
    stocked.crate.request(content_id("song a"))
    stocked.crate.drain()
    stocked.crate.request(content_id("song b"))
    answer = search(stocked, type="album")
    assert (answer.status, answer.body["next_cursor"]) == (200, None)
    assert [(each["name"], each["in_catalog"], each["in_queue"]) for each in answer.body["items"]] == [
        ("song a", True, False),
        ("song b", False, True),
        ("song c", False, False),
    ]
    assert {*answer.body["items"][0]} == {
        "id", "type", "name", "artist_name", "image_url", "year", "in_catalog", "in_queue",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ({}, ["album"] * 3 + ["track"] * 3),
        ({"type": "track"}, ["track"] * 3),
        ({"type": "album,track", "limit": "4"}, ["album"] * 3 + ["track"]),
        ({"type": "artist"}, []),
        ({"q": "  SOMEBODY ", "type": "artist,album"}, ["artist"]),
    ],
)
def test_a_search_is_for_what_is_asked_for(stocked: Api, query: dict[str, str], types: list[str]) -> None:
    assert [each["type"] for each in search(stocked, **query).body["items"]] == types


@pytest.mark.parametrize(
    "query",
    [
        {"q": ""},
        {"q": "   "},
        {"q": "a\nb"},
        {"q": "x" * 501},
        {"type": "playlist"},
        {"type": ""},
        {"type": "album,"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "-1"},
        {"limit": "many"},
        {"cursor": "x"},
        {"more": "1"},
    ],
)
def test_a_query_of_another_shape_is_refused_before_anything_is_asked(stocked: Api, query: dict[str, str]) -> None:
    answer = search(stocked, **query)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert not stocked.crate.world.provider.asked


def test_a_search_for_nothing_at_all_is_refused(stocked: Api) -> None:
    assert stocked.call("GET /v1/search").status == 400


@pytest.mark.parametrize(
    ("error_type", "status", "code"),
    [
        (ErrorType.TIMEOUT, 504, "provider_timed_out"),
        (ErrorType.CONNECTION, 502, "provider_failed"),
        (ErrorType.BUSY, 502, "provider_failed"),
        (ErrorType.PARSE, 502, "provider_failed"),
        (ErrorType.REJECTED, 502, "provider_failed"),
    ],
)
def test_trouble_upstream_is_told_as_such(stocked: Api, error_type: ErrorType, status: int, code: str) -> None:
    provider = stocked.crate.world.provider
    provider.fail("search", "song", error_type)
    provider.fail("discography", ARTIST, error_type, times=2)
    answers = [search(stocked), stocked.call(f"GET /v1/artists/{ARTIST}/discography"), queue(stocked)]
    assert [(answer.status, answer.code) for answer in answers] == [(status, code)] * 3


@pytest.mark.case("U-03")
@pytest.mark.parametrize(
    ("by", "status", "code"),
    [(None, 401, "unauthorized"), ("eve", 403, "forbidden"), ("alice", 503, "provider_not_configured")],
)
def test_without_a_provider_nothing_is_found(
    monkeypatch: pytest.MonkeyPatch, by: str | None, status: int, code: str
) -> None:
    api = api_on(Crate.of(knobs=Knobs(is_configured=False)), monkeypatch)
    answers = [
        api.call("GET /v1/search", by=by, query={"q": "x"}),
        api.call(f"GET /v1/artists/{ARTIST}/discography", by=by),
        api.call("POST /v1/downloads/discography", by=by, body={"artist_id": ARTIST}),
    ]
    assert [(answer.status, answer.code) for answer in answers] == [(status, code)] * 3


@pytest.mark.case("U-03")
def test_without_a_provider_wrong_input_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(Crate.of(knobs=Knobs(is_configured=False)), monkeypatch)
    answers = [search(api, q=""), api.call("GET /v1/artists/short/discography"), queue(api, artist_id="short")]
    assert [answer.status for answer in answers] == [400, 400, 400]


def test_a_discography_is_an_artist_with_albums(stocked: Api) -> None:
    stocked.crate.request(content_id("song b"))
    answer = stocked.call(f"GET /v1/artists/{ARTIST}/discography")
    assert (answer.status, answer.body["artist"]["id"], answer.body["artist"]["type"]) == (200, ARTIST, "artist")
    assert [(each["name"], each["in_queue"]) for each in answer.body["albums"]] == [
        ("song a", False),
        ("song b", True),
        ("song c", False),
    ]


@pytest.mark.case("U-04")
@pytest.mark.parametrize("wrong", [ARTIST[1:], ARTIST + "a", ARTIST[1:] + "-", ARTIST[1:] + "é", ARTIST + "\n"])
def test_an_artist_id_of_another_shape_is_refused_before_anything_is_asked(stocked: Api, wrong: str) -> None:
    answers = [stocked.call(f"GET /v1/artists/{wrong}/discography"), queue(stocked, artist_id=wrong)]
    assert [(answer.status, answer.code) for answer in answers] == [(400, "invalid_request")] * 2
    assert not stocked.crate.world.provider.asked


def test_an_unknown_artist_is_not_found(stocked: Api) -> None:
    nobody = content_id("nobody")
    answers = [stocked.call(f"GET /v1/artists/{nobody}/discography"), queue(stocked, artist_id=nobody)]
    assert [(answer.status, answer.code) for answer in answers] == [(404, "not_found")] * 2


@pytest.mark.parametrize("body", [{"artist_id": 7}, {"artist_name": "x" * 501}, {"priority": 1}, {"artist_id": None}])
def test_a_body_of_another_shape_is_refused(stocked: Api, body: dict[str, Any]) -> None:
    assert queue(stocked, **body).status == 400


@pytest.mark.case("L-13")
def test_a_discography_is_queued_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=2, max_queue=9))), monkeypatch)
    api.crate.world.provider.add_discography("somebody", "a", "b", "c")
    api.crate.request(content_id("a"))
    answer = queue(api, artist_name="Somebody")
    [made] = answer.body["queued"]
    assert (answer.status, answer.body["albums_queued"], answer.body["albums_skipped"]) == (202, 1, 2)
    assert made["album_id"] == content_id("b")
    assert answer.body["skipped"] == [
        {"album_id": content_id("a"), "reason": "already_queued"},
        {"album_id": content_id("c"), "reason": "daily_limit_reached"},
    ]
    found = api.call(f"GET /v1/downloads/{made['download_id']}").body
    assert (found["kind"], found["content_name"], found["artist_name"]) == ("album", "b", "Somebody")
