"""The live view, frame by frame."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from cratekeeper_cli.answers import Download
from cratekeeper_cli.bars import Bars, visible
from cratekeeper_cli.host import Host
from cratekeeper_cli.pausing import Flowing, Halted
from cratekeeper_cli.watching import Back, Lost, Seen, Sight
from tests.unit.cli.fake_server import (
    ROOT,
    STARTED,
    Clock,
    FakeServer,
    Json,
    a_download,
    a_progress,
    a_track,
    an_album,
)
from tests.unit.cli.program import Program


def a_console(width: int, height: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None)


def a_sight(document: Json, *children: Json, at_s: float = 0.0) -> Seen:
    parts = tuple(Download.of(child) for child in children)
    return Seen(Download.of(document), parts, document, STARTED + timedelta(seconds=at_s), at_s)


def frame(host: Host, *sights: Sight, width: int = 80, height: int = 24) -> list[str]:
    console = a_console(width, height)
    bars = Bars(console, host)
    for sight in sights:
        bars.show(sight)
    with console.capture() as capture:
        console.print(bars)
    return capture.get().splitlines()


ALBUM = an_album("IN_PROGRESS", a_progress(4, completed=1, in_progress=1, retry_waiting=1, size_bytes=3_000_000))
TRACKS = [
    a_track(1, "COMPLETED", bytes_downloaded=3_000_000),
    a_track(2, "IN_PROGRESS", bytes_downloaded=1_500_000),
    a_track(3, "RETRY_WAITING", error_type="busy", next_retry_at="2026-11-21T08:00:30Z"),
    a_track(4, "PENDING"),
]


def test_there_is_a_line_for_each_track_and_the_total(host: Host) -> None:
    lines = frame(host, a_sight(ALBUM, *TRACKS))
    assert lines[0] == "Night Drive – The Examples"
    assert [line.split()[0] for line in lines[1:]] == ["done", "loading", "retry", "waiting", "loading"]
    assert lines[1].endswith("3.0 MB")
    assert "busy, in 30 s" in lines[3]
    assert "1/4  4.5 MB" in lines[5]


def test_rate_and_time_left_come_from_what_was_seen(host: Host, clock: Clock) -> None:
    later = an_album("IN_PROGRESS", a_progress(4, completed=2, in_progress=1, size_bytes=6_000_000))
    sights = a_sight(ALBUM), a_sight(later, at_s=3.0)
    clock.now_s = 3.0
    assert frame(host, *sights)[-1].endswith("2/4  6.0 MB  1.0 MB/s  ETA 6 s")


def test_the_countdown_runs_between_looks(host: Host, clock: Clock) -> None:
    clock.now_s = 20.0
    assert "busy, in 10 s" in frame(host, a_sight(ALBUM, *TRACKS))[3]
    clock.now_s = 31.0
    assert "busy, now" in frame(host, a_sight(ALBUM, *TRACKS))[3]


def test_a_single_download_has_one_line(host: Host) -> None:
    track = a_download(kind="track", status="IN_PROGRESS", content_name="Song", bytes_downloaded=10)
    assert len(frame(host, a_sight(track))) == 3


def test_a_failure_says_why(host: Host) -> None:
    failed = a_track(1, "FAILED", error_type="not_found")
    assert "not_found" in frame(host, a_sight(an_album("FAILED", a_progress(1, failed=1)), failed))[1]


def test_without_the_servers_clock_a_retry_says_the_time_of_day(host: Host) -> None:
    sight = replace(a_sight(ALBUM, *TRACKS), now=None)
    at = (STARTED + timedelta(seconds=30)).astimezone()
    assert f"busy, {at:%m-%d %H:%M}" in frame(host, sight)[3]


def test_what_rests_has_no_bar(host: Host) -> None:
    paused = an_album("PAUSED", a_progress(2, paused=1, cancelled=1))
    lines = frame(host, a_sight(paused, a_track(1, "PAUSED"), a_track(2, "CANCELLED")))
    assert [line.split() for line in lines[1:3]] == [["paused", "Song", "1"], ["cancelled", "Song", "2"]]


def test_before_anything_is_seen_there_is_only_the_trouble(host: Host) -> None:
    assert frame(host) == []
    assert frame(host, Lost("no answer", 1)) == ["trying again in 1 s: no answer"]


def test_a_lost_server_is_told_below_and_forgotten_when_it_is_back(host: Host) -> None:
    lost = Lost("cannot reach it", 4)
    assert frame(host, a_sight(ALBUM), lost)[-1] == "trying again in 4 s: cannot reach it"
    assert "reach" not in frame(host, a_sight(ALBUM), lost, Back())[-1]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
@pytest.mark.parametrize("height", [8, 24])
def test_no_frame_is_larger_than_the_terminal(host: Host, width: int, height: int) -> None:
    tracks = [a_track(number, "COMPLETED", bytes_downloaded=10**8) for number in range(120)]
    named = {**ALBUM, "content_name": "長い名前" * 40}
    lines = frame(host, a_sight(named, *tracks), Lost("x" * 300, 4), width=width, height=height)
    assert len(lines) < height
    assert all(cell_len(line) <= width for line in lines)
    assert any("more" in line for line in lines)


def test_a_paused_album_says_how_to_go_on(host: Host) -> None:
    lines = frame(host, a_sight(an_album("PAUSED", a_progress(4, paused=4))))
    assert lines[-1].strip() == f"paused; to go on: cratekeeper resume {ROOT}"


def test_a_paused_queue_is_told_below_until_it_goes_on_or_nothing_waits(host: Host) -> None:
    halted, lost = Halted("the queue is paused", "it goes on later"), Lost("no answer", 1)
    waiting, over = a_sight(an_album("PENDING", a_progress(4))), a_sight(an_album("COMPLETED", a_progress(4)))
    assert frame(host, waiting, halted)[-2:] == ["the queue is paused", "it goes on later"]
    assert frame(host, waiting, halted, lost)[-1] == "trying again in 1 s: no answer"
    for gone in (Flowing(), over):
        assert "queue is paused" not in "".join(frame(host, waiting, halted, gone))


def test_what_waits_says_its_place_and_no_rate(host: Host) -> None:
    line = frame(host, a_sight(an_album("PENDING", a_progress(4), queue_position=3)))[-1]
    assert "#3 in the queue" in line
    assert "ETA" not in line


def test_what_moves_is_shown_before_what_rests() -> None:
    states = ["COMPLETED", "PENDING", "FAILED", "COMPLETED", "IN_PROGRESS", "PENDING", "RETRY_WAITING"]
    parts = [Download.of(a_track(number, status)) for number, status in enumerate(states)]
    assert [part.status for part in visible(parts, rows=4)] == ["PENDING", "FAILED", "IN_PROGRESS", "RETRY_WAITING"]
    assert visible(parts, rows=7) == parts


def test_on_a_terminal_watch_draws(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [(0, ALBUM), (2, an_album("COMPLETED", a_progress(4, completed=4)))]
    server.lists[f"/v1/downloads/{ROOT}/children"] = TRACKS
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    ended = cli.having(terminal)("watch", ROOT, "--json")
    assert ended.json["status"] == "COMPLETED"
    assert "\x1b[" in ended.stderr
    assert "4/4" in ended.stderr


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"FORCE_COLOR": ""}])
def test_without_a_real_terminal_nothing_is_drawn(cli: Program, server: FakeServer, variables: dict[str, str]) -> None:
    server.timelines[ROOT] = [(0, a_download(kind="track", status="COMPLETED"))]
    ended = cli.having({"FORCE_COLOR": "1", "COLUMNS": "80", **variables})("watch", ROOT)
    assert "\x1b[?25l" not in ended.stderr
