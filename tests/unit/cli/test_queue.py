"""`queue pause|resume|limit`, and points in time as people type them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper_cli import moments
from cratekeeper_cli.errors import BadInput
from tests.unit.cli.fake_server import FakeServer, Json, a_problem
from tests.unit.cli.program import Program

PAUSE, RESUME, QUEUE = "/v1/admin/queue/pause", "/v1/admin/queue/resume", "/v1/admin/queue"
STATE: Json = {"paused": False, "max_concurrent": 3, "active": 1, "pending": 2, "retry_waiting": 0, "by_priority": {}}
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.fixture
def queue(server: FakeServer) -> FakeServer:
    """The server, with a queue that can be steered."""
    server.documents["/v1/queue"] = STATE
    paused = {
        **STATE,
        "paused": True,
        "paused_reason": "moving",
        "paused_by": "bob",
        "resume_at": "2026-11-21T10:00:00Z",
    }
    server.answers |= {
        f"POST {PAUSE}": paused,
        f"POST {RESUME}": STATE,
        f"PATCH {QUEUE}": {**STATE, "max_concurrent": 7},
    }
    return server


@pytest.fixture
def east() -> Iterator[None]:
    """A reader two hours east of UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC-2")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ([], {}),
        (["--reason", "moving"], {"reason": "moving"}),
        (["--until", "2h"], {"resume_at": "2026-11-21T10:00:00Z"}),
        (["--until", "2026-12-01T08:00Z", "--reason", "x"], {"reason": "x", "resume_at": "2026-12-01T08:00:00Z"}),
    ],
)
def test_pause_sends_reason_and_end(cli: Program, queue: FakeServer, options: list[str], body: Json) -> None:
    ended = cli("queue", "pause", *options)
    assert (ended.code, queue.sent()) == (0, [(PAUSE, body)])
    assert ended.stderr == "resume it with: cratekeeper queue resume\n"


@pytest.mark.usefixtures("east")
def test_a_pause_says_why_and_until_when(cli: Program, queue: FakeServer) -> None:
    assert "paused by bob until 2026-11-21 12:00:00: moving" in cli("queue", "pause").stdout
    assert cli("queue", "pause", "--json").json == queue.answers[f"POST {PAUSE}"]


def test_resume_opens_the_queue(cli: Program, queue: FakeServer) -> None:
    ended = cli("queue", "resume")
    assert (ended.code, "open" in ended.stdout, queue.sent()) == (0, True, [(RESUME, {})])


def test_limit_is_a_patch(cli: Program, queue: FakeServer) -> None:
    ended = cli("queue", "limit", "7")
    assert (ended.code, "1 of 7" in ended.stdout) == (0, True)
    assert queue.sent("PATCH") == [(QUEUE, {"max_concurrent": 7})]


@pytest.mark.parametrize("typed", [["limit"], ["limit", "0"], ["limit", "1001"], ["pause", "--until", "soon"]])
def test_wrong_usage_changes_nothing(cli: Program, queue: FakeServer, typed: list[str]) -> None:
    assert cli("queue", *typed).code == 2
    assert queue.sent() == queue.sent("PATCH") == []


@pytest.mark.parametrize("command", [["pause"], ["resume"], ["limit", "2"]])
def test_an_order_is_repeated_over_a_broken_line(cli: Program, queue: FakeServer, command: list[str]) -> None:
    queue.refusals = [httpx.ReadError("reset"), httpx.ReadError("reset")]
    assert (cli("queue", *command).code, len(queue.seen)) == (0, 3)


def test_who_may_not_is_told_what_to_do(cli: Program, queue: FakeServer) -> None:
    queue.refusals = [a_problem(403, "forbidden", "server_admin is needed")]
    ended = cli("queue", "pause")
    assert (ended.code, "CRATEKEEPER_ROLE=admin" in ended.stderr) == (4, True)


@pytest.mark.usefixtures("east")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("90m", NOW + timedelta(minutes=90)),
        ("1d12h", NOW + timedelta(hours=36)),
        (" 30s ", NOW + timedelta(seconds=30)),
        ("10:01", NOW + timedelta(minutes=1)),  # 10:00 where the reader is
        ("10:00", NOW + timedelta(days=1)),
        ("09:59", NOW + timedelta(hours=23, minutes=59)),
        ("2026-12-01T08:00", datetime(2026, 12, 1, 6, 0, tzinfo=UTC)),
        ("2026-12-01T08:00:00+05:00", datetime(2026, 12, 1, 3, 0, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 11, 30, 22, 0, tzinfo=UTC)),
    ],
)
def test_what_a_time_means(typed: str, meant: datetime) -> None:
    assert moments.instant(typed, now=NOW) == meant


@pytest.mark.usefixtures("east")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("10:00", NOW),
        ("10:01", NOW + timedelta(minutes=1, days=-1)),
        ("2026-12-01T08:00", datetime(2026, 12, 1, 6, 0, tzinfo=UTC)),
    ],
)
def test_what_a_time_meant(typed: str, meant: datetime) -> None:
    assert moments.past(typed, now=NOW) == meant


@pytest.mark.parametrize("typed", ["", "h", "-1h", "25:00", "tomorrow", "2026-13-01", "99999d", "٣h", "0001-01-01"])
def test_what_is_no_time(typed: str) -> None:
    with pytest.raises(BadInput, match="not a time"):
        moments.instant(typed, now=NOW)


@pytest.mark.parametrize("typed", ["2h", "18:30"])
def test_a_server_without_a_clock_wants_a_date(typed: str) -> None:
    with pytest.raises(BadInput, match="does not tell its time"):
        moments.instant(typed, now=None)


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_told_to_be_none(typed: str) -> None:
    try:
        found = moments.instant(typed, now=NOW)
    except BadInput:
        return
    assert found.tzinfo is not None
