"""`POST /v1/downloads`, from the event to the answer."""

import pytest

from cratekeeper import __version__
from cratekeeper.domain.limits import UserLimits
from tests.memory.samples import content_id
from tests.support.api import Api, Response, api_on
from tests.support.crate import Crate, Knobs

ALBUM = content_id("album")
TRACK = content_id("track")


def create(api: Api, *, by: str = "alice", **body: object) -> Response:
    return api.call("POST /v1/downloads", by=by, body={"kind": "track", "content_id": TRACK, **body})


@pytest.mark.case("T-14")
def test_a_request_with_kind_and_id_alone_is_accepted(api: Api) -> None:
    answer = create(api)
    made = answer.body
    assert answer.status == 202
    assert (made["status"], made["priority"], made["source"]) == ("PENDING", 2, "USER")
    assert (made["attempts"], made["retry_count"], made["max_retries"]) == (0, 0, 5)
    assert (made["requested_by"], made["queue_position"]) == ("alice", 1)


@pytest.mark.case("T-15")
def test_a_created_download_is_found_at_its_location(api: Api) -> None:
    answer = create(api)
    found = api.call(f"GET {answer.headers['Location']}")
    assert found.status == 200
    assert (found.body["id"], found.body["status"]) == (answer.body["id"], "PENDING")


def test_what_was_asked_for_is_shown(api: Api) -> None:
    made = create(api, kind="album", content_name="A", artist_name="B", priority=3, force=True).body
    assert (made["kind"], made["content_id"], made["priority"]) == ("album", TRACK, 3)
    assert (made["content_name"], made["artist_name"]) == ("A", "B")


@pytest.mark.case("U-04")
@pytest.mark.parametrize(
    "wrong", [TRACK[1:], TRACK + "a", TRACK[1:] + "-", TRACK[1:] + "/", TRACK[1:] + "é", TRACK + "\n"]
)
def test_an_id_of_another_shape_is_refused_before_anything_is_asked(api: Api, wrong: str) -> None:
    answer = create(api, content_id=wrong)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert [each["loc"] for each in answer.body["errors"]] == ["body.content_id"]
    assert not api.crate.world.provider.asked


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "url"},
        {"kind": "album_image"},
        {"kind": 1},
        {"content_id": None},
        {"content_id": 22},
        {"priority": 0},
        {"priority": 4},
        {"priority": -1},
        {"priority": "high"},
        {"priority": "2"},
        {"priority": True},
        {"priority": None},
        {"force": "yes"},
        {"force": 1},
        {"content_name": "x" * 501},
        {"content_name": 5},
        {"unknown": 1},
        {"content_id": TRACK, "source": "WATCHDOG"},
    ],
)
def test_a_body_of_another_shape_is_refused(api: Api, body: dict[str, object]) -> None:
    whole = {"kind": "track", "content_id": TRACK, **body} if body else {}
    answer = api.call("POST /v1/downloads", body=whole)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.body["errors"]
    assert not api.crate.world.table.parts


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "no json",
        "[]",
        "null",
        '"track"',
        "{" * 10_000,
        "\ud800".encode("utf-16-le", "surrogatepass").decode("latin-1"),
    ],
)
def test_a_body_that_is_no_object_is_refused(api: Api, raw: str) -> None:
    answer = api.call("POST /v1/downloads", raw=raw)
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize(("size", "status"), [(256 * 1024, 400), (256 * 1024 + 1, 413)])
def test_a_body_of_more_than_256_kb_is_refused(api: Api, size: int, status: int) -> None:
    answer = api.call("POST /v1/downloads", raw="x" * size)
    assert answer.status == status
    assert answer.code == ("body_too_large" if status == 413 else "invalid_request")


def test_the_highest_priority_needs_a_permission(api: Api) -> None:
    assert (create(api, priority=1).status, create(api, priority=1, by="root").status) == (403, 202)


@pytest.mark.case("D-02")
@pytest.mark.parametrize("by", ["alice", "bob"])
def test_a_duplicate_names_the_active_download(api: Api, by: str) -> None:
    first = create(api).body["id"]
    answer = create(api, by=by)
    assert (answer.status, answer.code, answer.body["download_id"]) == (409, "already_queued", first)


@pytest.mark.case("D-04")
def test_what_is_whole_in_the_catalog_is_not_queued(api: Api) -> None:
    api.crate.track()
    api.crate.drain()
    answer = create(api)
    assert (answer.status, answer.code) == (409, "already_in_catalog")
    assert create(api, force=True).status == 202


@pytest.mark.case("L-04")
def test_a_used_up_day_says_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=1, max_queue=9))), monkeypatch)
    create(api)
    answer = create(api, content_id=ALBUM)
    assert (answer.status, answer.code) == (429, "daily_limit_reached")
    assert (answer.body["limit"], answer.body["used"]) == (1, 1)
    assert answer.body["resets_at"] == "2026-11-22T00:00:00.000Z"
    assert answer.headers["Retry-After"] == str(16 * 3600)


@pytest.mark.case("L-05")
def test_a_full_queue_says_when_to_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=9, max_queue=1))), monkeypatch)
    create(api)
    answer = create(api, content_id=ALBUM)
    assert (answer.status, answer.code, answer.body["resets_at"]) == (429, "queue_limit_reached", None)
    assert answer.headers["Retry-After"] == "60"


@pytest.mark.case("U-03")
@pytest.mark.parametrize(
    ("by", "status", "code"),
    [(None, 401, "unauthorized"), ("eve", 403, "forbidden"), ("alice", 503, "provider_not_configured")],
)
def test_without_a_provider_nothing_is_queued(
    monkeypatch: pytest.MonkeyPatch, by: str | None, status: int, code: str
) -> None:
    api = api_on(Crate.of(knobs=Knobs(is_configured=False)), monkeypatch)
    answer = api.call("POST /v1/downloads", by=by, body={"kind": "track", "content_id": TRACK})
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.case("S-02")
@pytest.mark.parametrize(("url", "provider"), [("", "missing"), ("http://provider.test", "configured")])
def test_health_needs_no_key_and_tells_of_the_provider(
    monkeypatch: pytest.MonkeyPatch, url: str, provider: str
) -> None:
    api = api_on(Crate.of(knobs=Knobs(is_configured=False)), monkeypatch, provider_url=url)
    answer = api.call("GET /health", by=None)
    assert (answer.status, answer.body) == (200, {"status": "ok", "version": __version__, "provider": provider})
    assert api.call("GET /v1/downloads").status == 200
