"""`watch`: outcomes, polls, patience, Ctrl-C."""

import httpx
import pytest

from tests.unit.cli.fake_server import (
    ROOT,
    STARTED,
    Clock,
    FakeServer,
    Json,
    a_download,
    a_problem,
    a_progress,
    a_track,
    an_album,
)
from tests.unit.cli.program import Program

CHILDREN = f"/v1/downloads/{ROOT}/children"
QUEUE = "/v1/queue"


@pytest.fixture
def album(server: FakeServer) -> FakeServer:
    """The server, with an album of two tracks that is done after three seconds."""
    server.timelines[ROOT] = [
        (0, an_album("PENDING", a_progress(2))),
        (1, an_album("IN_PROGRESS", a_progress(2, in_progress=1, completed=1, size_bytes=1_000_000))),
        (3, an_album("COMPLETED", a_progress(2, completed=2, size_bytes=2_000_000))),
    ]
    server.lists[CHILDREN] = [
        a_track(1, "COMPLETED", bytes_downloaded=1_000_000),
        a_track(2, "COMPLETED", bytes_downloaded=1_000_000),
    ]
    return server


@pytest.mark.parametrize(
    ("status", "partial", "exit_code"),
    [
        ("COMPLETED", False, 0),
        ("COMPLETED", True, 8),
        ("FAILED", False, 1),
        ("FAILED", True, 1),
        ("CANCELLED", False, 8),
    ],
)
def test_the_outcome_is_the_exit_code(
    cli: Program, server: FakeServer, status: str, *, partial: bool, exit_code: int
) -> None:
    server.timelines[ROOT] = [(0, a_download(kind="track", status=status, partial=partial, bytes_downloaded=10))]
    ended = cli("watch", ROOT)
    assert (ended.code, ended.stdout.startswith(status), "10 B" in ended.stdout) == (exit_code, True, True)


def test_json_is_the_last_state_alone(cli: Program, album: FakeServer) -> None:
    ended = cli("watch", ROOT, "--json")
    assert ended.json == album.timelines[ROOT][-1][1]


def test_without_a_terminal_progress_is_plain_lines(cli: Program, album: FakeServer) -> None:
    ended = cli("watch", ROOT)
    assert all(request.method == "GET" for request in album.seen)
    assert ended.stdout == "COMPLETED  Night Drive – The Examples  2 of 2, 2.0 MB\n"
    assert "COMPLETED     Song 1 (1.0 MB)\n" in ended.stderr
    assert "1/2 done, 2.0 MB" in ended.stderr
    assert "\x1b" not in ended.stderr


