"""`admin …`: what is sent, shown, asked."""

from dataclasses import replace

import httpx
import pytest

from tests.unit.cli.fake_server import ROOT, FakeServer, Json, a_download, a_problem
from tests.unit.cli.program import Program

LIST = "/v1/admin/downloads"
OTHER = "01JD8Z4M2B6C8D0E3F5G7H9J1K"
STATS: Json = {
    "queue": {
        "pending": 1200, "in_progress": 2, "retry_waiting": 3, "paused": 4, "completed_today": 5, "failed_today": 6,
        "stale_in_progress": 7,
    },
    "capacity": {"albums_this_hour": 1, "max_per_hour": 10, "albums_today": 9, "max_per_day": -1},
    "processing": {"average_duration_ms": 185_000, "success_rate_percent": 97.5},
}  # fmt: skip


def test_downloads_of_all_are_listed_with_who_asked(cli: Program, server: FakeServer) -> None:
    server.lists[LIST] = [a_download(content_name="Night", requested_by="bob")]
    filters = ["--status", "pending", "--user", "bob", "--kind", "album", "--source", "user"]
    row = cli("admin", "downloads", *filters).stdout.splitlines()[1]
    assert row.split()[-2:] == ["bob", "Night"]
    sent = {"status": "PENDING", "user_id": "bob", "kind": "album", "source": "USER", "limit": "50"}
    assert dict(server.seen[0].url.params) == sent
    assert cli("admin", "downloads", "--ids").stdout == f"{ROOT}\n"


@pytest.mark.parametrize("columns", ["40", "60", "80", "100"])
def test_rows_with_a_long_user_fit(cli: Program, server: FakeServer, columns: str) -> None:
    server.lists[LIST] = [a_download(content_name="N" * 100, requested_by="u" * 100)]
    lines = cli.having({"COLUMNS": columns})("admin", "downloads").stdout.splitlines()
    assert all(len(line) <= int(columns) for line in lines)
    assert lines[1].startswith(ROOT)


@pytest.mark.parametrize(("options", "count", "said"), [([], 50, True), (["--all"], 70, False)])
def test_more_is_announced(cli: Program, server: FakeServer, options: list[str], count: int, *, said: bool) -> None:
    server.lists[LIST] = [a_download(id=f"D{number}") for number in range(70)]
    ended = cli("admin", "downloads", "--ids", *options)
    assert (len(ended.stdout.splitlines()), "--all" in ended.stderr) == (count, said)
    server.lists[LIST] = []
    assert cli("admin", "downloads").stdout == "no downloads\n"


def test_stats_are_told_in_words(cli: Program, server: FakeServer) -> None:
    server.documents["/v1/admin/stats"] = STATS
    lines = [" ".join(line.split()) for line in cli("admin", "stats").stdout.splitlines()]
    for line in ("Pending 1,200", "Failed today 6", "Stale in progress 7", "Albums today 9 of unlimited"):
        assert line in lines
    assert {"Average duration 3 min 05 s", "Success rate 97.5 %"} <= set(lines)
    assert cli("admin", "stats", "--json").json == STATS


@pytest.mark.parametrize("nothing", [None, "x", True, 2**70])
def test_before_anything_ended_there_are_no_averages(cli: Program, server: FakeServer, nothing: object) -> None:
    work = {"average_duration_ms": nothing, "success_rate_percent": nothing}
    server.documents["/v1/admin/stats"] = {**STATS, "processing": work}
    assert cli("admin", "stats").stdout.count("–") == 2


def test_activity_is_a_row_an_hour_and_the_sum(cli: Program, server: FakeServer) -> None:
    row = {"albums": 1, "tracks": 1400, "images": 2, "bytes": 5_200_000, "failed": 0}
    found: Json = {"hourly": [{"hour": "2026-11-21T08:00:00Z", **row}], "totals": row}
    server.documents["/v1/admin/activity"] = found
    hour, total = (line.split()[-6:] for line in cli("admin", "activity", "--hours", "6").stdout.splitlines()[1:])
    assert hour == total == ["1", "1,400", "2", "5.2", "MB", "0"]
    assert server.seen[0].url.params["hours"] == "6"
    assert cli("admin", "activity", "--json").json == found


