"""`downloads` and `show`: pages, filters, columns."""

import pytest

from tests.unit.cli.fake_server import (
    ALBUM,
    ROOT,
    FakeServer,
    Json,
    a_download,
    a_progress,
    a_track,
    an_album,
)
from tests.unit.cli.program import Program

DOWNLOADS = "/v1/downloads"


@pytest.fixture
def many(server: FakeServer) -> FakeServer:
    """The server, with 450 downloads of the caller."""
    server.lists[DOWNLOADS] = [a_download(id=f"D{number:03}", content_name="N") for number in range(450)]
    return server


def ids(page: Json) -> list[object]:
    items = page["items"]
    assert isinstance(items, list)
    return [item["id"] for item in items]


@pytest.mark.parametrize(
    ("options", "count", "pages"),
    [([], 50, 1), (["--limit", "3"], 3, 1), (["--limit", "250"], 250, 2), (["--all"], 450, 3)],
)
def test_cursors_are_followed_as_far_as_asked(
    cli: Program, many: FakeServer, options: list[str], count: int, pages: int
) -> None:
    found = ids(cli("downloads", "--json", *options).json)
    assert found == [f"D{number:03}" for number in range(count)]
    assert len(many.seen) == pages


@pytest.mark.usefixtures("many")
def test_the_cursor_of_the_last_page_is_kept(cli: Program) -> None:
    assert cli("downloads", "--json").json["next_cursor"] == "50"
    assert cli("downloads", "--json", "--all").json["next_cursor"] is None


def test_more_is_announced(cli: Program, many: FakeServer) -> None:
    assert "--all" in cli("downloads").stderr
    assert cli("downloads", "--all").stderr == ""
    assert len(many.seen) == 4


def test_filters_are_sent_as_the_api_names_them(cli: Program, many: FakeServer) -> None:
    cli("downloads", "--status", "failed", "--kind", "Album", "--active")
    sent = dict(many.seen[0].url.params)
    assert sent == {"status": "FAILED", "kind": "album", "active": "true", "limit": "50"}


@pytest.mark.parametrize("options", [["--status", "LOST"], ["--kind", "disc"], ["--limit", "0"], ["--limit", "x"]])
def test_wrong_filters_are_told_without_a_request(cli: Program, server: FakeServer, options: list[str]) -> None:
    assert (cli("downloads", *options).code, server.seen) == (2, [])


def test_nothing_is_said_as_such(cli: Program, server: FakeServer) -> None:
    server.lists[DOWNLOADS] = []
    assert cli("downloads").stdout == "no downloads\n"


@pytest.mark.parametrize("columns", ["40", "60", "80", "100", "200"])
def test_rows_fit_and_the_id_is_never_cut(cli: Program, server: FakeServer, columns: str) -> None:
    server.lists[DOWNLOADS] = [
        an_album("RETRY_WAITING", a_progress(14, completed=8)),
        a_download(content_name="N" * 300, queue_position=3),
        a_download(kind="track", status="COMPLETED", bytes_downloaded=5_200_000, partial=True),
    ]
    lines = cli.having({"COLUMNS": columns})("downloads").stdout.splitlines()
    assert all(len(line) <= int(columns) for line in lines)
    assert all(line.startswith(ROOT) for line in lines[1:])
    shown = "\n".join(lines)
    assert [word in shown for word in ("8/14", "#3", "5.2 MB")] == [columns != "40"] * 3
    assert ("done*" if int(columns) < 60 else "COMPLETED*") in shown
    assert ("Night Drive – The Examples" in shown) == (int(columns) > 60)


def test_show_tells_everything_about_one(cli: Program, server: FakeServer) -> None:
    media = {"key": "audio/x.mp3", "size": 5_242_880, "sha256": "ab" * 32, "content_type": "audio/mpeg"}
    document = a_download(
        kind="track", status="COMPLETED", content_name="Song", artist_name="Her", attempts=2, media=media
    )
    server.timelines[ROOT] = [(0, document)]
    shown = cli("show", ROOT).stdout
    for word in ("Song – Her", "COMPLETED", ROOT, f"track {ALBUM}", "2 (normal)", "audio/x.mp3", "5.2 MB", "ab" * 32):
        assert word in shown
    assert cli("show", ROOT, "--json").json == document


