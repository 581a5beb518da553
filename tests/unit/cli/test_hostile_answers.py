"""Whatever answers, and whatever it says: one line, no trace, nothing that steers a terminal."""

import json
import re

import httpx
import pytest

from tests.unit.cli.fake_server import ROOT, FakeServer, Json, a_download, a_progress, a_track, an_album
from tests.unit.cli.program import Program

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m[bold red]x[/] :bomb: \u202egnp\r\n\t\x00end"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.fixture
def evil(server: FakeServer) -> FakeServer:
    """The server, with an album whose every text is hostile."""
    texts = {"content_name": EVIL, "artist_name": EVIL, "error_type": EVIL, "error_message": EVIL, "requested_by": EVIL}
    album = a_download(status="FAILED", progress=a_progress(1, failed=1), **texts)
    server.timelines[ROOT] = [(0, album)]
    server.lists["/v1/downloads"] = [album]
    server.lists[f"/v1/downloads/{ROOT}/children"] = [{**a_track(1, "FAILED"), **texts}]
    event: Json = {"timestamp": EVIL, "event_type": EVIL, "details": {EVIL: EVIL}}
    server.lists[f"/v1/downloads/{ROOT}/events"] = [event]
    found: Json = {"id": EVIL, "type": EVIL, "name": EVIL, "artist_name": EVIL}
    server.documents |= {
        "/v1/search": {"items": [found]},
        "/v1/artists/x/discography": {"artist": found, "albums": [found]},
        f"/v1/downloads/{ROOT}/explain": {"blockers": [{"code": EVIL, "detail": EVIL}]},
        "/v1/queue": {"paused": True, "paused_reason": EVIL, "paused_by": EVIL},
    }
    server.lists["/v1/admin/downloads"] = [album]
    run = {"run_id": EVIL, "status": EVIL, "triggered_by": EVIL, "error_message": EVIL, "result": {EVIL: EVIL}}
    job: Json = {"id": EVIL, "name": EVIL, "description": EVIL, "schedule": EVIL, "status": EVIL, "last_run": run}
    user: Json = {"user_id": EVIL, "role": EVIL, "keys": [{"key_id": EVIL}]}
    report = {"missing_track_audio": [EVIL], "orphaned": [EVIL], "counts": {"orphaned": 7}, EVIL: EVIL}
    server.documents |= {
        "/v1/admin/jobs": {"items": [job]},
        "/v1/admin/jobs/x": job,
        "/v1/admin/jobs/y": {**job, "last_run": {**run, "result": report}},
        "/v1/admin/jobs/x/history": {"items": [run, {**run, "error_message": None}]},
        "/v1/admin/users/x": user,
    }
    server.lists |= {
        "/v1/admin/users": [user],
        "/v1/admin/audit": [{**event, "id": EVIL, "user_id": EVIL}],
        "/v1/admin/audit/downloads/x": [{**event, "download_id": EVIL}],
    }
    server.answers["POST /v1/admin/users/x/keys"] = {"key_id": EVIL, "key": EVIL}
    row: Json = {"index": 0, "status": EVIL, "reason": EVIL, "download_id": EVIL}
    server.answers |= {
        "POST /v1/downloads/batch": {"results": [row]},
        "POST /v1/downloads/batch-action": {"results": [{"id": ROOT, "status": EVIL}], "errors": []},
        "POST /v1/downloads/discography": {"queued": [], "skipped": [{"album_id": EVIL, "reason": EVIL}]},
        f"POST /v1/downloads/{ROOT}/cancel": album,
    }
    return server


COMMANDS = [
    ["downloads"], ["show", ROOT, "--events"], ["watch", ROOT], ["events", ROOT], ["explain", ROOT], ["queue"],
    ["search", "x"], ["discography", "x"], ["request", "batch", "-"], ["request", "discography", "x"],
    ["cancel", ROOT], ["admin", "downloads"], ["admin", "jobs"], ["admin", "jobs", "show", "x"],
    ["admin", "jobs", "show", "y"], ["admin", "jobs", "history", "x"], ["admin", "users"],
    ["admin", "users", "show", "x"], ["admin", "keys", "list", "x"], ["admin", "keys", "create", "x"],
    ["admin", "audit"], ["admin", "audit", "download", "x"],
]  # fmt: skip