def test_process_lists_what_was_done(cli: Program, server: FakeServer) -> None:
    server.answers["POST /v1/admin/process"] = {"processed": [a_download(status="COMPLETED")]}
    ended = cli("admin", "process", "--max", "3")
    assert (ended.code, f"{ROOT}  COMPLETED" in ended.stdout) == (0, True)
    assert server.sent() == [("/v1/admin/process", {"max": 3})]
    server.answers["POST /v1/admin/process"] = {"processed": []}
    assert cli("admin", "process").stdout == "nothing waits\n"


@pytest.mark.parametrize(("option", "force"), [([], None), (["--force"], "true")])
def test_retry_of_one(cli: Program, server: FakeServer, option: list[str], force: str | None) -> None:
    server.answers[f"POST {LIST}/{ROOT}/retry"] = a_download(content_name="Night")
    ended = cli("admin", "retry", ROOT, *option)
    assert (ended.code, ended.stdout) == (0, "PENDING  Night\n")
    assert server.seen[0].url.params.get("force") == force


def test_retry_of_many_goes_on_after_a_refusal(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {LIST}/{OTHER}/retry"] = a_download(id=OTHER)
    server.troubles[f"{LIST}/{ROOT}/retry"] = [a_problem(409, "invalid_state", "it is COMPLETED")]
    ended = cli("admin", "retry", ROOT, OTHER, "--json")
    assert ended.code == 8
    assert ended.json["errors"] == [{"id": ROOT, "code": "invalid_state"}]
    assert ended.json["results"] == [{"id": OTHER, "status": "PENDING"}]


def test_a_lost_server_ends_the_round(cli: Program, server: FakeServer) -> None:
    server.refusals = [httpx.ConnectError("refused")]
    ended = cli("admin", "retry", ROOT, OTHER, "--json")
    assert (ended.code, len(server.seen), ended.json["failed"]) == (8, 1, 2)


def test_retry_failed_counts(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {LIST}/retry-failed"] = {"requeued": 1200}
    assert cli("admin", "retry-failed", "--user", "bob", "--kind", "track").stdout == "1,200 queued again\n"
    assert dict(server.seen[0].url.params) == {"user_id": "bob", "kind": "track"}


def test_delete_of_one_and_many(cli: Program, server: FakeServer) -> None:
    server.answers |= {f"DELETE {LIST}/{ROOT}": None, f"DELETE {LIST}/{OTHER}": None}
    assert cli("admin", "delete", ROOT, "--yes").stdout == f"deleted {ROOT}\n"
    ended = cli("admin", "delete", ROOT, OTHER, "-y", "--json")
    assert (ended.code, ended.json["successful"]) == (0, 2)
    assert cli("admin", "delete", ROOT, "-y", "--json").json == {"id": ROOT, "status": "deleted"}


def test_delete_asks_a_person(cli: Program, server: FakeServer) -> None:
    server.answers |= {f"DELETE {LIST}/{ROOT}": None, f"DELETE {LIST}/{OTHER}": None}
    person = Program(replace(cli.host, is_interactive=True))
    refused = person("admin", "delete", ROOT, OTHER, typed="n\n")
    assert (refused.code, server.seen) == (130, [])
    assert "Delete 2 downloads for good?" in refused.stderr
    assert person("admin", "delete", ROOT, typed="y\n").stdout.endswith(f"deleted {ROOT}\n")


def test_delete_without_a_person_wants_yes(cli: Program, server: FakeServer) -> None:
    ended = cli("admin", "delete", ROOT)
    assert (ended.code, server.seen) == (2, [])
    assert ended.stderr == f"error: to delete {ROOT} without being asked, add --yes\n"


@pytest.mark.parametrize(
    "typed",
    [
        ["activity", "--hours", "0"], ["activity", "--hours", "169"], ["process", "--max", "11"], ["retry"],
        ["downloads", "--source", "x"], ["delete", "a/b", "--yes"],
    ],
)  # fmt: skip
def test_wrong_usage_is_told_without_a_request(cli: Program, server: FakeServer, typed: list[str]) -> None:
    assert (cli("admin", *typed).code, server.seen) == (2, [])
