"""`login`, `logout`, and which server a command talks to."""

import json
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cratekeeper_cli.host import Host
from tests.unit.cli.fake_server import KEY, URL, FakeServer, a_problem
from tests.unit.cli.program import Program

LIMITS = "/v1/limits"
OTHER = "https://other.example"


@pytest.fixture
def stranger(cli: Program, server: FakeServer) -> Program:
    """`cratekeeper` of somebody who never logged in."""
    server.documents[LIMITS] = {"user": {}, "global": {}}
    return cli.having({"CRATEKEEPER_URL": None, "CRATEKEEPER_KEY": None})


def login_file(host: Host) -> Path:
    return Path(host.environ["HOME"]) / ".config" / "cratekeeper" / "login.json"


def local_stack(folder: Path, ready: object) -> None:
    (folder / ".cratekeeper").mkdir(parents=True)
    (folder / ".cratekeeper" / "ready.json").write_text(json.dumps(ready))


def test_a_saved_login_serves_later_commands(stranger: Program, host: Host) -> None:
    assert stranger("login", "--url", f"{URL}/", "--key", KEY).code == 0
    assert stranger("limits").code == 0
    assert json.loads(login_file(host).read_text()) == {"url": URL, "key": KEY}


def test_nobody_else_can_read_the_login(stranger: Program, host: Host) -> None:
    stranger("login", "--url", URL, "--key", KEY)
    assert stat.S_IMODE(login_file(host).stat().st_mode) == 0o600
    assert stat.S_IMODE(login_file(host).parent.stat().st_mode) == 0o700
    assert list(login_file(host).parent.iterdir()) == [login_file(host)]


def test_xdg_config_home_is_honoured(stranger: Program, tmp_path: Path) -> None:
    stranger.having({"XDG_CONFIG_HOME": str(tmp_path / "xdg")})("login", "--url", URL, "--key", KEY)
    assert (tmp_path / "xdg" / "cratekeeper" / "login.json").exists()


def test_the_key_may_come_through_a_pipe(stranger: Program, host: Host) -> None:
    assert stranger("login", "--url", URL, typed=f"{KEY}\n").code == 0
    assert json.loads(login_file(host).read_text())["key"] == KEY


def test_a_person_is_asked_for_both(stranger: Program, host: Host) -> None:
    person = Program(replace(stranger.host, is_interactive=True))
    ended = person("login", typed=f"{URL}\n{KEY}\n")
    assert (ended.code, KEY in ended.stdout + ended.stderr) == (0, False)
    assert json.loads(login_file(host).read_text()) == {"url": URL, "key": KEY}


def test_the_local_stack_is_proposed(stranger: Program, host: Host, server: FakeServer) -> None:
    local_stack(host.cwd, {"api_url": "http://127.0.0.1:8080", "user_key": "ck_local"})
    person = Program(replace(stranger.host, is_interactive=True))
    assert person("login", typed=f"\n{KEY}\n").code == 0
    assert server.seen[0].url.port == 8080


def test_who_does_not_answer_is_not_logged_in(stranger: Program, host: Host) -> None:
    ended = Program(replace(stranger.host, is_interactive=True))("login", typed="")
    assert (ended.code, login_file(host).exists()) == (130, False)


def test_without_anybody_to_ask_the_url_must_be_given(stranger: Program, server: FakeServer) -> None:
    ended = stranger("login", typed=f"{KEY}\n")
    assert (ended.code, server.seen) == (2, [])
    assert "--url" in ended.stderr


def test_the_key_is_never_shown(stranger: Program) -> None:
    for arguments in (["login", "--url", URL, "--key", KEY], ["login", "--url", URL, "--key", KEY, "--json"]):
        ended = stranger(*arguments)
        assert KEY not in ended.stdout + ended.stderr


def test_a_refused_key_is_not_saved(stranger: Program, host: Host) -> None:
    assert stranger("login", "--url", URL, "--key", "ck_bad").code == 4
    assert not login_file(host).exists()


def test_a_key_that_may_only_look_is_saved(stranger: Program, server: FakeServer, host: Host) -> None:
    server.refusals = [a_problem(403, "forbidden", "not for viewers")]
    ended = stranger("login", "--url", URL, "--key", KEY, "--json")
    assert (ended.code, ended.json["may_request_content"]) == (0, False)
    assert login_file(host).exists()


