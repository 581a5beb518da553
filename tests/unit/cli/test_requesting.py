"""`request`: what is sent, what is said, how refusals end."""

import json

import httpx
import pytest

from tests.unit.cli.fake_server import ALBUM, ROOT, FakeServer, a_problem, a_progress, a_track, an_album
from tests.unit.cli.program import Program


def test_only_what_was_said_is_sent(cli: Program, server: FakeServer) -> None:
    assert cli("request", "album", ALBUM).code == 0
    assert list(server.created.values()) == [{"kind": "album", "content_id": ALBUM}]


def test_every_option_is_sent(cli: Program, server: FakeServer) -> None:
    cli("request", "track", ALBUM, "--name", "Song", "--artist", "Her", "--priority", "3", "--force")
    assert list(server.created.values()) == [
        {
            "kind": "track",
            "content_id": ALBUM,
            "content_name": "Song",
            "artist_name": "Her",
            "priority": 3,
            "force": True,
        }
    ]


def test_the_answer_names_the_download_and_the_way_to_watch_it(cli: Program) -> None:
    ended = cli("request", "album", ALBUM)
    assert ROOT in ended.stdout
    assert f"cratekeeper watch {ROOT}" in ended.stderr


def test_json_is_the_download_alone(cli: Program) -> None:
    ended = cli("request", "album", ALBUM, "--json")
    assert (ended.json["id"], ended.json["status"]) == (ROOT, "PENDING")


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "validation_failed", 2),
        (401, "unauthenticated", 4),
        (403, "forbidden", 4),
        (404, "not_found", 5),
        (409, "already_queued", 6),
        (409, "already_in_catalog", 6),
        (413, "body_too_large", 2),
        (422, "idempotency_key_reused", 2),
        (429, "daily_limit_reached", 7),
        (500, "internal_error", 1),
        (503, "provider_not_configured", 1),
    ],
)
def test_refusal_is_one_line_and_a_code(
    cli: Program, server: FakeServer, status: int, code: str, exit_code: int
) -> None:
    server.refusals = [a_problem(status, code, "that does not go")]
    ended = cli("request", "album", ALBUM)
    assert (ended.code, ended.stdout) == (exit_code, "")
    assert ended.stderr.splitlines()[0] == f"error: that does not go ({code}, request id req-1)"


def test_json_of_a_refusal_is_the_problem_itself(cli: Program, server: FakeServer) -> None:
    problem = a_problem(409, "already_queued", "is queued", download_id=ROOT)
    server.refusals = [problem]
    ended = cli("request", "album", ALBUM, "--json")
    assert (ended.code, ended.json) == (6, json.loads(problem.content))


def test_duplicate_leads_to_the_one_that_is_queued(cli: Program, server: FakeServer) -> None:
    server.refusals = [a_problem(409, "already_queued", "is queued", download_id=ROOT)]
    assert f"cratekeeper watch {ROOT}" in cli("request", "album", ALBUM).stderr


def test_limit_says_how_much_and_until_when(cli: Program, server: FakeServer) -> None:
    limit = {"limit": 100, "used": 100, "resets_at": "2026-11-22T00:00:00Z"}
    server.refusals = [a_problem(429, "daily_limit_reached", "enough for today", **limit)]
    assert "100 of 100 used; free again at 2026-11-2" in cli("request", "album", ALBUM).stderr


def test_fields_of_a_bad_body_are_named(cli: Program, server: FakeServer) -> None:
    errors = [{"loc": ["body", "content_id"], "msg": "must be 22 of base62"}]
    server.refusals = [a_problem(400, "validation_failed", "the body is not valid", errors=errors)]
    assert "[body.content_id: must be 22 of base62]" in cli("request", "album", "short").stderr


def test_fields_are_not_named_twice(cli: Program, server: FakeServer) -> None:
    errors = [{"loc": ["body", "content_id"], "msg": "too short"}]
    server.refusals = [a_problem(400, "invalid_request", "body.content_id: too short", errors=errors)]
    assert cli("request", "album", "short").stderr.count("too short") == 1


