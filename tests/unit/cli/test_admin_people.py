"""`admin users …` and `admin keys …`: what is sent, shown, asked."""

from dataclasses import replace

import pytest

from cratekeeper.domain.access import Role
from cratekeeper_cli.answers import UserRole
from tests.unit.cli.fake_server import FakeServer, Json, a_problem
from tests.unit.cli.program import Program

USERS = "/v1/admin/users"
SUBJECT = "auth0|b@x"
KEY = "x8Qm2LwTaPJq"
DASHED = "-8Qm2LwTaPJq"


def a_user(**changes: object) -> Json:
    plain: Json = {
        "user_id": "alice", "role": "user", "max_per_day": 250, "max_queue": None,
        "created_at": "2026-11-02T08:12:30.811Z", "keys": [{"key_id": KEY, "created_at": "2026-11-02T08:12:31.044Z"}],
    }  # fmt: skip
    return {**plain, **changes}


def words_of(text: str) -> list[str]:
    """The lines without their padding."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_roles_are_those_of_the_service() -> None:
    assert {str(role) for role in UserRole} == {str(role) for role in Role}


def test_users_are_listed_with_limits_and_keys(cli: Program, server: FakeServer) -> None:
    server.lists[USERS] = [a_user(), a_user(user_id=SUBJECT, role="admin", max_per_day=-1, max_queue=0, keys=[])]
    first, second = words_of(cli("admin", "users").stdout)[1:]
    assert first.startswith("alice user 250 default 1 2026-11-02 ")
    assert second.startswith(f"{SUBJECT} admin unlimited 0 0 ")
    assert cli("admin", "users", "--ids").stdout == f"alice\n{SUBJECT}\n"
    server.lists[USERS] = []
    assert cli("admin", "users").stdout == "no users\n"


@pytest.mark.parametrize(
    ("options", "count", "said"), [([], 50, True), (["--limit", "210"], 210, True), (["--all"], 270, False)]
)
def test_more_is_announced(cli: Program, server: FakeServer, options: list[str], count: int, *, said: bool) -> None:
    server.lists[USERS] = [a_user(user_id=f"u{number}") for number in range(270)]
    ended = cli("admin", "users", *options, "--json")
    items = ended.json["items"]
    assert isinstance(items, list)
    assert (len(items), "--all" in ended.stderr) == (count, said)


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_rows_fit(cli: Program, server: FakeServer, columns: str) -> None:
    server.lists[USERS] = [a_user(user_id="u" * 64)]
    lines = cli.having({"COLUMNS": columns})("admin", "users").stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)


def test_a_user_is_shown_with_their_keys(cli: Program, server: FakeServer) -> None:
    keys = [{"key_id": KEY, "created_at": "2026-11-02T08:12:31Z"}, {"key_id": DASHED, "created_at": None}]
    server.documents[f"{USERS}/{SUBJECT}"] = a_user(user_id=SUBJECT, keys=keys)
    lines = words_of(cli("admin", "users", "show", SUBJECT).stdout)
    assert {f"User {SUBJECT}", "Requests a day 250", "In the queue default", f"{DASHED} of –"} <= set(lines)
    assert server.seen[0].url.raw_path == b"/v1/admin/users/auth0%7Cb%40x"
    listed = cli("admin", "keys", "list", SUBJECT)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["KEY", KEY, DASHED]
    assert cli("admin", "keys", "list", SUBJECT, "--json").json == {"user_id": SUBJECT, "keys": keys}
    server.documents[f"{USERS}/{SUBJECT}"] = a_user(keys=[])
    assert cli("admin", "keys", "list", SUBJECT).stdout == "no keys\n"
    assert "Keys none" in words_of(cli("admin", "users", "show", SUBJECT).stdout)


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ([], {"role": "user"}),
        (["--role", "Viewer"], {"role": "viewer"}),
        (
            ["--max-per-day", "unlimited", "--max-queue", "0"],
            {"role": "user", "max_per_day": -1, "max_queue": 0},
        ),
    ],
)
def test_a_user_is_created(cli: Program, server: FakeServer, options: list[str], body: Json) -> None:
    server.answers[f"POST {USERS}"] = a_user(keys=[])
    ended = cli("admin", "users", "create", "alice", *options)
    assert (ended.code, server.sent()) == (0, [(USERS, {"user_id": "alice", **body})])
    assert ended.stderr == "make a key with: cratekeeper admin keys create alice\n"


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["--role", "admin"], {"role": "admin"}),
        (["--max-per-day", "-1"], {"max_per_day": -1}),
        (["--max-per-day", "default", "--max-queue", "1000000"], {"max_per_day": None, "max_queue": 1_000_000}),
    ],
)
def test_only_what_is_named_is_changed(cli: Program, server: FakeServer, options: list[str], body: Json) -> None:
    server.answers[f"PATCH {USERS}/alice"] = a_user()
    ended = cli("admin", "users", "change", "alice", *options)
    assert (ended.code, server.sent("PATCH")) == (0, [(f"{USERS}/alice", body)])


def test_a_key_is_shown_once_and_alone_on_stdout(cli: Program, server: FakeServer) -> None:
    made: Json = {"user_id": "alice", "key_id": DASHED, "key": "ck_secret"}
    server.answers[f"POST {USERS}/alice/keys"] = made
    ended = cli("admin", "keys", "create", "alice")
    assert (ended.code, ended.stdout) == (0, "ck_secret\n")
    assert f"the key {DASHED} of alice is shown this once: keep it now\n" in ended.stderr
    assert ended.stderr.endswith(f"cratekeeper admin keys revoke alice -- {DASHED}\n")
    assert cli("admin", "keys", "create", "alice", "--json").json == made


def test_keys_are_revoked(cli: Program, server: FakeServer) -> None:
    server.answers |= {f"DELETE {USERS}/alice/keys/{KEY}": None, f"DELETE {USERS}/alice/keys/{DASHED}": None}
    assert cli("admin", "keys", "revoke", "alice", KEY, "--yes").stdout == f"revoked {KEY}\n"
    assert cli("admin", "keys", "revoke", "alice", "-y", "--", DASHED).stdout == f"revoked {DASHED}\n"
    server.troubles[f"{USERS}/alice/keys/{KEY}"] = [a_problem(404, "not_found", "no such key")]
    ended = cli("admin", "keys", "revoke", "alice", "--yes", "--json", "--", KEY, DASHED)
    assert (ended.code, ended.json["errors"]) == (8, [{"id": KEY, "code": "not_found"}])


def test_a_revocation_is_asked_for(cli: Program, server: FakeServer) -> None:
    server.answers[f"DELETE {USERS}/alice/keys/{KEY}"] = None
    refused = cli("admin", "keys", "revoke", "alice", KEY)
    assert (refused.code, refused.stderr) == (2, f"error: to revoke {KEY} without being asked, add --yes\n")
    person = Program(replace(cli.host, is_interactive=True))
    assert (person("admin", "keys", "revoke", "alice", KEY, typed="n\n").code, server.seen) == (130, [])
    asked = person("admin", "keys", "revoke", "alice", KEY, typed="y\n")
    assert (asked.code, f"Revoke {KEY} for good?" in asked.stderr) == (0, True)


@pytest.mark.parametrize(
    ("typed", "code", "hint"),
    [
        (["users", "show", "x"], "not_found", "users"),
        (["users", "change", "x", "--role", "user"], "not_found", "users"),
        (["users", "create", "x"], "already_exists", "users change"),
        (["keys", "create", "x"], "not_found", "users"),
        (["keys", "create", "x"], "too_many_keys", "keys revoke"),
        (["keys", "revoke", "x", KEY, "-y"], "not_found", "keys list x"),
    ],
)
def test_refusals_say_where_to_look(cli: Program, server: FakeServer, typed: list[str], code: str, hint: str) -> None:
    is_missing = code == "not_found"
    server.refusals = [a_problem(404 if is_missing else 409, code, "no")]
    ended = cli("admin", *typed)
    assert ended.code == (5 if is_missing else 6)
    assert ended.stderr.endswith(f": cratekeeper admin {hint}\n")


@pytest.mark.parametrize(
    "typed",
    [
        ["users", "show", "a/b"], ["users", "create", ""], ["users", "create", "x" * 65], ["users", "change", "alice"],
        ["users", "create", "a", "--role", "root"], ["users", "create", "a", "--max-queue", "-2"],
        ["users", "change", "a", "--max-queue", "1000001"], ["users", "change", "a", "--max-per-day", "many"],
        ["keys", "revoke", "alice"], ["keys", "revoke", "alice", "aaaaaaa/b", "-y"],
        ["keys", "revoke", "alice", "--", KEY, "--yes"], ["users", "--all", "show", "alice"],
    ],
)  # fmt: skip
def test_wrong_usage_is_told_without_a_request(cli: Program, server: FakeServer, typed: list[str]) -> None:
    assert (cli("admin", *typed).code, server.seen) == (2, [])
