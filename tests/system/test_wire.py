"""The HTTP contract on the wire: refusals, pages, entity tags."""

import pytest

from cratekeeper_local.provider.child import Provider
from tests.support.people import Person, Town
from tests.support.stack import LocalStack

SINGLE = "3ZI4h1lKGr8zIHXnEAOR3C"
ROUTES = (
    "/v1/downloads",
    "/v1/downloads/x",
    "/v1/downloads/x/children",
    "/v1/downloads/x/events",
    "/v1/limits",
    "/v1/queue",
)
MEMBERS = {"type", "title", "status", "detail", "code", "request_id", "timestamp"}


@pytest.mark.case("U-01", "U-06")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer ck_nobody"}])
def test_without_a_good_key_every_route_answers_401(stack: LocalStack, route: str, header: dict[str, str]) -> None:
    with stack.http(None) as client:
        answer = client.get(route, headers=header)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) >= MEMBERS


@pytest.mark.case("U-02")
def test_a_viewer_may_not_request(town: Town) -> None:
    with town.person("viewer") as viewer:
        answer = viewer.request(SINGLE)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.case("U-04")
@pytest.mark.parametrize("content_id", ["0" * 21, "0" * 23, "-" + "0" * 21, "../" + "0" * 19, "é" + "0" * 21])
def test_a_bad_id_is_refused_before_any_call(alice: Person, provider: Provider, content_id: str) -> None:
    answer = alice.request(content_id)
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (400, "body.content_id")
    assert provider.stats().requests == {}


@pytest.mark.case("U-07")
def test_request_ids_are_echoed_or_made(alice: Person) -> None:
    sent = alice.http.get("/v1/downloads/unknown", headers={"X-Request-ID": "mine-1"})
    made = {alice.http.get("/v1/limits").headers["X-Request-ID"] for _ in range(3)}
    assert sent.headers["X-Request-ID"] == sent.json()["request_id"] == "mine-1"
    assert len(made) == 3


def test_an_unknown_route_is_a_problem(stack: LocalStack) -> None:
    with stack.http() as client:
        answer = client.get("/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_route")


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b'{"kind": "album"}', 400), (b" " * 262_145, 413)]
)
def test_a_bad_body_is_refused(alice: Person, body: bytes, status: int) -> None:
    answer = alice.http.post("/v1/downloads", content=body)
    assert answer.status_code == status
    assert set(answer.json()) >= MEMBERS


def test_an_entity_tag_saves_the_second_answer(alice: Person) -> None:
    download_id = alice.request(SINGLE, force=True).json()["id"]
    alice.wait(download_id)
    first = alice.http.get(f"/v1/downloads/{download_id}")
    second = alice.http.get(f"/v1/downloads/{download_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.content) == (304, b"")


@pytest.mark.case("Q-10", "Q-11", "Q-13", "Q-14")
def test_lists_come_in_pages(alice: Person) -> None:
    ids = [alice.request(f"{number:022d}").json()["id"] for number in range(5)]
    seen, cursor, sizes = [], None, []
    while True:
        page = alice.http.get("/v1/downloads", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [each["id"] for each in page["items"]]
        sizes.append(len(page["items"]))
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (sizes, seen) == ([2, 2, 1], ids[::-1])
    for query in ({"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"status": "LOST"}, {"cursor": "forged"}):
        assert alice.http.get("/v1/downloads", params=query).status_code == 400


def test_a_foreign_download_reads_like_an_unknown_one(town: Town, alice: Person) -> None:
    download_id = alice.request(SINGLE, force=True).json()["id"]
    with town.person() as bob:
        foreign = bob.http.get(f"/v1/downloads/{download_id}", headers={"X-Request-ID": "same"}).json()
        unknown = bob.http.get("/v1/downloads/01JD0000000000000000000000", headers={"X-Request-ID": "same"}).json()
    assert {**foreign, "timestamp": ""} == {**unknown, "timestamp": ""}
    alice.wait(download_id)


@pytest.mark.case("L-01", "Q-17")
def test_a_new_user_sees_untouched_limits(alice: Person) -> None:
    limits = alice.http.get("/v1/limits").json()["user"]
    assert (limits["requests_today"], limits["in_queue"], limits["max_per_day"], limits["can_request"]) == (
        0,
        0,
        10,
        True,
    )
    assert alice.http.get("/v1/downloads").json()["items"] == []
    queue = alice.http.get("/v1/queue").json()
    assert (queue["paused"], queue["max_concurrent"]) == (False, 3)


def test_health_needs_no_key(stack: LocalStack) -> None:
    with stack.http(None) as client:
        answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["provider"]) == (200, "ok", "configured")
