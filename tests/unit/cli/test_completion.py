"""What a shell offers when Tab is pressed."""

import httpx
import pytest
from typer.testing import CliRunner

from cratekeeper_cli.host import Host
from tests.unit.cli.fake_server import ROOT, FakeServer, Json, a_download, a_problem
from tests.unit.cli.program import APP, Program

OTHER = "01JD8Z4M2B6C8D0E3F5G7H9J1K"


def offered(host: Host, typed: str, *, dialect: str = "bash") -> list[str]:
    """The lines that are offered at the end of `cratekeeper TYPED`."""
    words = f"cratekeeper {typed}"
    environ = {
        "_CRATEKEEPER_COMPLETE": f"complete_{dialect}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ended = CliRunner().invoke(
        APP, [], obj=host, prog_name="cratekeeper", complete_var="_CRATEKEEPER_COMPLETE", env=environ
    )
    assert ended.stderr == ""
    return [line for line in ended.stdout.splitlines() if line]


@pytest.fixture
def two(server: FakeServer) -> FakeServer:
    """The server, with two downloads."""
    server.lists["/v1/downloads"] = [a_download(content_name="Night"), a_download(id=OTHER, kind="track")]
    server.lists["/v1/admin/downloads"] = [a_download(id="ADMIN", status="FAILED")]
    return server


@pytest.mark.parametrize("verb", ["cancel", "pause", "priority 2", "watch", "explain"])
def test_active_downloads_are_offered(host: Host, two: FakeServer, verb: str) -> None:
    assert offered(host, f"{verb} ") == [ROOT, OTHER]
    assert dict(two.seen[0].url.params) == {"active": "true", "limit": "50"}


def test_what_begins_otherwise_or_was_typed_before_is_left_out(host: Host, two: FakeServer) -> None:
    assert offered(host, f"cancel {ROOT[:8]}") == [ROOT]
    assert offered(host, f"cancel {ROOT} ") == [OTHER]
    assert len(two.seen) == 2


@pytest.mark.parametrize(
    ("verb", "asked"),
    [("retry", ["FAILED", "CANCELLED"]), ("resume", ["PAUSED"]), ("show", [None]), ("events", [None])],
)
def test_only_what_the_command_can_take_is_asked_for(
    host: Host, two: FakeServer, verb: str, asked: list[str | None]
) -> None:
    offered(host, f"{verb} ")
    assert [request.url.params.get("status") for request in two.seen] == asked


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("verb", ["retry", "delete"])
def test_operators_are_offered_downloads_of_all(host: Host, verb: str) -> None:
    assert "ADMIN" in offered(host, f"admin {verb} ")


def test_names_are_shown_where_the_shell_can(host: Host, two: FakeServer) -> None:
    assert offered(host, "cancel ", dialect="fish")[0] == f"{ROOT}\tPENDING Night"
    assert two.seen


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("admin jobs run ", ["integrity_watchdog", "usage_reconcile"]),
        ("admin jobs show u", ["usage_reconcile"]),
        ("admin users change ", ["alice", "auth0|b"]),
        ("admin keys create al", ["alice"]),
        ("admin audit --user a", ["alice", "auth0|b"]),
        ("admin keys revoke auth0|b ", ["K1", "K2"]),
        ("admin keys revoke auth0|b K1 ", ["K2"]),
    ],
)
def test_operators_are_offered_jobs_users_and_their_keys(
    host: Host, server: FakeServer, typed: str, words: list[str]
) -> None:
    jobs = [{"id": "integrity_watchdog", "name": "Integrity watchdog"}, {"id": "usage_reconcile", "name": "Usage"}]
    user: Json = {"user_id": "auth0|b", "role": "user", "keys": [{"key_id": "K1"}, {"key_id": "K2"}]}
    server.documents |= {"/v1/admin/jobs": {"items": jobs}, "/v1/admin/users/auth0|b": user}
    server.lists["/v1/admin/users"] = [{"user_id": "alice", "role": "user"}, user]
    assert offered(host, typed) == words
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        a_problem(401, "unauthorized", "no"),
        a_problem(500, "internal_error", "no"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"items": [{"id": 3}]}),
    ],
)
def test_trouble_offers_nothing_and_says_nothing(
    host: Host, two: FakeServer, trouble: httpx.Response | Exception
) -> None:
    two.refusals = [trouble]
    assert offered(host, "cancel ") == []
    assert (len(two.seen), two.clock.now_s) == (1, 0)


def test_without_a_login_nothing_is_offered(cli: Program, server: FakeServer) -> None:
    stranger = cli.having({"CRATEKEEPER_URL": None, "CRATEKEEPER_KEY": None})
    assert (offered(stranger.host, "cancel "), server.seen) == ([], [])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("ca", ["cancel"]),
        ("queue p", ["pause"]),
        ("admin retry", ["retry", "retry-failed"]),
        ("downloads --status PA", ["PAUSED"]),
        ("downloads --kind album_", ["album_image"]),
        ("search --type ", ["album", "artist", "track"]),
        ("priority ", ["1", "2", "3"]),
        ("request album X --priority ", ["1", "2", "3"]),
        ("admin downloads --source W", ["WATCHDOG"]),
        ("admin jobs ", ["show", "history", "run"]),
        ("admin users create alice --role ", ["user", "viewer", "admin"]),
        ("admin users change alice --max-queue ", ["unlimited", "default"]),
        ("admin audit --event KEY", ["KEY_CREATED", "KEY_REVOKED"]),
        ("admin audit --order ", ["newest", "oldest"]),
    ],
)
def test_known_words_are_offered_without_a_request(
    host: Host, server: FakeServer, typed: str, words: list[str]
) -> None:
    assert (offered(host, typed), server.seen) == (words, [])