def test_bare_message_of_a_gateway_is_told(cli: Program, server: FakeServer) -> None:
    server.refusals = [httpx.Response(429, json={"message": "Too Many Requests"})]
    ended = cli("request", "album", ALBUM)
    assert (ended.code, ended.stderr) == (7, "error: Too Many Requests (HTTP 429)\n")


def test_a_broken_line_is_tried_again_under_the_same_key(cli: Program, server: FakeServer) -> None:
    server.refusals = [httpx.ReadError("reset"), httpx.RemoteProtocolError("gone")]
    assert cli("request", "album", ALBUM).code == 0
    assert {request.headers["Idempotency-Key"] for request in server.seen} == {"key-0"}
    assert len(server.seen) == 3


def test_a_line_that_stays_broken_ends_the_command(cli: Program, server: FakeServer) -> None:
    server.refusals = [httpx.ReadError("reset")] * 3
    assert cli("request", "album", ALBUM).code == 3


def test_a_twin_at_work_is_waited_for(cli: Program, server: FakeServer) -> None:
    twin = a_problem(409, "idempotency_in_progress", "wait")
    twin.headers["Retry-After"] = "2"
    server.refusals = [twin]
    assert cli("request", "album", ALBUM).code == 0
    assert server.clock.now_s == 2


@pytest.mark.parametrize("arguments", [["album"], ["album", ALBUM, "--priority", "4"], ["song", ALBUM]])
def test_wrong_usage_is_told_without_a_request(cli: Program, server: FakeServer, arguments: list[str]) -> None:
    ended = cli("request", *arguments)
    assert (ended.code, server.seen) == (2, [])


@pytest.mark.parametrize("switch", ["--wait", "--watch"])
def test_wait_ends_with_the_outcome(cli: Program, server: FakeServer, switch: str) -> None:
    done = an_album("COMPLETED", a_progress(1, completed=1, size_bytes=5_000_000))
    server.timelines[ROOT] = [(0, an_album("IN_PROGRESS", a_progress(1, in_progress=1))), (3, done)]
    server.lists[f"/v1/downloads/{ROOT}/children"] = [a_track(1, "COMPLETED", bytes_downloaded=5_000_000)]
    ended = cli("request", "album", ALBUM, switch)
    assert (ended.code, ended.stdout) == (0, "COMPLETED  Night Drive – The Examples  1 of 1, 5.0 MB\n")


def test_wait_outlives_a_server_that_goes_away_at_once(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [(0, an_album("COMPLETED", a_progress(1, completed=1)))]
    server.lists[f"/v1/downloads/{ROOT}/children"] = []
    created = httpx.Response(202, json={"id": ROOT, "status": "PENDING"})
    server.refusals = [created, httpx.ConnectError("refused")]
    ended = cli("request", "album", ALBUM, "--wait", "--json")
    assert (ended.code, ended.json["status"]) == (0, "COMPLETED")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (429, "throttled", "try again in 1 min 30 s"),
        (503, "unavailable", "try again in 1 min 30 s"),
        (409, "idempotency_in_progress", "ask again with the same --idempotency-key"),
        (422, "idempotency_key_reused", "choose a new one"),
    ],
)
def test_when_to_try_again_is_said_in_words(
    cli: Program, server: FakeServer, status: int, code: str, said: str
) -> None:
    refusal = a_problem(status, code, "not now")
    refusal.headers["Retry-After"] = "90"
    server.refusals = [refusal] * 3
    assert said in cli("request", "album", ALBUM).stderr


@pytest.mark.parametrize(
    ("resets_at", "said"),
    [("2026-11-22T00:00:00Z", ", in 16 h 00 min; see: cratekeeper limits"), (None, "free again when a download ends")],
)
def test_a_limit_says_how_long(cli: Program, server: FakeServer, resets_at: str | None, said: str) -> None:
    refusal = a_problem(429, "queue_limit_reached", "full", limit=2, used=2, resets_at=resets_at)
    refusal.headers["Retry-After"] = "57600"
    server.refusals = [refusal]
    assert said in cli("request", "album", ALBUM).stderr