@pytest.mark.parametrize("command", [*COMMANDS, ["cancel", ROOT, "other"]])
def test_names_cannot_steer_the_terminal(cli: Program, evil: FakeServer, command: list[str]) -> None:
    ended = cli(*command, typed="x")
    assert not STEERING.findall(ended.stdout + ended.stderr)
    assert "[bold red]x[/] :bomb:" in ended.stdout  # shown as it is, not taken as markup
    assert evil.seen


@pytest.mark.parametrize("command", COMMANDS)
def test_json_gives_names_back_exactly_and_in_ascii(cli: Program, evil: FakeServer, command: list[str]) -> None:
    ended = cli(*command, "--json", typed="x")
    assert ended.stdout.isascii()
    assert not STEERING.findall(ended.stdout)
    assert json.dumps(EVIL)[1:-1] in ended.stdout
    assert evil.seen


def test_a_problem_cannot_steer_the_terminal(cli: Program, server: FakeServer) -> None:
    server.refusals = [httpx.Response(409, json={"detail": EVIL, "code": EVIL, "request_id": EVIL})]
    ended = cli("limits")
    assert ended.code == 6
    assert not STEERING.findall(ended.stderr)
    assert len(ended.stderr.splitlines()) == 1


def test_a_name_of_megabytes_is_cut(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [(0, a_download(kind="track", status="COMPLETED", content_name="x" * 10_000_000))]
    assert len(cli("show", ROOT).stdout) < 2000


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"items": 3}', b'{"items": [1, null]}'],
)
@pytest.mark.parametrize(
    "command",
    [["show", ROOT], ["watch", ROOT], ["request", "album", "x"], ["cancel", ROOT], ["admin", "retry", ROOT]],
)
def test_what_is_no_cratekeeper_is_told_in_one_line(
    cli: Program, server: FakeServer, command: list[str], body: bytes
) -> None:
    server.refusals = [httpx.Response(200, content=body)]
    ended = cli(*command)
    assert (ended.code, ended.stdout) == (3, "")
    assert ended.stderr.startswith("error: ")


@pytest.mark.parametrize("command", ["downloads", "limits", "queue"])
@pytest.mark.parametrize("body", ["[]", "<html>"])
def test_an_answer_that_is_no_object_is_told_as_well(cli: Program, server: FakeServer, command: str, body: str) -> None:
    server.refusals = [httpx.Response(200, text=body)]
    assert cli(command).code == 3


@pytest.mark.parametrize("command", ["downloads", "limits", "queue"])
def test_an_empty_object_is_no_reason_to_fall_over(cli: Program, server: FakeServer, command: str) -> None:
    server.refusals = [httpx.Response(200, json={})]
    assert cli(command).code == 0


@pytest.mark.parametrize("status", [301, 302, 304])
def test_a_redirect_is_not_followed_with_the_key(cli: Program, server: FakeServer, status: int) -> None:
    server.refusals = [httpx.Response(status, headers={"Location": "https://elsewhere.example/"})]
    assert (cli("limits").code, len(server.seen)) == (3, 1)


@pytest.mark.parametrize(
    "wrong", [None, "soon", 3, True, [], {}, 10**400, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_fields_of_another_shape_are_left_out(cli: Program, server: FakeServer, wrong: object) -> None:
    kept = {"id", "status", "kind"}
    odd = {name: value if name in kept else wrong for name, value in an_album("FAILED", a_progress(1)).items()}
    server.timelines[ROOT] = [(0, {**odd, "media": wrong, "progress": wrong})]
    server.timelines["other"] = [(0, {**odd, "progress": {"total": wrong, "percent": wrong}, "media": {"key": wrong}})]
    server.lists |= {f"/v1/downloads/{parent}/children": [] for parent in (ROOT, "other")}
    assert cli("show", ROOT).code == 0
    assert cli("show", "other").code == 0
    assert cli("watch", ROOT).code == 1


def test_the_same_cursor_for_ever_ends(cli: Program, server: FakeServer) -> None:
    page = {"items": [a_download()], "next_cursor": "again"}
    server.refusals = [httpx.Response(200, json=page) for _ in range(5)]
    assert cli("downloads", "--all").code == 0
    assert len(server.seen) == 2