def test_lines_tell_the_rate_and_the_time_left(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [
        (second, an_album("IN_PROGRESS", a_progress(4, completed=second, size_bytes=second * 2_000_000)))
        for second in range(4)
    ]
    server.timelines[ROOT].append((4, an_album("COMPLETED", a_progress(4, completed=4))))
    server.lists[CHILDREN] = []
    said = cli("watch", ROOT).stderr
    assert "2/4 done, 4.0 MB, " in said
    assert "MB/s, ETA " in said


def test_what_has_not_changed_is_not_sent_again(cli: Program, album: FakeServer) -> None:
    cli("watch", ROOT)
    asked = [request for request in album.seen if request.url.path == f"/v1/downloads/{ROOT}"]
    children = [request for request in album.seen if request.url.path == CHILDREN]
    assert "If-None-Match" not in asked[0].headers
    assert all("If-None-Match" in request.headers for request in asked[1:])
    assert len(children) == 3 < len(asked)


def test_polls_grow_rarer_while_nothing_happens(cli: Program, server: FakeServer, clock: Clock) -> None:
    server.timelines[ROOT] = [(0, a_download(kind="track")), (60, a_download(kind="track", status="COMPLETED"))]
    cli("watch", ROOT)
    assert 60 <= clock.now_s <= 62
    assert 30 <= len([request for request in server.seen if request.url.path != QUEUE]) <= 36


def test_an_album_of_thousands_is_listed_rarely(cli: Program, server: FakeServer) -> None:
    steps = [(number / 2, an_album("IN_PROGRESS", a_progress(1000, completed=number + 1))) for number in range(18)]
    server.timelines[ROOT] = [*steps, (9, an_album("COMPLETED", a_progress(1000, completed=1000)))]
    server.lists[CHILDREN] = [a_track(number, "COMPLETED") for number in range(1000)]
    cli("watch", ROOT)
    listed = [request for request in server.seen if request.url.path == CHILDREN]
    assert len(listed) == 3 * 5  # at the start, once on the way, at the end: 5 pages each


def test_it_waits_for_a_server_that_went_away(cli: Program, album: FakeServer) -> None:
    album.outage_s = (1.5, 8)
    ended = cli("watch", ROOT)
    assert ended.code == 0
    assert "trying again in 1 s: cannot reach https://crates.example: Connection refused\n" in ended.stderr
    assert "trying again in 2 s" in ended.stderr
    assert "the server answers again" in ended.stderr


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_that_may_pass_is_waited_out(cli: Program, album: FakeServer, status: int) -> None:
    album.troubles[f"/v1/downloads/{ROOT}"] = [None, a_problem(status, "trouble", "not now")]
    ended = cli("watch", ROOT)
    assert (ended.code, "not now" in ended.stderr) == (0, True)


def test_retry_after_is_obeyed(cli: Program, server: FakeServer, clock: Clock) -> None:
    server.timelines[ROOT] = [(0, a_download(kind="track")), (1, a_download(kind="track", status="COMPLETED"))]
    busy = a_problem(429, "throttled", "slowly")
    busy.headers["Retry-After"] = "7"
    server.troubles[f"/v1/downloads/{ROOT}"] = [None, busy]
    assert cli("watch", ROOT).code == 0
    assert clock.now_s == pytest.approx(7.5)


@pytest.mark.parametrize(("status", "exit_code"), [(401, 4), (403, 4), (404, 5)])
def test_trouble_that_stays_ends_the_watch(cli: Program, album: FakeServer, status: int, exit_code: int) -> None:
    album.troubles[f"/v1/downloads/{ROOT}"] = [None, a_problem(status, "no", "no more")]
    assert cli("watch", ROOT).code == exit_code


def test_the_first_look_does_not_wait(cli: Program, album: FakeServer, clock: Clock) -> None:
    album.outage_s = (0, 100)
    ended = cli("watch", ROOT)
    assert (ended.code, clock.now_s) == (3, 0)


def test_a_look_that_broke_off_is_repeated_in_full(cli: Program, album: FakeServer, clock: Clock) -> None:
    album.troubles[CHILDREN] = [None, None, a_problem(500, "oops", "broken")]
    clock.interrupt_at_s = 60
    assert cli("watch", ROOT).code == 0


def test_ctrl_c_leaves_and_says_how_to_come_back(cli: Program, album: FakeServer) -> None:
    album.clock.interrupt_at_s = 1
    ended = cli("watch", ROOT)
    assert (ended.code, ended.stdout) == (130, "")
    assert ended.stderr.endswith(f"still downloading; come back with: cratekeeper watch {ROOT}\n")


def test_failures_are_named_at_the_end(cli: Program, server: FakeServer) -> None:
    failed = an_album("FAILED", a_progress(2, completed=1, failed=1), error_message="1 of 2 children failed")
    server.timelines[ROOT] = [(0, failed)]
    lost = a_track(2, "FAILED", error_type="not_found", error_message="the provider has no such track")
    server.lists[CHILDREN] = [a_track(1, "COMPLETED"), lost]
    ended = cli("watch", ROOT)
    assert ended.stderr.endswith(
        "1 of 2 children failed\n  Song 2: not_found: the provider has no such track\n"
        f"try again what failed with: cratekeeper retry {ROOT}\n"
    )


def test_a_retry_says_when(cli: Program, server: FakeServer) -> None:
    waiting = {"error_type": "busy", "next_retry_at": "2026-11-21T08:00:12Z"}
    server.timelines[ROOT] = [
        (0, a_download(kind="track", status="RETRY_WAITING", content_name="Song", **waiting)),
        (12, a_download(kind="track", status="COMPLETED", content_name="Song")),
    ]
    assert "RETRY_WAITING Song (busy, in 12 s)\n" in cli("watch", ROOT).stderr


@pytest.mark.parametrize("wrong", ["", "..", "a/b", "x" * 65, "a?b", "ä"])
def test_what_can_be_no_id_is_not_sent(cli: Program, server: FakeServer, wrong: str) -> None:
    ended = cli("watch", wrong)
    assert (ended.code, server.seen) == (2, [])
    assert ended.stderr.startswith("error: not a download id")


def test_a_pause_is_said_and_watched_on(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [
        (0, an_album("IN_PROGRESS", a_progress(2))),
        (2, an_album("PAUSED", a_progress(2, paused=2))),
        (9, an_album("IN_PROGRESS", a_progress(2))),
        (12, an_album("COMPLETED", a_progress(2, completed=2))),
    ]
    server.lists[CHILDREN] = []
    ended = cli("watch", ROOT)
    assert ended.code == 0
    assert f"PAUSED        Night Drive (paused; to go on: cratekeeper resume {ROOT})\n" in ended.stderr


def test_who_leaves_a_paused_download_is_told_that_it_stays_so(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [(0, a_download(kind="track", status="PAUSED"))]
    server.clock.interrupt_at_s = 5
    assert cli("watch", ROOT).stderr.endswith(f"it stays paused; come back with: cratekeeper watch {ROOT}\n")


def test_a_cancel_is_said(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [
        (0, an_album("IN_PROGRESS", a_progress(2))),
        (2, an_album("CANCELLED", a_progress(2, cancelled=2))),
    ]
    server.lists[CHILDREN] = []
    ended = cli("watch", ROOT)
    assert (ended.code, ended.stdout.startswith("CANCELLED")) == (8, True)
    assert ended.stderr.endswith(f"it was cancelled; ask for it again with: cratekeeper retry {ROOT}\n")


@pytest.mark.parametrize(
    ("children", "said"),
    [
        ([a_track(1, "COMPLETED"), a_track(2, "CANCELLED")], f"; fetch one with: cratekeeper retry {ROOT}-2"),
        ([], ""),
    ],
)
def test_an_album_without_its_cancelled_parts_says_so(
    cli: Program, server: FakeServer, children: list[Json], said: str
) -> None:
    server.timelines[ROOT] = [(0, an_album("COMPLETED", a_progress(2, completed=1, cancelled=1), partial=True))]
    server.lists[CHILDREN] = children
    ended = cli("watch", ROOT)
    assert (ended.code, ended.stderr.endswith(f"parts of it were cancelled{said}\n")) == (8, True)


def test_the_place_in_the_queue_is_told_as_it_changes(cli: Program, server: FakeServer) -> None:
    waiting = [
        (at, a_download(kind="track", content_name="Song", queue_position=place)) for at, place in [(0, 3), (2, 1)]
    ]
    server.timelines[ROOT] = [*waiting, (4, a_download(kind="track", content_name="Song", status="COMPLETED"))]
    said = cli("watch", ROOT).stderr.splitlines()
    assert said == [
        "PENDING       Song (#3 in the queue)",
        "PENDING       Song (#1 in the queue)",
        "COMPLETED     Song",
    ]


# A queue that is paused as a whole


def asked_for_the_queue(server: FakeServer) -> int:
    return len([request for request in server.seen if request.url.path == QUEUE])


@pytest.fixture
def waiting(server: FakeServer) -> FakeServer:
    """A track that begins after a minute."""
    server.timelines[ROOT] = [
        (0, a_download(kind="track", content_name="Song")),
        (60, a_download(kind="track", content_name="Song", status="IN_PROGRESS")),
        (100, a_download(kind="track", content_name="Song", status="COMPLETED")),
    ]
    return server


def test_a_paused_queue_is_said_once_and_what_ends_it(cli: Program, waiting: FakeServer) -> None:
    waiting.documents[QUEUE] = {"paused": True, "paused_by": "root", "paused_reason": "moving the library"}
    ended = cli("watch", ROOT)
    line = "the queue is paused by root: moving the library"
    assert ended.code == 0
    assert ended.stderr.splitlines()[0] == f"{line}; it goes on after an administrator's: cratekeeper queue resume"
    assert ended.stderr.count("the queue is paused") == 1
    assert ended.stdout.startswith("COMPLETED")


def test_a_queue_that_goes_on_by_itself_says_when(cli: Program, waiting: FakeServer) -> None:
    waiting.documents[QUEUE] = {"paused": True, "resume_at": "2026-11-21T09:00:00Z"}
    at = STARTED.replace(hour=9).astimezone()
    said = f"the queue is paused; it goes on at {at:%Y-%m-%d %H:%M:%S}, or after an administrator's:"
    assert said in cli("watch", ROOT).stderr


def test_an_open_queue_is_asked_for_rarely_and_not_told_of(cli: Program, waiting: FakeServer) -> None:
    waiting.documents[QUEUE] = {"paused": False}
    assert "queue" not in cli("watch", ROOT).stderr
    assert 5 <= asked_for_the_queue(waiting) <= 6  # in the minute that it waits


def test_a_pause_that_changes_is_said_again(cli: Program, waiting: FakeServer) -> None:
    pauses = [{"paused": True, "paused_reason": "one"}, {"paused": True, "paused_reason": "two"}, {"paused": False}]
    waiting.troubles[QUEUE] = [httpx.Response(200, json=each) for each in [*pauses, {"paused": False}]]
    said = [line for line in cli("watch", ROOT).stderr.splitlines() if "queue" in line]
    assert [line.partition(";")[0] for line in said] == [
        "the queue is paused: one",
        "the queue is paused: two",
        "the queue goes on",
    ]


def test_what_runs_does_not_ask_for_the_queue(cli: Program, server: FakeServer) -> None:
    running = an_album("IN_PROGRESS", a_progress(2, in_progress=2))
    server.timelines[ROOT] = [(0, running), (30, an_album("COMPLETED", a_progress(2, completed=2)))]
    server.lists[CHILDREN] = []
    server.documents[QUEUE] = {"paused": True}
    assert "queue" not in cli("watch", ROOT).stderr
    assert asked_for_the_queue(server) == 0


def test_an_album_that_stands_still_between_two_tracks_says_why(cli: Program, server: FakeServer) -> None:
    halted = an_album("IN_PROGRESS", a_progress(2, completed=1))
    server.timelines[ROOT] = [(0, halted), (30, an_album("COMPLETED", a_progress(2, completed=2)))]
    server.lists[CHILDREN] = []
    server.documents[QUEUE] = {"paused": True}
    assert "the queue is paused; it goes on" in cli("watch", ROOT).stderr


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_queue_that_cannot_be_seen_is_no_trouble(cli: Program, waiting: FakeServer, status: int) -> None:
    waiting.troubles[QUEUE] = [a_problem(status, "trouble", "not now")] * 9
    ended = cli("watch", ROOT)
    assert (ended.code, ended.stderr.splitlines()) == (0, ["IN_PROGRESS   Song", "COMPLETED     Song"])
