"""The header Idempotency-Key on everything that creates."""

from typing import Any

import pytest

from cratekeeper.domain.idempotency import HELD_FOR
from tests.memory.samples import content_id
from tests.support.api import Api, Response, api_on
from tests.support.crash import killed_at
from tests.support.crate import Crate, Knobs

ARTIST = content_id("somebody: artist")
TRACK: dict[str, Any] = {"kind": "track", "content_id": content_id("track")}
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/downloads": TRACK,
    "POST /v1/downloads/batch": {"items": [TRACK, {"kind": "album", "content_id": content_id("album")}]},
    "POST /v1/downloads/discography": {"artist_id": ARTIST},
}
routes = pytest.mark.parametrize("route", BODIES)


@pytest.fixture
def stocked(api: Api) -> Api:
    """A provider that has an artist with two albums."""
    api.crate.world.provider.add_discography("somebody", "one", "two")
    return api


def post(api: Api, route: str = "POST /v1/downloads", *, key: str = "a key", **more: Any) -> Response:
    content = {} if "raw" in more else {"body": BODIES[route]}
    return api.call(route, headers={"Idempotency-Key": key}, **{**content, **more})


def shown(answer: Response) -> tuple[int, str | None, str]:
    return answer.status, answer.headers.get("Location"), answer.raw


@pytest.mark.case("I-01")
@routes
def test_a_repetition_gets_the_first_answer_again(stocked: Api, route: str) -> None:
    first = post(stocked, route)
    requests = stocked.crate.world.usage("alice").requests
    stocked.crate.settle_down()
    again = post(stocked, route)
    assert shown(again) == shown(first)
    assert (first.status, again.headers["Content-Type"]) == (202, "application/json")
    assert stocked.crate.world.usage("alice").requests == requests


@pytest.mark.case("I-03")
def test_the_order_and_the_spaces_of_the_body_do_not_matter(api: Api) -> None:
    first = post(api)
    content = TRACK["content_id"]
    again = post(api, raw=f' {{\n "content_id" : "{content}",\t"kind":"track" }} ')
    assert shown(again) == shown(first)


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("POST /v1/downloads", TRACK | {"priority": 3}),
        ("POST /v1/downloads", TRACK | {"priority": 2}),
        ("POST /v1/downloads/batch", BODIES["POST /v1/downloads/batch"]),
    ],
)
def test_a_key_of_another_request_is_refused(api: Api, route: str, body: dict[str, Any]) -> None:
    post(api)
    answer = post(api, route, body=body)
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")


def test_keys_are_per_caller(api: Api) -> None:
    post(api)
    assert post(api, by="bob").code == "already_queued"


@pytest.mark.case("I-06")
def test_the_long_answer_to_a_batch_comes_again_byte_for_byte(api: Api) -> None:
    items = [{"kind": "track", "content_id": content_id(f"{number}")} for number in range(100)]
    first = post(api, "POST /v1/downloads/batch", body={"items": items})
    again = post(api, "POST /v1/downloads/batch", body={"items": items})
    assert again.raw == first.raw
    assert len({each["download_id"] for each in first.body["results"]}) == 100


@routes
@pytest.mark.parametrize("key", ["", "  ", "x" * 256])
def test_a_key_that_is_none_is_refused(stocked: Api, route: str, key: str) -> None:
    answer = post(stocked, route, key=key)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.body["errors"][0]["loc"] == "header.idempotency-key"
    assert not stocked.crate.world.table.parts


def test_a_key_of_255_characters_is_taken(api: Api) -> None:
    assert shown(post(api, key="x" * 255)) == shown(post(api, key="x" * 255))


@routes
def test_no_failure_is_kept(stocked: Api, route: str) -> None:
    stocked.crate.world.calls.failing("store.commit")
    assert post(stocked, route).status == 503
    assert post(stocked, route).status == 202


def test_no_refusal_is_kept(api: Api) -> None:
    active = api.crate.track("track")
    assert post(api).code == "already_queued"
    api.crate.settle_down()
    assert api.crate.item(active).is_terminal
    assert post(api, body=TRACK | {"force": True}).status == 202


@pytest.mark.case("I-02")
def test_a_twin_of_a_request_that_still_runs_is_told_when_to_come_again(api: Api) -> None:
    killed_at(api.crate.world.calls, "store.commit", lambda: post(api))
    answer = post(api)
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (409, "idempotency_in_progress", "1")


@pytest.mark.case("I-05")
@routes
@pytest.mark.parametrize("after", [False, True])
def test_after_a_crash_the_repetition_is_carried_out_once(stocked: Api, route: str, after: bool) -> None:
    crate = stocked.crate
    crate.track("earlier")  # so that the first try of the transaction holds
    killed_at(crate.world.calls, "store.commit", lambda: post(stocked, route), after=after)
    crate.world.clock.advance(HELD_FOR.total_seconds())
    answer = post(stocked, route)
    assert answer.status == 202
    requests = crate.world.usage("alice").requests
    assert len([root for root in crate.world.table.downloads() if root.is_root]) == requests
    assert requests == 1 + {"POST /v1/downloads": 1}.get(route, 2)
    assert "skipped" not in answer.body or answer.body["albums_queued"] == 2


@pytest.mark.case("I-11", "I-12")
@pytest.mark.parametrize("site", ["idempotency.take", "idempotency.keep"])
def test_bookkeeping_that_fails_is_only_a_warning(api: Api, site: str) -> None:
    api.crate.world.calls.failing(site)
    assert post(api).status == 202
    assert "idempotency_unavailable" in api.crate.world.log.actions()
    assert len([*api.crate.world.table.downloads()]) == 1


@pytest.mark.case("I-11")
def test_a_lock_that_cannot_be_written_is_no_warning(api: Api) -> None:
    api.crate.world.calls.failing("store.commit")
    assert post(api).status == 503
    assert not api.crate.world.table.parts


@pytest.mark.case("S-04")
def test_switched_off_there_are_no_key_records_and_stored_content_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(Crate.of(knobs=Knobs(idempotency_enabled=False)), monkeypatch)
    api.crate.track("track")
    api.crate.drain()
    assert post(api).status == 202
    assert post(api).code == "already_queued"
    assert post(api, key="").status == 400
    assert not api.crate.world.idempotency.records


def test_who_may_not_and_who_asks_wrongly_learn_it_before_the_key_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(Crate.of(knobs=Knobs(is_configured=False)), monkeypatch)
    answers = [
        post(api, by=None),
        post(api, by="eve"),
        post(api, body=TRACK | {"priority": 1}),
        post(api, body={}),
        post(api, raw="x" * 300_000),
        post(api),
    ]
    assert [answer.status for answer in answers] == [401, 403, 403, 400, 413, 503]
    assert not api.crate.world.idempotency.records