def test_show_lists_the_parts_of_an_album(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [(0, an_album("IN_PROGRESS", a_progress(250, completed=1)))]
    server.lists[f"/v1/downloads/{ROOT}/children"] = [a_track(n, "FAILED", error_type="busy") for n in range(250)]
    shown = cli("show", ROOT).stdout
    assert "Song 249" in shown
    assert "busy" in shown
    children = cli("show", ROOT, "--json").json["children"]
    assert isinstance(children, list)
    assert len(children) == 250


def test_show_tells_the_history_on_request(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [(0, a_download(kind="track"))]
    event: Json = {
        "id": "e1",
        "timestamp": "2026-11-21T08:00:00Z",
        "event_type": "RETRY_SCHEDULED",
        "details": {"retry": 1},
    }
    server.lists[f"/v1/downloads/{ROOT}/events"] = [event]
    shown = cli("show", ROOT, "--events").stdout
    assert "RETRY_SCHEDULED" in shown
    assert "retry=1" in shown
    assert cli("show", ROOT, "--events", "--json").json["events"] == [event]
    assert "events" not in cli("show", ROOT, "--json").json


def test_show_says_when_it_started_and_ended_and_where_it_waits(cli: Program, server: FakeServer) -> None:
    times = {"started_at": "2026-11-21T08:00:00Z", "completed_at": "2026-11-21T08:05:00Z"}
    server.timelines[ROOT] = [(0, a_download(kind="track", queue_position=12, priority=9, **times))]
    shown = cli("show", ROOT).stdout
    for word in ("Started", "Ended", "12 in the queue", "9 (?)"):
        assert word in shown


def test_unknown_download_is_code_five(cli: Program) -> None:
    ended = cli("show", "nobody")
    assert (ended.code, ended.stderr.splitlines()[0]) == (5, "error: no such download (not_found, request id req-1)")


def test_waiting_work_says_when_it_is_tried_again(cli: Program, server: FakeServer) -> None:
    waiting = {"error_type": "connection", "error_message": "refused", "next_retry_at": "2026-11-21T08:01:00Z"}
    server.timelines[ROOT] = [(0, a_download(kind="track", status="RETRY_WAITING", retry_count=2, **waiting))]
    shown = cli("show", ROOT).stdout
    assert "connection: refused" in shown
    assert "(retry 2 of 5)" in shown


@pytest.mark.usefixtures("many")
def test_ids_alone_are_for_other_commands(cli: Program) -> None:
    assert cli("downloads", "--ids", "--limit", "2").stdout == "D000\nD001\n"
    assert ids(cli("downloads", "--ids", "--limit", "2", "--json").json) == ["D000", "D001"]


def test_explain_names_what_blocks_and_until_when(cli: Program, server: FakeServer) -> None:
    server.timelines[ROOT] = [(0, a_download(content_name="Night"))]
    blockers = [
        {"code": "queue_paused", "detail": "paused by bob: moving", "ends_at": "2026-11-21T09:00:00Z"},
        {"code": "no_permit", "detail": "3 of 3 held"},
    ]
    server.documents[f"/v1/downloads/{ROOT}/explain"] = {"blockers": blockers}
    lines = cli("explain", ROOT).stdout.splitlines()
    assert lines[0] == "PENDING  Night"
    assert "queue_paused  paused by bob: moving  2026-11-2" in lines[2]
    assert lines[3].split() == ["no_permit", "3", "of", "3", "held", "–"]
    assert cli("explain", ROOT, "--json").json == {"blockers": blockers}


@pytest.mark.parametrize(("status", "said"), [("IN_PROGRESS", "nothing blocks it"), ("FAILED", "it is over")])
def test_explain_says_that_nothing_blocks(cli: Program, server: FakeServer, status: str, said: str) -> None:
    server.timelines[ROOT] = [(0, a_download(status=status))]
    server.documents[f"/v1/downloads/{ROOT}/explain"] = {"blockers": []}
    assert said in cli("explain", ROOT).stdout


def test_events_are_all_pages_of_the_history(cli: Program, server: FakeServer) -> None:
    entries: list[Json] = [{"id": f"e{number}", "event_type": f"EVENT_{number}"} for number in range(250)]
    server.lists[f"/v1/downloads/{ROOT}/events"] = entries
    assert "EVENT_249" in cli("events", ROOT).stdout
    assert cli("events", ROOT, "--json").json == {"items": entries, "next_cursor": None}
