"""`limits`, `queue`, `exit-codes`."""

import pytest

from cratekeeper_cli.exits import Exit
from tests.unit.cli.fake_server import FakeServer, Json
from tests.unit.cli.program import Program

LIMITS: Json = {
    "user": {
        "requests_today": 5, "max_per_day": 100, "in_queue": 2, "max_queue": -1, "can_request": True,
        "resets_at": "2026-11-22T00:00:00Z",
    },
    "global": {
        "albums_this_hour": 10, "max_per_hour": 10, "albums_today": 1234, "max_per_day": 60_000,
        "at_capacity": True, "resets_at": "2026-11-21T09:00:00Z",
    },
}  # fmt: skip
QUEUE: Json = {
    "paused": True, "paused_reason": "moving house", "max_concurrent": 3, "active": 2, "pending": 1006,
    "retry_waiting": 4, "by_priority": {"1": 1, "2": 1000, "3": 5},
}  # fmt: skip


def rows(shown: str) -> dict[str, str]:
    return {name.strip(): value.strip() for name, _, value in (line.partition("  ") for line in shown.splitlines())}


def test_limits_are_counted_for_you_and_all(cli: Program, server: FakeServer) -> None:
    server.documents["/v1/limits"] = LIMITS
    shown = rows(cli("limits").stdout)
    assert shown["You, requests today"] == "5 of 100"
    assert shown["You, in the queue"] == "2 of unlimited"
    assert shown["You may request"] == "yes"
    assert shown["All, albums today"] == "1,234 of 60,000"
    assert "Albums wait until" in shown
    assert cli("limits", "--json").json == LIMITS


def test_queue_is_told_by_lane(cli: Program, server: FakeServer) -> None:
    server.documents["/v1/queue"] = QUEUE
    shown = cli("queue").stdout
    for word in ("paused: moving house", "2 of 3", "1,006", "normal (2)", "1,000", "Waiting for a retry"):
        assert word in shown
    assert cli("queue", "--json").json == QUEUE


@pytest.mark.parametrize(("change", "state"), [({"paused": False}, "open"), ({"paused_reason": None}, "paused")])
def test_queue_says_whether_it_is_open(cli: Program, server: FakeServer, change: Json, state: str) -> None:
    server.documents["/v1/queue"] = {**QUEUE, **change}
    assert rows(cli("queue").stdout)["State"] == state


def test_every_exit_code_is_explained(cli: Program) -> None:
    shown = cli("exit-codes").stdout
    listed = cli("exit-codes", "--json").json["exit_codes"]
    assert isinstance(listed, list)
    assert [row["code"] for row in listed] == [int(code) for code in Exit]
    assert all(row["meaning"] in shown for row in listed)
