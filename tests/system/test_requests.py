"""Asking through the running stack: search, discographies, batches, Idempotency-Keys."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from cratekeeper_local.provider.child import Provider
from tests.support.people import Person, Town

NAMES = {"id", "type", "name", "artist_name", "image_url", "year", "in_catalog", "in_queue"}


def found(person: Person, q: str, **query: str) -> list[dict[str, Any]]:
    answer = person.http.get("/v1/search", params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def an_artist(person: Person) -> str:
    """Whoever made Three Sketches."""
    [album] = found(person, "three sketches", type="album")
    [artist] = found(person, album["artist_name"], type="artist")
    return str(artist["id"])


@pytest.mark.case("D-04")
def test_what_is_found_can_be_asked_for_and_says_so_afterwards(alice: Person) -> None:
    [track] = found(alice, "three sketches", type="track")[:1] or found(alice, "a", type="track")[:1]
    assert {*track} == NAMES
    made = alice.request(track["id"], kind="track", force=True).json()
    assert alice.wait(made["id"])["status"] == "COMPLETED"
    [again] = [each for each in found(alice, track["name"], type="track") if each["id"] == track["id"]]
    assert (again["in_catalog"], again["in_queue"]) == (True, False)
    refused = alice.request(track["id"], kind="track")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_in_catalog")


@pytest.mark.parametrize(
    ("behaviour", "params", "expected"),
    [
        ("status", {"code": 500}, (502, "provider_failed")),
        ("bad_json", {}, (502, "provider_failed")),
        ("hang", {}, (504, "provider_timed_out")),
    ],
)
def test_trouble_upstream_is_told_in_time(
    alice: Person, provider: Provider, behaviour: str, params: dict[str, Any], expected: tuple[int, str]
) -> None:
    provider.fault("/search", behaviour, **params)
    answer = alice.http.get("/v1/search", params={"q": "song"})
    assert (answer.status_code, answer.json()["code"]) == expected
    assert answer.elapsed.total_seconds() < 15


def test_a_discography_is_shown_and_queued(town: Town) -> None:
    with town.person() as alice:
        artist = an_artist(alice)
        shown = alice.http.get(f"/v1/artists/{artist}/discography").json()
        assert (shown["artist"]["id"], {each["type"] for each in shown["albums"]}) == (artist, {"album"})
        answer = alice.http.post("/v1/downloads/discography", json={"artist_id": artist})
        body = answer.json()
        assert (answer.status_code, body["albums_queued"] + body["albums_skipped"]) == (202, len(shown["albums"]))
        for each in body["queued"]:
            assert alice.wait(each["download_id"])["content_id"] == each["album_id"]


@pytest.mark.case("B-01")
@pytest.mark.usefixtures("within_a_day")
def test_a_batch_is_queued_in_order_and_cancelled_together(alice: Person) -> None:
    items = [{"kind": "track", "content_id": f"batch{number:017d}"} for number in range(12)]
    answer = alice.http.post("/v1/downloads/batch", json={"items": items, "priority": 3})
    results = answer.json()["results"]
    assert answer.status_code == 202
    assert [each["status"] for each in results] == ["queued"] * 10 + ["skipped"] * 2
    assert {each.get("reason") for each in results[10:]} == {"daily_limit_reached"}
    listed = alice.http.get("/v1/downloads").json()["items"]
    assert [each["content_id"] for each in reversed(listed)] == [each["content_id"] for each in items[:10]]
    ids = [each["download_id"] for each in results[:10]]
    done = alice.http.post("/v1/downloads/batch-action", json={"ids": ids, "action": "cancel"}).json()
    assert done["total"] == done["successful"] + done["failed"] == 10
    assert {each["code"] for each in done["errors"]} <= {"invalid_state"}  # the provider knew some to be unknown first


@pytest.mark.case("I-02")
@pytest.mark.usefixtures("within_a_day")
def test_twenty_equal_requests_with_one_key_make_one_item(alice: Person) -> None:
    def post(_: int) -> httpx.Response:
        headers = {"Idempotency-Key": "twenty"}
        body = {"kind": "track", "content_id": "twenty0000000000000000"}
        return alice.http.post("/v1/downloads", json=body, headers=headers)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(post, range(20)))
    accepted = [answer for answer in answers if answer.status_code == 202]
    late = [answer for answer in answers if answer.status_code != 202]
    assert {answer.json()["code"] for answer in late} <= {"idempotency_in_progress"}
    assert len({(answer.text, answer.headers["Location"]) for answer in accepted}) == 1
    assert alice.http.get("/v1/limits").json()["user"]["requests_today"] == 1
    assert post(0).text == accepted[0].text