def test_an_unreachable_server_is_not_saved(stranger: Program, server: FakeServer, host: Host) -> None:
    server.refusals = [httpx.ConnectError("refused")]
    assert stranger("login", "--url", URL, "--key", KEY).code == 3
    assert not login_file(host).exists()


@pytest.mark.parametrize(
    "url",
    [
        "x",
        "ftp://x",
        "http://",
        "https://u:p@x",
        "https://x?q",
        "https://x#f",
        "http://[",
        "http://x:99999",
        "http://ä",
        "http://x\x07",
    ],
)
def test_what_is_no_url_is_refused(stranger: Program, server: FakeServer, url: str) -> None:
    ended = stranger("login", "--url", url, "--key", KEY)
    assert (ended.code, server.seen) == (2, [])
    assert ended.stderr.startswith("error: ")


@pytest.mark.parametrize("key", [" ", "two words", "ä", "ck_\x07"])
def test_what_is_no_key_is_refused(stranger: Program, server: FakeServer, key: str) -> None:
    assert (stranger("login", "--url", URL, "--key", key).code, server.seen) == (2, [])


def test_a_plain_http_server_elsewhere_is_warned_of(stranger: Program) -> None:
    assert "travels where others can read it" in stranger("login", "--url", "http://x.example", "--key", KEY).stderr
    assert "travels" not in stranger("login", "--url", "http://127.0.0.1:8080", "--key", KEY).stderr


def test_logout_forgets(stranger: Program, host: Host) -> None:
    stranger("login", "--url", URL, "--key", KEY)
    assert stranger("logout", "--json").json == {"was_logged_in": True}
    assert not login_file(host).exists()
    assert stranger("logout", "--json").json == {"was_logged_in": False}
    assert stranger("limits").code == 4


def test_without_any_login_the_way_to_one_is_told(stranger: Program, server: FakeServer) -> None:
    ended = stranger("limits")
    assert (ended.code, server.seen) == (4, [])
    assert "cratekeeper login" in ended.stderr
    assert "cratekeeper local up" in ended.stderr


@pytest.mark.parametrize("content", ["", "[]", "{", '{"url": 1}', "\0"])
def test_a_spoilt_login_is_told_in_one_line(stranger: Program, host: Host, content: str) -> None:
    login_file(host).parent.mkdir(parents=True)
    login_file(host).write_text(content)
    ended = stranger("limits")
    assert (ended.code, len(ended.stderr.splitlines())) == (2, 1)
    assert "cratekeeper logout" in ended.stderr
    assert stranger("logout").code == 0


def test_a_login_that_cannot_be_deleted_is_told(stranger: Program, host: Host) -> None:
    login_file(host).mkdir(parents=True)
    ended = stranger("logout")
    assert (ended.code, ended.stderr.startswith("error: cannot delete ")) == (2, True)


