"""`admin audit …`: filters, orders, pages, and how entries are shown."""

import pytest

import cratekeeper.domain.events as service
from cratekeeper_cli.answers import EventType
from cratekeeper_cli.main import build
from cratekeeper_cli.manual import page
from tests.unit.cli.fake_server import ROOT, FakeServer, Json, a_problem
from tests.unit.cli.program import Program

AUDIT = "/v1/admin/audit"


def an_entry(**changes: object) -> Json:
    plain: Json = {
        "id": f"{ROOT}-3:5", "timestamp": "2026-11-21T09:31:07.203Z", "event_type": "DOWNLOAD_FAILED",
        "download_id": f"{ROOT}-3", "kind": "track", "content_id": "1AhDOtG9vPSOmsWgNW0BEY", "user_id": "system",
        "source": "USER", "details": {"error_type": "not_found", "retry_count": 0, "nothing": None},
    }  # fmt: skip
    return {**plain, **changes}


REVOKED = an_entry(
    id="user:alice:2", event_type="KEY_REVOKED", download_id=None, kind=None, user_id="root", details={"key_id": "K"}
)


def test_the_events_are_those_of_the_service_and_all_are_in_the_help() -> None:
    assert [str(event) for event in EventType] == [str(event) for event in service.EventType]
    section = page(build()).partition("## `cratekeeper admin audit`\n")[2].partition("\n## ")[0]
    assert all(name in section for name in EventType)


def test_entries_are_shown_with_what_they_are_about(cli: Program, server: FakeServer) -> None:
    server.lists[AUDIT] = [an_entry(), REVOKED]
    ended = cli("admin", "audit")
    first, second = (line.split()[2:] for line in ended.stdout.splitlines()[1:])
    assert first == ["DOWNLOAD_FAILED", "system", f"{ROOT}-3", "error_type=not_found,", "retry_count=0"]
    assert second == ["KEY_REVOKED", "root", "user:alice", "key_id=K"]
    assert dict(server.seen[0].url.params) == {"limit": "50", "order": "newest"}
    assert cli("admin", "audit", "--json").json["items"] == [an_entry(), REVOKED]
    server.lists[AUDIT] = []
    assert cli("admin", "audit").stdout == "nothing happened\n"


@pytest.mark.parametrize("columns", ["50", "79", "100", "120", "160"])
def test_rows_fit_and_ids_are_whole(cli: Program, server: FakeServer, columns: str) -> None:
    server.lists[AUDIT] = [an_entry(user_id="u" * 64, event_type="WATCHDOG_SCAN_COMPLETED")]
    lines = cli.having({"COLUMNS": columns})("admin", "audit").stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert int(columns) < 79 or f" {ROOT}-3" in lines[1]
    assert "error_type=not_found," in " ".join(lines).split() or int(columns) < 79


def test_every_filter_is_sent(cli: Program, server: FakeServer) -> None:
    server.documents["/health"] = {"status": "ok"}
    server.lists[AUDIT] = []
    events = ["--event", "download_failed", "--event", "KEY_REVOKED", "--event", "download_failed"]
    times = ["--since", "2h", "--until", "2026-11-21T07:00:00+00:00"]
    others = ["--download", ROOT, "--user", "auth0|b", "--kind", "album", "--content", "http://x/?a=b"]
    assert cli("admin", "audit", *events, *times, *others, "--order", "oldest", "--limit", "7").code == 0
    assert dict(server.seen[-1].url.params) == {
        "event_type": "DOWNLOAD_FAILED,KEY_REVOKED",
        "since": "2026-11-21T06:00:00Z",
        "until": "2026-11-21T07:00:00Z",
        "download_id": ROOT,
        "user_id": "auth0|b",
        "kind": "album",
        "content_id": "http://x/?a=b",
        "order": "oldest",
        "limit": "7",
    }


@pytest.mark.parametrize(
    ("words", "path"),
    [(["download", f"{ROOT}-3"], f"{AUDIT}/downloads/{ROOT}-3"), (["user", "auth0|b"], f"{AUDIT}/users/auth0|b")],
)
def test_one_download_and_one_user_have_routes_of_their_own(
    cli: Program, server: FakeServer, words: list[str], path: str
) -> None:
    server.lists[path] = [an_entry()] * 270
    ended = cli("admin", "audit", *words, "--event", "download_failed", "--order", "oldest", "--all")
    assert (ended.code, len(ended.stdout.splitlines())) == (0, 271)
    assert dict(server.seen[0].url.params) == {"event_type": "DOWNLOAD_FAILED", "order": "oldest", "limit": "200"}
    assert [request.url.params.get("cursor") for request in server.seen] == [None, "200"]
    assert "there are more" in cli("admin", "audit", *words).stderr


def test_an_unknown_download_says_where_to_look(cli: Program, server: FakeServer) -> None:
    server.refusals = [a_problem(404, "not_found", "no such download")]
    ended = cli("admin", "audit", "download", ROOT)
    assert (ended.code, ended.stderr.endswith("cratekeeper admin downloads\n")) == (5, True)


@pytest.mark.parametrize(
    "typed",
    [
        ["--event", "BORN"], ["--kind", "x"], ["--order", "random"], ["--limit", "0"], ["--download", "a/b"],
        ["--user", "a b"], ["download"], ["download", "a/b"], ["user", "a/b"], ["--kind", "album", "user", "alice"],
    ],
)  # fmt: skip
def test_wrong_usage_is_told_without_a_request(cli: Program, server: FakeServer, typed: list[str]) -> None:
    assert (cli("admin", "audit", *typed).code, server.seen) == (2, [])


@pytest.mark.parametrize("typed", ["yesterday", "-2h", "24:61"])
def test_what_is_no_time_is_told(cli: Program, server: FakeServer, typed: str) -> None:
    server.documents["/health"] = {"status": "ok"}
    ended = cli("admin", "audit", f"--since={typed}")
    assert (ended.code, "not a time" in ended.stderr) == (2, True)