def test_a_folder_that_cannot_be_written_is_told(stranger: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = stranger.having({"XDG_CONFIG_HOME": str(tmp_path / "file")})("login", "--url", URL, "--key", KEY)
    assert (ended.code, ended.stderr.startswith("error: cannot write ")) == (2, True)


@pytest.mark.parametrize("variables", [{}, {"CRATEKEEPER_URL": "http://127.0.0.1:8080"}])
def test_a_local_stack_is_found_from_folders_inside(
    stranger: Program, host: Host, server: FakeServer, variables: Mapping[str, str]
) -> None:
    local_stack(host.cwd.parent, {"api_url": "http://127.0.0.1:8080", "user_key": KEY})
    assert stranger.having(variables)("limits").code == 0
    assert str(server.seen[0].url) == "http://127.0.0.1:8080/v1/limits"


@pytest.mark.parametrize(
    "ready",
    [
        {"api_url": "https://evil.example", "user_key": KEY},
        {"api_url": "http://127.0.0.1.evil.example", "user_key": KEY},
        {"api_url": "http://127.0.0.1:8080"},
        {"api_url": 3, "user_key": KEY},
        [],
        None,
    ],
)
def test_a_ready_file_leads_no_key_elsewhere(
    cli: Program, stranger: Program, host: Host, server: FakeServer, ready: object
) -> None:
    local_stack(host.cwd, ready)
    assert stranger("limits").code == 4
    assert cli.having({"CRATEKEEPER_URL": None})("limits").code == 4
    assert server.seen == []


def test_a_login_wins_over_a_local_stack(stranger: Program, host: Host, server: FakeServer) -> None:
    local_stack(host.cwd, {"api_url": "http://127.0.0.1:8080", "user_key": "ck_local"})
    stranger("login", "--url", URL, "--key", KEY)
    stranger("limits")
    assert server.seen[-1].url.host == "crates.example"


def test_a_saved_key_is_not_sent_to_another_server(stranger: Program, server: FakeServer) -> None:
    stranger("login", "--url", URL, "--key", KEY)
    ended = stranger.having({"CRATEKEEPER_URL": OTHER})("limits")
    assert (ended.code, len(server.seen)) == (4, 1)


def test_the_environment_wins_over_the_login(stranger: Program, server: FakeServer) -> None:
    stranger("login", "--url", URL, "--key", KEY)
    both = {"CRATEKEEPER_URL": OTHER, "CRATEKEEPER_KEY": "ck_other"}
    assert stranger.having(both)("limits").code == 4
    assert stranger.having({"CRATEKEEPER_KEY": "ck_other"})("limits").code == 4
    assert [(request.url.host, request.headers["Authorization"]) for request in server.seen[1:]] == [
        ("other.example", "Bearer ck_other"),
        ("crates.example", "Bearer ck_other"),
    ]


@pytest.mark.parametrize(
    ("url", "hint"), [("http://127.0.0.1:8080", "cratekeeper local up"), (URL, "cratekeeper login")]
)
@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout(""), httpx.ReadTimeout("")])
def test_unreachable_says_what_to_do(
    cli: Program, server: FakeServer, url: str, hint: str, error: httpx.TransportError
) -> None:
    server.refusals = [error]
    ended = cli.having({"CRATEKEEPER_URL": url})("limits")
    assert (ended.code, len(ended.stderr.splitlines())) == (3, 2)
    assert hint in ended.stderr


def test_unreachable_is_json_as_well(cli: Program, server: FakeServer) -> None:
    server.refusals = [httpx.ConnectError("refused")]
    assert cli("limits", "--json").json["code"] == "unreachable"


KEYS = {"user_key": "ck_user", "second_user_key": "ck_second", "viewer_key": "ck_viewer", "admin_key": "ck_admin"}


@pytest.mark.parametrize(
    ("command", "role", "key"),
    [
        (["limits"], None, "ck_user"),
        (["limits"], "second_user", "ck_second"),
        (["limits"], "admin", "ck_admin"),
        (["admin", "stats"], None, "ck_admin"),
        (["admin", "stats"], "viewer", "ck_viewer"),
        (["queue"], None, "ck_user"),
        (["queue", "resume"], None, "ck_admin"),
    ],
)
def test_a_local_stack_has_a_key_for_each_role(
    stranger: Program, server: FakeServer, command: list[str], role: str | None, key: str
) -> None:
    local_stack(stranger.host.cwd, {"api_url": "http://127.0.0.1:8080", **KEYS})
    stranger.having({"CRATEKEEPER_ROLE": role})(*command)
    assert server.seen[0].headers["Authorization"] == f"Bearer {key}"


def test_an_unknown_role_is_told(stranger: Program, server: FakeServer) -> None:
    ended = stranger.having({"CRATEKEEPER_ROLE": "root"})("limits")
    assert (ended.code, server.seen) == (2, [])
    assert ended.stderr.startswith("error: CRATEKEEPER_ROLE is one of user, second_user, viewer, admin")


def test_a_login_is_the_same_for_operators(stranger: Program, server: FakeServer) -> None:
    local_stack(stranger.host.cwd, {"api_url": "http://127.0.0.1:8080", **KEYS})
    stranger("login", "--url", URL, "--key", KEY)
    stranger("admin", "stats")
    assert server.seen[-1].headers["Authorization"] == f"Bearer {KEY}"
